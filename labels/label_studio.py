"""Label Studio: its JSON tasks, its labelling configuration, and its JSON export.

A task has `data` and either `annotations`, which are answers, or `predictions`, from which Label Studio fills in the
form that a person then corrects. An annotation's `result` has one entry of type `choices` for the stance and one of
type `labels` for each role, with `start`, `end` and `text`.

Offsets are `[start, end)` in characters (Unicode code points), which is what Label Studio's front end counts. Before
October 2021 it counted UTF-16 units; an export whose spans hold the text they claim only if so counted is read that
way. From mid 2023 to mid 2024 it also drew spans after an emoji in the wrong place, though what it stored was right.

An export written here carries `ground_truth: false`: left out, Label Studio takes an imported annotation for the ground
truth, and a person's correction beside it would count for nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from labels import atomic
from labels.answer import Answer, Carried, Mark, Reading
from labels.errors import DataError, Fault
from labels.offsets import from_utf16
from labels.scheme import ROLES, STANCES, Role
from labels.task import Task

#: Names of the controls, by which a result says what it belongs to.
STANCE_CONTROL: Final = "stance"
ROLE_CONTROL: Final = "roles"
TEXT_OBJECT: Final = "text"

_COLOURS: Final[dict[Role, str]] = {"source": "#1f77b4", "target": "#d62728", "issue": "#2ca02c"}


class _Choices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    choices: tuple[str, ...]


class _Span(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    start: int
    end: int
    text: str | None = None
    labels: tuple[str, ...]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    # Anything, for only two types of result have a value of ours.
    value: dict[str, object] = {}


class _Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    email: str | None = None


class _Annotation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    result: tuple[_Result, ...]
    completed_by: int | _Person | None = None
    was_cancelled: bool = False
    ground_truth: bool = False


class _ExportedTask(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    data: Carried
    annotations: tuple[_Annotation, ...] = ()


def configuration() -> str:
    """The labelling configuration that the tasks are made for, as XML to paste into a project's settings."""
    labels = "\n".join(
        f'    <Label value="{role}" background="{_COLOURS[role]}" hotkey="{key}"/>' for key, role in enumerate(ROLES, 1)
    )
    one = 'choice="single" required="true" showInline="true"'
    choices = "\n".join(
        f'    <Choice value="{stance}" hotkey="{key}"/>' for key, stance in enumerate(STANCES, len(ROLES) + 1)
    )
    return (
        "<View>\n"
        f'  <Labels name="{ROLE_CONTROL}" toName="{TEXT_OBJECT}">\n{labels}\n  </Labels>\n'
        f'  <Text name="{TEXT_OBJECT}" value="$text"/>\n'
        f'  <Choices name="{STANCE_CONTROL}" toName="{TEXT_OBJECT}" {one}>\n'
        f"{choices}\n  </Choices>\n"
        "</View>\n"
    )


def write(tasks: Sequence[Task], path: Path) -> list[Path]:
    """Write the tasks to `path` and the labelling configuration beside it, with the suffix `.xml`; return both paths.

    Raises:
        DataError: one of them cannot be written, or `path` itself ends in `.xml`.
    """
    beside = path.with_suffix(".xml")
    if beside == path:
        raise DataError(f"{path} is where the labelling configuration goes; give the tasks a name that ends in .json")
    atomic.write_text(beside, configuration())
    lines = ",\n".join(json.dumps(to_task(task), ensure_ascii=False) for task in tasks)
    atomic.write_text(path, f"[\n{lines}\n]\n")
    return [path, beside]


def to_task(task: Task) -> dict[str, object]:
    """The JSON of one task."""
    if task.guess is None:
        answer = {"result": _result(task), "was_cancelled": False, "ground_truth": False}
        return {"data": task.data(), "annotations": [answer]}
    prediction = {"result": _result(task), "score": task.guess.score, "model_version": task.guess.model}
    return {"data": task.data(), "predictions": [prediction]}


def _result(task: Task) -> list[dict[str, object]]:
    sentence = task.sentence
    regions: list[dict[str, object]] = [
        {
            "id": span.role,
            "from_name": ROLE_CONTROL,
            "to_name": TEXT_OBJECT,
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": sentence.text[span.start : span.end],
                "labels": [span.role],
            },
        }
        for span in sentence.roles
    ]
    choice = {"choices": [sentence.label]}
    return [
        *regions,
        {"id": "stance", "from_name": STANCE_CONTROL, "to_name": TEXT_OBJECT, "type": "choices", "value": choice},
    ]


def read(path: Path) -> Reading:
    """Read what Label Studio exports as JSON (not JSON-MIN), several annotations of a task included.

    Predictions are no answers, nor are drafts; a skipped annotation is left out, and so is a task without any. Any
    result of type `labels` is taken for a role and any of type `choices` for a stance, whatever the control is called.
    """
    reading = Reading()
    for number, record in enumerate(_records(path, reading), 1):
        try:
            task = _ExportedTask.model_validate(record)
            answers = [_answer(path.name, number, task.data, found) for found in task.annotations]
        except ValidationError as error:
            reading.add_invalid(path.name, number, error)
            continue
        kept = [answer for answer, found in zip(answers, task.annotations, strict=True) if not found.was_cancelled]
        reading.answers += kept
        if not kept:
            reading.left_out["skipped" if task.annotations else "not annotated"] += 1
    return reading


def _records(path: Path, reading: Reading) -> list[object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reading.faults.append(Fault(path.name, 0, f"cannot be read: {error.strerror}"))
        return []
    except ValueError as error:
        reading.faults.append(Fault(path.name, 0, f"is not JSON in UTF-8: {error}"))
        return []
    if not isinstance(content, list):
        reading.faults.append(Fault(path.name, 0, "is not a list of tasks; export the project as JSON"))
        return []
    return content


def _answer(file: str, number: int, carried: Carried, annotation: _Annotation) -> Answer:
    stances: list[str] = []
    marks: list[Mark] = []
    for result in annotation.result:
        if result.type == "choices":
            stances += _Choices.model_validate(result.value).choices
        elif result.type == "labels":
            value = _Span.model_validate(result.value)
            marks += [Mark(role, value.start, value.end, value.text) for role in value.labels]
    person = annotation.completed_by
    if isinstance(person, _Person):
        names = tuple(str(name) for name in (person.email, person.id) if name is not None)
    else:
        names = () if person is None else (str(person),)
    return Answer(
        file,
        number,
        carried,
        tuple(stances),
        _in_characters(carried.text, marks),
        names,
        annotation.ground_truth,
    )


def _in_characters(text: str, marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks as they are, or counted from UTF-16 units if only so each holds the text that it claims."""
    if all(mark.agrees_with(text) for mark in marks):
        return tuple(marks)
    try:
        counted = [replace(mark, start=from_utf16(text, mark.start), end=from_utf16(text, mark.end)) for mark in marks]
    except ValueError:
        return tuple(marks)
    return tuple(counted if all(mark.agrees_with(text) for mark in counted) else marks)
