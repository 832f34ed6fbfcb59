import json
from pathlib import Path
from typing import Any

import pytest

from labels import doccano, markup
from labels.errors import FaultsError
from labels.exchange import import_answers
from labels.record import AnnotatedSentence
from labels.task import Guess, Task
from tests.conftest import sentence


@pytest.fixture
def union() -> AnnotatedSentence:
    text, roles = markup.parse("🧵 {source|The 👩‍🚒 union} accused {target|Norvex}.")
    return sentence(text, "accuses", id="a-1", roles=roles, tags=["social"], document="d")


def exported(task: Task, **changes: object) -> dict[str, Any]:
    """The row as doccano 1.8.4 gives it back: its own number, the metadata, then the labels."""
    row = json.loads(json.dumps(doccano.to_row(task)))
    entities, cats = row.pop("entities"), row.pop("cats")
    return {"id": 12, **row, "cats": cats, "entities": entities, "Comments": [], **changes}


def put(folder: Path, *rows: object) -> Path:
    file = folder / "all.jsonl"
    file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return file


def test_a_row_has_every_column_and_offsets_in_utf16_units(union: AnnotatedSentence) -> None:
    assert doccano.to_row(Task(union)) == {
        "sentence_id": "a-1",
        "text": "🧵 The 👩‍🚒 union accused Norvex.",
        # In characters [2, 15) and [24, 30); three of them are two units each.
        "entities": [[3, 18, "source"], [27, 33, "target"]],
        "cats": ["accuses"],
        "topic": "courts",
        "tags": ["social"],
        "group": None,
        "document": "d",
    }


def test_a_guess_says_whose_it_is(union: AnnotatedSentence) -> None:
    row = doccano.to_row(Task(union, guess=Guess("stance 1", 0.41, "uncertain", "a.txt#3")))
    assert {name: row[name] for name in ("model", "score", "reason", "origin")} == {
        "model": "stance 1",
        "score": 0.41,
        "reason": "uncertain",
        "origin": "a.txt#3",
    }


def test_an_export_is_read_in_both_shapes_of_spans(union: AnnotatedSentence, tmp_path: Path) -> None:
    relations = [
        {"id": 1, "label": "source", "start_offset": 3, "end_offset": 18},
        {"id": 2, "label": "target", "start_offset": 27, "end_offset": 33},
    ]
    other = Task(union.model_copy(update={"id": "a-2"}))
    rows = [exported(Task(union)), exported(other, entities=relations), exported(other, entities=[], cats=[])]
    imported = import_answers("doccano", put(tmp_path, *rows), tmp_path / "courts.jsonl")
    assert imported.sentences == [union, other.sentence]
    assert imported.left_out == {"not annotated": 1}


def test_every_fault_of_every_row_is_told_with_its_line(union: AnnotatedSentence, tmp_path: Path) -> None:
    rows = [
        exported(Task(union), entities=[[2, 18, "source"], [1, 18, "issue"], [27, 99, "target"]]),
        exported(Task(union), entities=[[4, 18, "source"]]),
        exported(Task(union), cats=[]),
        {"text": union.text, "label": [[0, 1, "source"]]},
    ]
    with pytest.raises(FaultsError) as raised:
        import_answers("doccano", put(tmp_path, *rows), tmp_path / "courts.jsonl")
    assert [str(fault) for fault in raised.value.faults] == [
        "all.jsonl:1: the span [1, 18) of issue: the offset 1 splits a character that is two UTF-16 units",
        "all.jsonl:1: the span [27, 99) of target: the offset 99 lies outside the text's 34 UTF-16 units",
        "all.jsonl:2: the span [3, 15) of source cuts a word: 'he 👩\\u200d🚒 union'; widen or narrow it",
        "all.jsonl:3: no stance is chosen; choose one",
        "all.jsonl:4: cats: Field required",
        "all.jsonl:4: entities: Field required",
        "all.jsonl:4: sentence_id: Field required",
    ]
