import json
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset

from labels import hub, markup
from labels.dataset import FEATURES
from labels.errors import DataError
from labels.exchange import corpus_tasks
from labels.scheme import ROLES, STANCES
from labels.task import Guess, Task
from tests.conftest import sentence


def test_a_folder_opens_with_its_splits_features_and_texts_of_spans(small_corpus: Path, tmp_path: Path) -> None:
    tasks = corpus_tasks(small_corpus)
    hub.write(tasks, tmp_path / "stances")
    data = load_dataset(str(tmp_path / "stances"), cache_dir=str(tmp_path / "cache"))
    assert {split: part.num_rows for split, part in data.items()} == {
        split: sum(task.split == split for task in tasks) for split in ("train", "development", "test")
    }
    for part in data.values():
        assert part.features == FEATURES
        for row in part.select(range(100)):
            for span in row["roles"]:
                assert row["text"][span["start"] : span["end"]] == span["text"]
    first = next(task.sentence for task in tasks if task.split == "train" and task.sentence.roles)
    (row,) = [row for row in data["train"] if row["id"] == first.id]
    assert STANCES[row["label"]] == first.label
    assert [ROLES[span["role"]] for span in row["roles"]] == [span.role for span in first.roles]


def test_the_card_is_the_datasheet_with_licence_features_and_data_files(small_corpus: Path, tmp_path: Path) -> None:
    hub.write(corpus_tasks(small_corpus, "test"), tmp_path / "stances")
    _, front, body = (tmp_path / "stances" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["license"] == "cc-by-4.0"
    assert card["configs"] == [
        {"config_name": "default", "data_files": [{"split": "test", "path": "data/test.parquet"}]}
    ]
    assert [feature["name"] for feature in card["dataset_info"]["features"]] == list(FEATURES)
    assert "# Datasheet: stance acts in news sentences" in body
    assert (tmp_path / "stances" / "codebook.md").read_bytes() == hub.CODEBOOK.read_bytes()
    assert sorted(path.name for path in (tmp_path / "stances" / "data").iterdir()) == ["test.parquet"]


def test_a_folder_that_holds_something_is_left_alone(small_corpus: Path, tmp_path: Path) -> None:
    tasks = corpus_tasks(small_corpus, "test")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="name a new or an empty folder"):
        hub.write(tasks, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_guess_stands_apart_from_the_label(tmp_path: Path) -> None:
    text, roles = markup.parse("{source|She} denied {issue|it} on Monday.")
    guess = Guess("stance 1", 0.41, "uncertain: denies 0.41, neutral 0.40", "a.txt#3")
    hub.write([Task(sentence(text, "denies", roles=roles), guess=guess)], tmp_path / "next")
    data = load_dataset(str(tmp_path / "next"), cache_dir=str(tmp_path / "cache"))["train"]
    assert data.features == hub.GUESS_FEATURES
    (row,) = data
    assert (row["label"], row["roles"], row["reason"]) == (-1, [], guess.reason)
    assert (row["guess"]["label"], row["guess"]["score"]) == (STANCES.index("denies"), 0.41)
    assert [span["text"] for span in row["guess"]["roles"]] == ["She", "it"]
    assert "license" not in yaml.safe_load((tmp_path / "next" / "README.md").read_text().split("---\n")[1])
    reading = hub.read(tmp_path / "next")
    assert (reading.answers, reading.faults, reading.left_out) == ([], [], {"not annotated": 1})


def test_rows_without_features_are_read_by_the_names_of_their_classes(tmp_path: Path) -> None:
    roles = [{"role": "source", "start": 0, "end": 3}]
    row = {"id": "a-1", "text": "She denied it.", "label": "denies", "roles": roles, "tags": ["wire"]}
    rows = [row, {**row, "label": None}, {**row, "tags": "wire"}, {**row, "roles": None}]
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(found)}\n" for found in rows[:2]))
    reading = hub.read(tmp_path)
    (answer,) = reading.answers
    assert (answer.stances, answer.marks[0].role, reading.left_out) == (("denies",), "source", {"not annotated": 1})
    for found, message in ((rows[2], "tags: Input should be a valid list"), (rows[3], "roles: Input should be a")):
        (tmp_path / "train.jsonl").write_text(json.dumps(found))
        (fault,) = hub.read(tmp_path).faults
        assert str(fault).startswith(f"{tmp_path.name}/train:1: {message}")


def test_what_is_no_data_set_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder; name the one that holds the data files"):
        hub.read(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be opened as a data set"):
        hub.read(tmp_path / "empty")
    (tmp_path / "empty" / "train.parquet").write_text("not parquet")
    with pytest.raises(DataError, match="cannot be opened as a data set"):
        hub.read(tmp_path / "empty")
