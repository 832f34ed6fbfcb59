import json
from pathlib import Path

import pytest

from labels.errors import FaultsError
from serve.records import TagRecord
from serve.tagger import Tagger
from tests.conftest import SENTENCES
from train.__main__ import main
from train.labelled_file import read_labelled


def write(file: Path, *rows: object) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


LABELLED = [{"text": text, "label": "neutral", "roles": [], "origin": "elsewhere"} for text in SENTENCES]
KEYS = {
    *("n", "accuracy", "macro_f1", "macro_f1_ci95", "per_label"),
    *("confusion", "ece", "roles", "coverage_precision"),
}


def evaluate(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *map(str, arguments)])
    return int(stopped.value.code or 0)


def test_scores_are_those_of_the_served_path(model_folder: Path, tagger: Tagger, tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", *LABELLED)
    scores, predictions = tmp_path / "scores.json", tmp_path / "predictions.jsonl"
    assert evaluate("--data", data, "--model", model_folder, "--json", scores, "--predictions", predictions) == 0
    measured = json.loads(scores.read_text())
    assert set(measured) == KEYS
    served = tagger.predict(SENTENCES)
    assert measured["accuracy"] == sum(answer.label == "neutral" for answer in served) / len(SENTENCES)
    written = [TagRecord.model_validate_json(line) for line in predictions.read_text().splitlines()]
    assert [record.label for record in written] == [answer.label for answer in served]


def test_without_labels_there_are_predictions_alone(model_folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", *({"text": text} for text in SENTENCES))
    predictions = tmp_path / "predictions.jsonl"
    assert evaluate("--data", data, "--model", model_folder, "--predictions", predictions) == 0
    assert len(predictions.read_text().splitlines()) == len(SENTENCES)
    assert evaluate("--data", data, "--model", model_folder, "--json", tmp_path / "scores.json") == 2


def test_other_peoples_data_may_have_overlapping_roles(tmp_path: Path) -> None:
    roles = [{"role": "source", "start": 0, "end": 3}, {"role": "target", "start": 0, "end": 3}]
    (row,) = read_labelled(write(tmp_path / "d.jsonl", {"text": "She denied it.", "label": "denies", "roles": roles}))
    assert [span.role for span in row.roles] == ["source", "target"]


def test_rare_line_separators_within_a_text_are_text(tmp_path: Path) -> None:
    file = tmp_path / "d.jsonl"
    file.write_text('{"text": "One\u2028two\u0085three."}\n', encoding="utf-8")
    assert [row.text for row in read_labelled(file)] == ["One\u2028two\u0085three."]


@pytest.mark.parametrize(
    "roles",
    [
        [{"role": "source", "start": 0, "end": 99}],
        [{"role": "source", "start": 2, "end": 2}],
        [{"role": "source", "start": 0, "end": 1}, {"role": "source", "start": 2, "end": 3}],
    ],
)
def test_a_span_that_cannot_be_is_a_fault(tmp_path: Path, roles: list[dict[str, object]]) -> None:
    with pytest.raises(FaultsError, match=r":1: "):
        read_labelled(write(tmp_path / "d.jsonl", {"text": "She denied it.", "label": "denies", "roles": roles}))


def test_every_fault_is_named(tmp_path: Path) -> None:
    data = write(
        tmp_path / "d.jsonl", {"text": "a", "label": "praises"}, {"label": "neutral"}, {"text": "a"}, LABELLED[0]
    )
    with pytest.raises(FaultsError) as raised:
        read_labelled(data)
    assert [(fault.line, fault.message.split(":")[0]) for fault in raised.value.faults] == [
        (1, "label"),
        (2, "text"),
        (3, "label"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --data FILE or --split"),
        (["--split", "train"], "development or test, not train"),
        (["--split", "test", "--part", "some"], "all, articles or targeted, not some"),
        (["--data", "none.jsonl"], "cannot read none.jsonl"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    model_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert evaluate("--model", model_folder, *arguments) == 2
    printed = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert message in printed
    assert "Traceback" not in printed
