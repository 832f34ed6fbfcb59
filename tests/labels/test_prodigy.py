import json
from pathlib import Path
from typing import Any

import pytest

from labels import markup, prodigy
from labels.errors import DataError, FaultsError
from labels.exchange import import_answers
from labels.record import AnnotatedSentence
from labels.task import Guess, Task
from tests.conftest import sentence


@pytest.fixture
def union() -> AnnotatedSentence:
    text, roles = markup.parse("🧵 {source|The union} accused {target|Norvex}.")
    return sentence(text, "accuses", id="a-1", roles=roles, tags=["social"], document="d")


def exported(task: Task, **changes: object) -> dict[str, Any]:
    """The row as `db-out` gives it: with tokens of spans, hashes, the view, and who answered."""
    row = json.loads(json.dumps(prodigy.to_row(task)))
    row["spans"] = [{**span, "token_start": 0, "token_end": 1} for span in row["spans"]]
    own = {"_input_hash": 1, "_task_hash": 2, "_view_id": "blocks", "config": {"choice_style": "single"}}
    return {**row, **own, "_session_id": "stances-ann", "_annotator_id": "stances-ann", **changes}


def put(folder: Path, *rows: object) -> Path:
    file = folder / "out.jsonl"
    file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return file


def test_a_row_has_spans_in_characters_and_the_choice(union: AnnotatedSentence) -> None:
    assert prodigy.to_row(Task(union)) == {
        "text": "🧵 The union accused Norvex.",
        "spans": [
            {"start": 2, "end": 11, "label": "source", "text": "The union"},
            {"start": 20, "end": 26, "label": "target", "text": "Norvex"},
        ],
        "options": [{"id": stance, "text": stance} for stance in ("accuses", "denies", "defends", "neutral")],
        "accept": ["accuses"],
        "answer": "accept",
        "meta": {"id": "a-1", "topic": "courts", "tags": ["social"], "document": "d"},
    }


def test_only_accepted_records_are_answers(union: AnnotatedSentence, tmp_path: Path) -> None:
    guessed = json.loads(json.dumps(prodigy.to_row(Task(union, guess=Guess("stance 1", 0.4, "uncertain", "a.txt#3")))))
    assert guessed["accept"] == ["accuses"]
    assert guessed["meta"]["reason"] == "uncertain"
    rows = [
        exported(Task(union)),
        exported(Task(union), answer="reject", accept=["accuses", "denies"]),
        exported(Task(union), answer="ignore", accept=[]),
        guessed,
    ]
    imported = import_answers("prodigy", put(tmp_path, *rows), tmp_path / "courts.jsonl")
    assert imported.sentences == [union]
    assert imported.left_out == {"rejected": 1, "ignored": 1, "not annotated": 1}


def test_annotators_are_told_apart_across_lines(union: AnnotatedSentence, tmp_path: Path) -> None:
    rows = [exported(Task(union)), exported(Task(union), accept=["denies"], _annotator_id="stances-ben")]
    out = tmp_path / "courts.jsonl"
    with pytest.raises(FaultsError, match="or name the annotator whose counts"):
        import_answers("prodigy", put(tmp_path, *rows), out)
    imported = import_answers("prodigy", put(tmp_path, *rows), out, "stances-ben")
    assert [found.label for found in imported.sentences] == ["denies"]
    nameless = exported(Task(union), _annotator_id=None, _session_id=None)
    with pytest.raises(DataError, match="the file does not say who annotated"):
        import_answers("prodigy", put(tmp_path, nameless), out, "stances-ben")


def test_a_file_that_cannot_be_read_is_a_fault_whoever_the_annotator(tmp_path: Path) -> None:
    file = put(tmp_path, {"text": "The union accused Norvex."})
    with pytest.raises(FaultsError, match="meta: Field required"):
        import_answers("prodigy", file, tmp_path / "courts.jsonl", "stances-ben")


def test_every_fault_of_every_row_is_told_with_its_line(union: AnnotatedSentence, tmp_path: Path) -> None:
    rows = [
        exported(Task(union), accept=[], meta={"id": "a-1", "tags": ["social"]}),
        exported(Task(union), meta={}),
        exported(Task(union), spans=[{"start": 2, "end": 11, "label": "source", "text": "Norvex"}]),
        exported(Task(union), answer="maybe"),
    ]
    with pytest.raises(FaultsError) as raised:
        import_answers("prodigy", put(tmp_path, *rows), tmp_path / "courts.jsonl")
    assert [str(fault) for fault in raised.value.faults] == [
        "out.jsonl:1: no stance is chosen; choose one",
        "out.jsonl:2: id: Field required",
        "out.jsonl:3: the span [2, 11) of source is said to hold 'Norvex', but the text has 'The union' there",
        "out.jsonl:4: answer: Input should be 'accept', 'reject' or 'ignore'",
    ]
