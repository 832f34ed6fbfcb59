import json
from pathlib import Path

import pytest

from labels.errors import DataError, FaultsError
from labels.tagged import read_tagged
from serve.tagger import Tagger
from tests.conftest import SENTENCES
from tests.serve.bulk.running import run

RECORD: dict[str, object] = {
    "label": "accuses",
    "score": 0.7,
    "scores": {"accuses": 0.7, "denies": 0.1, "defends": 0.1, "neutral": 0.1},
    "abstained": False,
    "source": {"text": "The union", "start": 0, "end": 9, "score": 0.9},
    "target": {"text": "Norvex", "start": 18, "end": 24, "score": 0.9},
    "issue": None,
    "cameo": "112",
    "plover": "ACCUSE",
    "truncated": False,
    "model": {"name": "stance", "version": "1", "digest": "0"},
    "text": "The union accused Norvex on Monday.",
    "start": 120,
    "end": 155,
    "document_id": "a.txt",
    "sentence_index": 3,
    "text_sha256": "0",
}


def put(folder: Path, *records: object) -> Path:
    file = folder / "tags.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return file


def test_a_record_becomes_an_annotation(tmp_path: Path) -> None:
    (tagged,) = read_tagged(put(tmp_path, RECORD))
    annotation = tagged.annotation()
    assert annotation.label == "accuses"
    assert {span.role: tagged.text[span.start : span.end] for span in annotation.roles} == {
        "source": "The union",
        "target": "Norvex",
    }


def test_what_the_tagger_writes_is_read(tagger: Tagger, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(SENTENCES), encoding="utf-8")
    (tmp_path / "b.txt").write_text("")
    run(tagger, [tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "tags.jsonl")
    read = read_tagged(tmp_path / "tags.jsonl")
    assert [found.text for found in read] == SENTENCES
    assert {found.document_id for found in read} == {(tmp_path / "a.txt").as_posix()}


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    overlapping = {"text": "union accused", "start": 4, "end": 17, "score": 0.5}
    records = [
        RECORD,
        {**RECORD, "label": "praises"},
        {**RECORD, "scores": {"accuses": 1.0}},
        {**RECORD, "text": "A union accused Norvex on Monday."},
        {**RECORD, "issue": overlapping},
        {**RECORD, "label": "neutral"},
        {name: value for name, value in RECORD.items() if name != "text"},
    ]
    with pytest.raises(FaultsError) as raised:
        read_tagged(put(tmp_path, *records))
    assert [str(fault) for fault in raised.value.faults] == [
        "tags.jsonl:2: label: Input should be 'accuses', 'denies', 'defends' or 'neutral'",
        "tags.jsonl:3: scores lacks denies, defends, neutral",
        "tags.jsonl:4: the text has not 'The union' at the place of the source [0, 9)",
        "tags.jsonl:5: the spans of source and issue overlap",
        "tags.jsonl:6: a neutral sentence has no roles, so its marks must go or its label must change",
        "tags.jsonl:7: text: Field required",
    ]


def test_no_record_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tags\.jsonl holds no record"):
        read_tagged(put(tmp_path))
