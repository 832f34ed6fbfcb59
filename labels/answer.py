"""What an annotation tool says of a sentence, and how it is judged before it becomes a row of the corpus.

Every reader of a tool's file gives `Answer`s with spans `[start, end)` in characters. Nothing is checked before
`judge`, so that every fault of every record can be told at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from labels import corpus, markup
from labels.errors import Fault
from labels.record import AnnotatedSentence, RoleSpan, conflicts
from labels.scheme import ACTS, REGISTERS, ROLES, STANCES, Stance


class Carried(BaseModel):
    """What `export` or `queue` wrote beside the annotation and the tool carried through; what else it has is let be."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    id: str
    text: str
    # A tool that keeps its records in a table writes null where one of them had no tags.
    tags: Annotated[list[str], BeforeValidator(lambda tags: [] if tags is None else tags)] = []
    group: str | None = None
    document: str | None = None


@dataclass(frozen=True)
class Mark:
    """A span `[start, end)` in characters as a tool gives it, right or wrong."""

    role: str
    start: int
    end: int
    text: str | None = None
    """What the tool says it holds, if it says so."""

    def agrees_with(self, text: str) -> bool:
        """Whether `text` has at its place what it says it holds, white space apart."""
        if self.text is None:
            return True
        found = text[self.start : self.end].split()
        # Label Studio may write a line break within a span as backslash and n.
        return self.text.split() == found or self.text.replace("\\n", "\n").split() == found


@dataclass(frozen=True)
class Answer:
    """One annotation of one record."""

    file: str
    record: int
    """Number of the record in the file, from 1; in a JSONL file, of its line."""
    carried: Carried
    stances: tuple[str, ...]
    marks: tuple[Mark, ...]
    annotators: tuple[str, ...] = ()
    """The names under which the tool knows the annotator."""
    final: bool = False
    """Whether it was declared the right one of several."""
    replaces_earlier: bool = False
    """Whether it takes the place of the answers to the same sentence that stand before it."""


@dataclass
class Reading:
    """What one file gave."""

    answers: list[Answer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Why records give no answer, and how many."""

    def add_invalid(self, file: str, record: int, error: ValidationError) -> None:
        """Note that a record has not the form of its tool's records."""
        for problem in error.errors():
            place = ".".join(map(str, problem["loc"]))
            self.faults.append(Fault(file, record, f"{place}: {problem['msg']}" if place else problem["msg"]))


def judge(answer: Answer, topic: str, default_tags: Sequence[str] = ()) -> tuple[AnnotatedSentence | None, list[str]]:
    """The sentence of `topic` that `answer` makes, or None and every rule that it breaks, a sentence each.

    White space at the ends of a span is not the annotator's meaning and is trimmed. `default_tags` are those of a
    record that carries none.
    """
    text = answer.carried.text
    label, problems = _stance(answer.stances)
    roles, more = _roles(text, answer.marks)
    problems += more
    # Without a stance the roles can still be at odds with each other, as those of any act.
    problems += conflicts(label or ACTS[0], roles)
    if label is None or problems:
        # What else is wrong can only be told of a row with an annotation, so it gets one that breaks no rule.
        label, roles = "neutral", []
    tags = answer.carried.tags or list(default_tags)
    if not tags:
        problems.append("the record carries no tags; give them with --tag, a register at least, for example --tag wire")
        tags = [min(REGISTERS)]
    if not text or markup.has_mark_characters(text):
        return None, problems + corpus.text_problems(text)
    carried = answer.carried.model_dump(exclude={"tags"})
    made = AnnotatedSentence.model_validate({**carried, "tags": tags, "topic": topic, "label": label, "roles": roles})
    # The corpus has the last word, by the same code that reads its files.
    more, sentence = corpus.parse_line(corpus.to_line(made), topic)
    problems += more
    return (None if problems else sentence), problems


def _stance(stances: Sequence[str]) -> tuple[Stance | None, list[str]]:
    problems = [
        f"the stance {stance!r} is unknown; the stances are {', '.join(STANCES)}"
        for stance in stances
        if stance not in STANCES
    ]
    if not stances:
        problems.append("no stance is chosen; choose one")
    if len(stances) > 1:
        problems.append(f"{len(stances)} stances are chosen ({', '.join(stances)}); keep one")
    return (None, problems) if problems else (cast(Stance, stances[0]), [])


def _roles(text: str, marks: Sequence[Mark]) -> tuple[list[RoleSpan], list[str]]:
    spans: list[RoleSpan] = []
    problems: list[str] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, mark.end)):
        place = f"the span [{mark.start}, {mark.end})"
        if mark.role not in ROLES:
            problems.append(f"{place} has the unknown label {mark.role!r}; the roles are {', '.join(ROLES)}")
        if not 0 <= mark.start < mark.end <= len(text):
            problems.append(f"{place} of {mark.role} is empty or lies outside the text's {len(text)} characters")
            continue
        found = text[mark.start : mark.end]
        if not mark.agrees_with(text):
            problems.append(f"{place} of {mark.role} is said to hold {mark.text!r}, but the text has {found!r} there")
            continue
        start = mark.start + len(found) - len(found.lstrip())
        end = mark.start + len(found.rstrip())
        if start >= end:
            problems.append(f"{place} of {mark.role} holds nothing but white space")
            continue
        if markup.joins_words(text[:start], text[start:end]) or markup.joins_words(text[start:end], text[end:]):
            problems.append(f"{place} of {mark.role} cuts a word: {text[start:end]!r}; widen or narrow it")
            continue
        if mark.role in ROLES:
            spans.append(RoleSpan(role=mark.role, start=start, end=end))
    return spans, problems
