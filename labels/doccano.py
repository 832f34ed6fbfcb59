"""doccano: the JSONL that its projects of type "Intent Detection and Slot Filling" import and export.

That type, the only one with both spans and categories, reads the columns `text`, `entities` (`[[start, end, label]]`)
and `cats` (`[label]`) by these names and keeps every other column as metadata, which its export repeats; so written by
doccano 1.8.4. Its `id` is doccano's own number, hence `sentence_id` here. Every row has every column, null where it has
nothing, for doccano makes a table of them.

Offsets are `[start, end)` in UTF-16 units, as doccano's front end counts in this type of project, so that an emoji is
two; they are turned into characters when read.

doccano has no guesses apart from answers: what `queue` writes looks annotated. Export with "Export only approved
documents", or the tagger's guesses come back as a person's answers.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from labels import atomic
from labels.answer import Answer, Carried, Mark, Reading
from labels.corpus import numbered_lines
from labels.errors import Fault
from labels.offsets import from_utf16, to_utf16
from labels.task import Task


class _Entity(BaseModel):
    """A span as a project with relations exports it; other projects have a list of three."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    start_offset: int
    end_offset: int
    label: str


class _Row(Carried):
    id: str = Field(validation_alias=AliasChoices("sentence_id"))
    entities: list[tuple[int, int, str] | _Entity]
    cats: list[str]


def write(tasks: Sequence[Task], path: Path) -> list[Path]:
    """Write the tasks to `path`, one a line.

    Raises:
        DataError: it cannot be written.
    """
    atomic.write_text(path, "".join(f"{json.dumps(to_row(task), ensure_ascii=False)}\n" for task in tasks))
    return [path]


def to_row(task: Task) -> dict[str, object]:
    """The JSON of one task."""
    sentence = task.sentence
    data = task.data()
    row: dict[str, object] = {"sentence_id": data.pop("id"), "text": data.pop("text")}
    row["entities"] = [
        [to_utf16(sentence.text, span.start), to_utf16(sentence.text, span.end), span.role] for span in sentence.roles
    ]
    row["cats"] = [sentence.label]
    row |= data
    if task.guess is not None:
        row |= {"model": task.guess.model, "score": task.guess.score}
    return row


def read(path: Path) -> Reading:
    """Read doccano's JSONL export, the file of all or of one annotator; a row with nothing marked is left out."""
    reading = Reading()
    for number, line in numbered_lines(path, reading.faults):
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            reading.add_invalid(path.name, number, error)
            continue
        if not row.cats and not row.entities:
            reading.left_out["not annotated"] += 1
            continue
        marks, problems = _marks(row)
        if problems:
            reading.faults += [Fault(path.name, number, problem) for problem in problems]
            continue
        carried = Carried.model_validate(row.model_dump(include=set(Carried.model_fields)))
        reading.answers.append(Answer(path.name, number, carried, tuple(row.cats), tuple(marks)))
    return reading


def _marks(row: _Row) -> tuple[list[Mark], list[str]]:
    """The spans in characters, and what is wrong with the offsets of those that have no place in the text."""
    marks: list[Mark] = []
    problems: list[str] = []
    for entity in row.entities:
        if isinstance(entity, _Entity):
            start, end, role = entity.start_offset, entity.end_offset, entity.label
        else:
            start, end, role = entity
        try:
            marks.append(Mark(role, from_utf16(row.text, start), from_utf16(row.text, end)))
        except ValueError as error:
            problems.append(f"the span [{start}, {end}) of {role}: {error}")
    return marks, problems
