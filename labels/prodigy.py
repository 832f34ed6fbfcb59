"""Prodigy: its JSONL tasks, as loaded by a recipe and as given by `db-out`.

A task has `text`, `spans` (`start`, `end`, `label`, `text`), `options` and `accept` (the chosen ones' ids), and `meta`.
The interface is `blocks` of `ner_manual` and of `choice`, the latter with `"text": None` so that the text shows once;
`add_tokens` of Prodigy adds the tokens that `ner_manual` needs, with `use_chars=True` if a span may end within one.
A task of the corpus carries `answer: accept`; one of `queue` carries none, its spans and choice are preset.

Offsets are `[start, end)` in characters (Unicode code points), for Prodigy computes them in Python.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labels import atomic
from labels.answer import Answer, Carried, Mark, Reading
from labels.corpus import numbered_lines
from labels.scheme import STANCES
from labels.task import Task

_WHY: Final = {"reject": "rejected", "ignore": "ignored", None: "not annotated"}


class _Span(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    start: int
    end: int
    label: str
    text: str | None = None


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    meta: dict[str, object]
    spans: list[_Span] = []
    accept: list[str] = []
    answer: Literal["accept", "reject", "ignore"] | None = None
    annotator: str | None = Field(default=None, validation_alias="_annotator_id")
    session: str | None = Field(default=None, validation_alias="_session_id")


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
    meta = task.data()
    row: dict[str, object] = {"text": meta.pop("text")}
    row["spans"] = [
        {"start": span.start, "end": span.end, "label": span.role, "text": sentence.text[span.start : span.end]}
        for span in sentence.roles
    ]
    row["options"] = [{"id": stance, "text": stance} for stance in STANCES]
    row["accept"] = [sentence.label]
    if task.guess is None:
        row["answer"] = "accept"
    else:
        meta |= {"model": task.guess.model, "score": task.guess.score}
    # Prodigy shows the whole of meta beneath the task, so what is not there is left out.
    row["meta"] = {name: value for name, value in meta.items() if value is not None}
    return row


def read(path: Path) -> Reading:
    """Read what `db-out` writes: accepted records are answers; rejected, ignored and unanswered ones are left out."""
    reading = Reading()
    for number, line in numbered_lines(path, reading.faults):
        try:
            row = _Row.model_validate_json(line)
            # What was rejected need not be right.
            carried = Carried.model_validate({**row.meta, "text": row.text}) if row.answer == "accept" else None
        except ValidationError as error:
            reading.add_invalid(path.name, number, error)
            continue
        if carried is None:
            reading.left_out[_WHY[row.answer]] += 1
            continue
        marks = tuple(Mark(span.label, span.start, span.end, span.text) for span in row.spans)
        names = tuple(name for name in (row.annotator, row.session) if name is not None)
        reading.answers.append(Answer(path.name, number, carried, tuple(row.accept), marks, names))
    return reading
