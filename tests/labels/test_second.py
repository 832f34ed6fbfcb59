import json
from pathlib import Path

import pytest

from labels.corpus import read_corpus
from labels.errors import DataError, FaultsError
from labels.second import grouped, read_second
from labels.splits import by_split, read_held_out
from tests.conftest import sentence

TEXT = "The union accused the firm."


def write(folder: Path, **changes: object) -> Path:
    row = {"id": "ports-1", "label": "accuses", "text": "{source|The union} accused {target|the firm}.", **changes}
    (folder / "ports.jsonl").write_text(json.dumps(row) + "\n")
    return folder


def test_an_answer_is_read_with_its_spans(tmp_path: Path) -> None:
    answers = read_second([sentence(TEXT, id="ports-1")], write(tmp_path))
    assert answers["ports-1"].label == "accuses"
    assert [TEXT[span.start : span.end] for span in answers["ports-1"].roles] == ["The union", "the firm"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "ports-2"}, "ports.jsonl:1: the corpus has no sentence ports-2"),
        ({"text": "{source|The union} accused {target|a firm}."}, "the text differs"),
        ({"label": "neutral"}, "a neutral sentence has no roles"),
        ({"note": 1}, "Extra inputs"),
    ],
)
def test_a_bad_answer_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(FaultsError, match=message):
        read_second([sentence(TEXT, id="ports-1")], write(tmp_path, **changes))


def test_there_must_be_answers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no second answers"):
        read_second([], tmp_path)


def test_sentences_are_grouped_by_register_and_by_other_tags() -> None:
    both = sentence("One.", id="a", tags=("wire", "plain", "passive"))
    one = sentence("Two.", id="b", tags=("wire",))
    assert {name: len(members) for name, members in grouped([both, one], "register").items()} == {"wire": 2}
    assert {name: len(members) for name, members in grouped([both, one], "tag").items()} == {"passive": 1, "plain": 1}
    assert list(grouped([both, one], "topic")) == ["courts"]


def test_every_held_out_sentence_is_answered_twice() -> None:
    sentences = read_corpus()
    dealt = by_split(sentences, read_held_out())
    answers = read_second(sentences)
    missing = [found.id for split in ("development", "test") for found in dealt[split] if found.id not in answers]
    assert missing == []
