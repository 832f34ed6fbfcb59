"""One annotated sentence, validated: a stance and the spans of its roles."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labels.scheme import Role, Stance


class RoleSpan(BaseModel):
    """A role filled by the characters `[start, end)` of the sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    start: Annotated[int, Field(ge=0)]
    end: int

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"the {self.role} span [{self.start}, {self.end}) is empty")
        return self


def conflicts(label: Stance, roles: Sequence[RoleSpan]) -> list[str]:
    """The rules that `label` and `roles` break together: a role given twice, spans that overlap, neutral with roles."""
    names = [span.role for span in roles]
    found = [f"the role {name} is marked more than once" for name in sorted(set(names)) if names.count(name) > 1]
    if label == "neutral" and roles:
        found.append("a neutral sentence has no roles, so its marks must go or its label must change")
    for left, right in pairwise(sorted(roles, key=lambda span: span.start)):
        if right.start < left.end:
            found.append(f"the spans of {left.role} and {right.role} overlap")
    return found


class Annotation(BaseModel):
    """A stance with its role spans, apart from any text: what one annotator says of one sentence.

    Raises:
        pydantic.ValidationError: a role is given twice, spans overlap, or a neutral sentence has roles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Stance
    roles: tuple[RoleSpan, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if found := conflicts(self.label, self.roles):
            raise ValueError(found[0])
        return self

    def span(self, role: Role) -> RoleSpan | None:
        """The span that fills `role`, or None."""
        return next((span for span in self.roles if span.role == role), None)


class AnnotatedSentence(Annotation):
    """A sentence with its annotation and where it comes from."""

    id: str
    text: Annotated[str, Field(min_length=1)]
    topic: str
    """Name of the corpus file, or `articles`; a topic is never split between training and test."""
    tags: tuple[str, ...] = ()
    group: str | None = None
    """Contrast set: sentences that differ in the act alone share it."""
    document: str | None = None
    """Article that the sentence stands in; its sentences follow each other in reading order."""

    @model_validator(mode="after")
    def _spans_inside(self) -> Self:
        for span in self.roles:
            if span.end > len(self.text):
                raise ValueError(
                    f"the {span.role} span ends at {span.end}, past the text's {len(self.text)} characters"
                )
        return self
