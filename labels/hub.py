"""A folder that `datasets.load_dataset(folder)` opens and the Hugging Face Hub shows: Parquet and a dataset card.

The columns are those of `labels.dataset.FEATURES`; role spans are `[start, end)` in characters of `text`, with their
text. The card is the datasheet, `labels/README.md`, with the features and the data files added to its front matter; the
codebook lies beside it.

What `queue` writes has no label yet, which is -1 by that library's convention, and the tagger's guess in columns of its
own, so that it cannot be taken for an answer. Its sentences are not the project's, so its card names no licence.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from datasets import (
    ClassLabel,
    Dataset,
    DatasetInfo,
    Features,
    IterableDataset,
    Value,
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
    load_dataset,
)
from datasets.exceptions import DatasetsError
from datasets.info import DatasetInfosDict
from pydantic import BaseModel, ConfigDict, ValidationError

from labels import atomic
from labels.answer import Answer, Carried, Mark, Reading
from labels.dataset import FEATURES, to_row
from labels.errors import DataError
from labels.splits import SPLITS, Split
from labels.task import Task

DATASHEET: Final = Path(__file__).parent / "README.md"
CODEBOOK: Final = Path(__file__).parent / "codebook.md"
UNLABELLED: Final = -1

GUESS_FEATURES: Final = Features(
    {
        **FEATURES,
        "guess": {
            "label": FEATURES["label"],
            "score": Value("float64"),
            "roles": FEATURES["roles"],
            "model": Value("string"),
        },
        "reason": Value("string"),
        "origin": Value("string"),
    }
)


class _Span(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    role: str
    start: int
    end: int
    text: str | None = None


class _Row(Carried):
    label: str | None
    roles: list[_Span]


def write(tasks: Sequence[Task], folder: Path) -> list[Path]:
    """Write the tasks to the new or empty `folder`, one Parquet file for each split that has any.

    Raises:
        DataError: `folder` is neither, or cannot be written.
    """
    guessed = any(task.guess is not None for task in tasks)
    features = GUESS_FEATURES if guessed else FEATURES
    parts = {split: [task for task in tasks if task.split == split] for split in SPLITS}
    files = {split: f"data/{split}.parquet" for split, members in parts.items() if members}
    with atomic.new_folder(folder) as new, _no_progress_bars():
        (new / "data").mkdir()
        for split, file in files.items():
            rows = [_guess_row(task) if guessed else to_row(task.sentence) for task in parts[split]]
            columns = {name: [row[name] for row in rows] for name in features}
            Dataset.from_dict(columns, features=features).to_parquet(new / file)
        shutil.copyfile(CODEBOOK, new / CODEBOOK.name)
        (new / "README.md").write_text(_card(files, guessed), encoding="utf-8")
        # Adds the features to the front matter of the card.
        DatasetInfosDict(default=DatasetInfo(features=features)).write_to_directory(str(new))
    return [folder]


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()


def _card(files: Mapping[Split, str], guessed: bool) -> str:
    data_files = [{"split": split, "path": file} for split, file in files.items()]
    fields: dict[str, object] = {"configs": [{"config_name": "default", "data_files": data_files}]}
    body = (
        "# Sentences to label next\n\n`guess` is what the tagger says of them; `label` is -1 until a person answers.\n"
    )
    if not guessed:
        _, front, datasheet = DATASHEET.read_text(encoding="utf-8").split("---\n", 2)
        fields = {**yaml.safe_load(front), **fields}
        body = (
            f"This folder holds sentences of the corpus described below, by split ({', '.join(files)}), with the role"
            " spans as offsets `[start, end)` in characters of `text` instead of inline marks.\n\n" + datasheet
        )
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---\n{body}"


def _guess_row(task: Task) -> dict[str, object]:
    row = to_row(task.sentence)
    guess = {"label": row["label"], "roles": row["roles"]}
    row |= {"label": UNLABELLED, "roles": [], "guess": None, "reason": None, "origin": None}
    if task.guess is not None:
        row["guess"] = {**guess, "score": task.guess.score, "model": task.guess.model}
        row |= {"reason": task.guess.reason, "origin": task.guess.origin}
    return row


def read(folder: Path) -> Reading:
    """Read the splits of a folder that `load_dataset` opens; a row with no label, -1 or null, is left out.

    Records are counted within their split, which stands beside the folder's name.

    Raises:
        DataError: `folder` cannot be opened.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name the one that holds the data files and their README.md")
    reading = Reading()
    try:
        # Streamed, for otherwise a copy of the data would be left in the user's cache.
        for split, part in load_dataset(str(folder), streaming=True).items():
            _read_split(f"{folder.name}/{split}", part, reading)
    except (OSError, ValueError, DatasetsError) as error:
        raise DataError(f"{folder} cannot be opened as a data set: {error}") from error
    return reading


def _read_split(name: str, part: IterableDataset, reading: Reading) -> None:
    # Data without a card may have no features; its classes must then be named.
    features = part.features or {}
    label = features.get("label")
    role = getattr(features.get("roles"), "feature", {}).get("role")
    for number, record in enumerate(part, 1):
        try:
            row = _Row.model_validate(_named(record, label, role))
        except ValidationError as error:
            reading.add_invalid(name, number, error)
            continue
        if row.label is None:
            reading.left_out["not annotated"] += 1
            continue
        carried = Carried.model_validate(row.model_dump(include=set(Carried.model_fields)))
        marks = tuple(Mark(span.role, span.start, span.end, span.text) for span in row.roles)
        reading.answers.append(Answer(name, number, carried, (row.label,), marks))


def _named(record: Mapping[str, Any], label: object, role: object) -> dict[str, Any]:
    """The record with the names of its classes, which are numbers where a column is one of classes."""
    named = dict(record)
    if "label" in named:
        named["label"] = _name(label, named["label"])
    if isinstance(spans := named.get("roles"), list):
        named["roles"] = [{**span, "role": _name(role, span.get("role"))} for span in spans]
    return named


def _name(feature: object, value: object) -> object:
    if isinstance(feature, ClassLabel) and isinstance(value, int):
        return None if value == UNLABELLED else feature.int2str(value)
    return value
