"""Corrections of the tagger's answers, as the page `/ui` writes them down: one JSON object a line, only ever appended.

Offsets are `[start, end)` in characters of the sentence. A line says what the tagger answered and what a person says
instead; a later line about the same sentence takes the place of an earlier one.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from labels import markup
from labels.answer import Answer, Carried, Mark, Reading
from labels.corpus import numbered_lines, text_problems
from labels.record import Annotation, RoleSpan
from labels.scheme import ROLES, Stance
from labels.tagged import Probability, TaggedRole

#: Longest sentence that can be corrected, in characters.
MAX_TEXT: Final = 2_000

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ReviewedModel(BaseModel):
    """The model whose answer was corrected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    version: _Name
    digest: _Name
    """sha256 of its weights."""


class TagAsItWas(BaseModel):
    """What the tagger answered; fields of its record that a reviewer does not see are let be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: Stance
    score: Probability
    scores: dict[Stance, Probability]
    abstained: bool
    source: TaggedRole | None
    target: TaggedRole | None
    issue: TaggedRole | None


class Correction(Annotation):
    """A person's label and roles of a sentence, beside the tagger's.

    Raises:
        pydantic.ValidationError: the annotation breaks a rule of the codebook, or a span has no place in the text.
    """

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    model: ReviewedModel
    was: TagAsItWas
    reviewer: _Name | None = None

    @model_validator(mode="after")
    def _fits_the_text(self) -> Self:
        if self.label != "neutral" and not self.roles:
            raise ValueError(f"a sentence that {self.label} needs at least one role marked")
        for span in self.roles:
            if problem := _misplaced(self.text, span):
                raise ValueError(problem)
        for name in ROLES:
            role = {"source": self.was.source, "target": self.was.target, "issue": self.was.issue}[name]
            if role is None:
                continue
            # Python lets a slice end past the text, which a span may not.
            inside = 0 <= role.start < role.end <= len(self.text)
            if not inside or self.text[role.start : role.end] != role.text:
                raise ValueError(f"the text has not {role.text!r} at the place of the {name} that the tagger gave")
        return self


class Review(Correction):
    """One line of the review file."""

    time: AwareDatetime
    sha256: str
    """Of the text in UTF-8."""

    @model_validator(mode="after")
    def _is_of_this_text(self) -> Self:
        if self.sha256 != digest(self.text):
            raise ValueError("the sha256 is not that of the text")
        return self


def digest(text: str) -> str:
    """The sha256 by which a sentence is known."""
    return hashlib.sha256(text.encode()).hexdigest()


def _misplaced(text: str, span: RoleSpan) -> str | None:
    place = f"the {span.role} span [{span.start}, {span.end})"
    if span.end > len(text):
        return f"{place} ends past the text's {len(text)} characters"
    found = text[span.start : span.end]
    if found != found.strip():
        return f"{place} begins or ends with white space"
    if markup.joins_words(text[: span.start], found) or markup.joins_words(found, text[span.end :]):
        return f"{place} cuts a word: {found!r}"
    return None


def read(path: Path) -> Reading:
    """Read a review file; sentences that the corpus could not hold, whatever is said of them, are left out."""
    reading = Reading()
    for number, line in numbered_lines(path, reading.faults):
        try:
            review = Review.model_validate_json(line)
        except ValidationError as error:
            reading.add_invalid(path.name, number, error)
            continue
        if text_problems(review.text):
            reading.left_out["too short, too long or with one of { } | for the corpus"] += 1
            continue
        carried = Carried(id=f"review-{review.sha256[:16]}", text=review.text)
        marks = tuple(Mark(span.role, span.start, span.end) for span in review.roles)
        annotators = (review.reviewer,) if review.reviewer else ()
        reading.answers.append(
            Answer(path.name, number, carried, (review.label,), marks, annotators, replaces_earlier=True)
        )
    return reading
