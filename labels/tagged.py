"""What the tagger says of sentences in files: the JSONL of `python -m serve tag`, as far as labelling needs it."""

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labels.corpus import numbered_lines
from labels.errors import DataError, Fault, FaultsError
from labels.record import Annotation, RoleSpan
from labels.scheme import ROLES, STANCES, Role, Stance

Probability = Annotated[float, Field(ge=0, le=1)]


class TaggedRole(BaseModel):
    """A role at the characters `[start, end)` of the sentence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    start: int
    end: int


class TaggerName(BaseModel):
    """Which tagger it was."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    version: str


class TaggedSentence(BaseModel):
    """One record of the tagger's output; fields that labelling does not need are let be.

    Raises:
        pydantic.ValidationError: a stance has no probability, a role's text is not at its place, or roles overlap.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: Annotated[str, Field(min_length=1)]
    label: Stance
    scores: dict[Stance, Probability]
    """Probability of every stance."""
    source: TaggedRole | None
    target: TaggedRole | None
    issue: TaggedRole | None
    document_id: str
    sentence_index: int
    model: TaggerName

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if missing := [stance for stance in STANCES if stance not in self.scores]:
            raise ValueError(f"scores lacks {', '.join(missing)}")
        for name in ROLES:
            role = self.role(name)
            if role is not None and (role.start < 0 or self.text[role.start : role.end] != role.text):
                raise ValueError(
                    f"the text has not {role.text!r} at the place of the {name} [{role.start}, {role.end})"
                )
        self.annotation()
        return self

    def role(self, name: Role) -> TaggedRole | None:
        """What fills the role `name`."""
        return {"source": self.source, "target": self.target, "issue": self.issue}[name]

    def annotation(self) -> Annotation:
        """Label and roles, as an annotator would have given them."""
        spans = [RoleSpan(role=name, start=role.start, end=role.end) for name in ROLES if (role := self.role(name))]
        return Annotation(label=self.label, roles=tuple(sorted(spans, key=lambda span: span.start)))


def read_tagged(path: Path) -> list[TaggedSentence]:
    """Read the tagger's output in the order of its lines; documents that have an error instead of tags are left out.

    Raises:
        DataError: the file holds no record.
        FaultsError: it cannot be read, or a line is no such record; all are listed.
    """
    faults: list[Fault] = []
    tagged: list[TaggedSentence] = []
    for number, line in numbered_lines(path, faults):
        if _tells_of_an_error(line):
            continue
        try:
            tagged.append(TaggedSentence.model_validate_json(line))
        except ValidationError as error:
            for problem in error.errors():
                place = ".".join(map(str, problem["loc"]))
                message = problem["msg"].removeprefix("Value error, ")
                faults.append(Fault(path.name, number, f"{place}: {message}" if place else message))
    if faults:
        raise FaultsError(faults)
    if not tagged:
        raise DataError(f"{path} holds no record; name the output of `python -m serve tag`")
    return tagged


def _tells_of_an_error(line: str) -> bool:
    try:
        row = json.loads(line)
    except ValueError:  # reading it as a record will say so
        return False
    return isinstance(row, dict) and isinstance(row.get("error"), str)
