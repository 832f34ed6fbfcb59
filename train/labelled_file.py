"""Any labelled JSONL, for evaluation: `{"text": ..., "label": ..., "roles": [{"role", "start", "end"}]}`.

Looser than the corpus on purpose, for it is other people's data: unknown fields are passed over, roles may overlap, and
`label` may be absent where only predictions are wanted.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from labels.errors import DataError, Fault, FaultsError
from labels.scheme import Role, Stance


class LabelledSpan(BaseModel):
    """A role filled by the characters `[start, end)` of the text."""

    role: Role
    start: Annotated[int, Field(ge=0)]
    end: int


class LabelledRow(BaseModel):
    """One line of the file."""

    text: Annotated[str, Field(min_length=1)]
    label: Stance | None = None
    roles: tuple[LabelledSpan, ...] = ()

    @model_validator(mode="after")
    def _one_span_a_role(self) -> Self:
        if len({span.role for span in self.roles}) < len(self.roles):
            raise ValueError("a role is given more than once; the tagger finds one span for each")
        for span in self.roles:
            if not span.start < span.end <= len(self.text):
                raise ValueError(f"the {span.role} span [{span.start}, {span.end}) is empty or outside of the text")
        return self


def read_labelled(file: Path) -> list[LabelledRow]:
    """Read `file`, blank lines left out.

    Raises:
        DataError: the file cannot be read or holds nothing.
        FaultsError: a line is not valid, or only some lines have a label; every fault is listed.
    """
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
    rows: dict[int, LabelledRow] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows[number] = LabelledRow.model_validate_json(line)
        except ValidationError as error:
            for problem in error.errors():
                field = ".".join(map(str, problem["loc"])) or "line"
                faults.append(Fault(str(file), number, f"{field}: {problem['msg']}"))
    if not rows and not faults:
        raise DataError(f"{file} holds no sentence; each line is an object with at least `text`")
    if any(row.label for row in rows.values()):
        faults += [
            Fault(str(file), number, "label: missing, though other lines have one; give it to all or to none")
            for number, row in rows.items()
            if row.label is None
        ]
    if faults:
        raise FaultsError(faults)
    return list(rows.values())
