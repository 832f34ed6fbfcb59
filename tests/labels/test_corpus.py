import json
from pathlib import Path

import pytest

from labels import corpus
from labels.errors import DataError, FaultsError
from labels.record import AnnotatedSentence
from labels.splits import by_split, read_held_out

GOOD = {"id": "a-1", "label": "neutral", "text": "The talks resume on Monday in the capital.", "tags": ["wire"]}


def write(folder: Path, topic: str, *rows: object) -> Path:
    file = folder / f"{topic}.jsonl"
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def test_a_row_becomes_a_sentence_with_its_spans(tmp_path: Path) -> None:
    marked = "{source|The union} accused {target|Norvex} of {issue|hiding reports}."
    write(tmp_path, "ports", {**GOOD, "label": "accuses", "text": marked})
    (sentence,) = corpus.read_corpus(tmp_path)
    assert sentence.text == "The union accused Norvex of hiding reports."
    assert sentence.topic == "ports"
    assert {span.role: sentence.text[span.start : span.end] for span in sentence.roles} == {
        "source": "The union",
        "target": "Norvex",
        "issue": "hiding reports",
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("not json", "Invalid JSON"),
        ({**GOOD, "label": "praises"}, "label: Input should be 'accuses', 'denies', 'defends' or 'neutral'"),
        ({**GOOD, "lable": "neutral"}, "lable: Extra inputs"),
        ({**GOOD, "text": "{source|The talks} resume on Monday."}, "a neutral sentence has no roles"),
        ({**GOOD, "label": "denies"}, "needs at least one role"),
        ({**GOOD, "label": "denies", "text": "{source|He} and {source|she} denied it."}, "source is marked more than"),
        ({**GOOD, "label": "denies", "text": "{source|He denied it."}, "broken or nested"),
        ({**GOOD, "tags": ["wire", "funny"]}, "unknown tags funny"),
        ({**GOOD, "tags": ["plain"]}, "exactly one register"),
        ({**GOOD, "text": "Too short"}, "2 words"),
        ({**GOOD, "group": "g", "document": "d"}, "not in both"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, row: object, message: str) -> None:
    file = write(tmp_path, "ports", GOOD, row)
    _, faults = corpus.check([file])
    assert any(str(fault).startswith("ports.jsonl:2: ") and message in str(fault) for fault in faults), faults


def test_all_faults_are_raised_at_once(tmp_path: Path) -> None:
    write(tmp_path, "ports", {**GOOD, "label": "praises"}, {**GOOD, "tags": []}, GOOD)
    with pytest.raises(FaultsError) as raised:
        corpus.read_corpus(tmp_path)
    assert [(fault.file, fault.line) for fault in raised.value.faults] == [("ports.jsonl", 1), ("ports.jsonl", 2)]


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    other = {**GOOD, "text": "An entirely different matter came before the board."}
    _, faults = corpus.check([write(tmp_path, "ports", GOOD, other)])
    assert [str(fault) for fault in faults] == ["ports.jsonl:2: the id a-1 is taken by ports.jsonl:1"]


def test_a_near_duplicate_with_other_names_is_refused(tmp_path: Path) -> None:
    first = {**GOOD, "text": "On Monday the port of Larnak told Norvex to move 14 cranes to the northern quay."}
    second = {
        **GOOD,
        "id": "b-1",
        "text": "On Friday the port of Odrin told Bellmar to move 90 cranes to the northern quay.",
    }
    files = [write(tmp_path, "ports", first), write(tmp_path, "rail", second)]
    _, faults = corpus.check(files)
    assert [str(fault) for fault in faults] == [
        "rail.jsonl:1: near-duplicate of ports.jsonl:1 with names masked (100% alike)"
    ]


def test_a_contrast_set_may_be_alike_but_not_straddle(tmp_path: Path) -> None:
    text = "The head of the port {verb} the report on the northern quay on Monday."
    rows = [
        {**GOOD, "id": f"a-{number}", "text": text.format(verb=verb), "group": "g", "label": label}
        for number, (verb, label) in enumerate([("received", "neutral"), ("signed", "neutral"), ("read", "neutral")])
    ]
    marked = text.replace("The head of the port", "{{source|The head of the port}}").format(verb="denied")
    rows.append({**GOOD, "id": "a-9", "text": marked, "group": "g", "label": "denies"})
    _, faults = corpus.check([write(tmp_path, "ports", *rows)])
    assert faults == []
    _, faults = corpus.check([write(tmp_path, "ports", *rows[:2]), write(tmp_path, "rail", *rows[2:])])
    assert any("it may not straddle topics" in str(fault) for fault in faults)


def test_a_contrast_set_has_three_to_five_sentences_and_more_than_one_label(tmp_path: Path) -> None:
    rows = [{**GOOD, "group": "g"}, {**GOOD, "id": "a-2", "group": "g", "text": "Nobody at the port could say why."}]
    _, faults = corpus.check([write(tmp_path, "ports", *rows)])
    assert [fault.message for fault in faults] == [
        "the contrast set g has 2 sentences, not 3 to 5",
        "the contrast set g has one label only",
    ]


def test_topics_are_dealt_to_splits(tmp_path: Path) -> None:
    for topic in ("ports", "rail", "faith"):
        write(tmp_path, topic, {**GOOD, "id": topic})
    (tmp_path / "splits.json").write_text('{"development": ["rail"], "test": ["faith"]}')
    dealt = by_split(corpus.read_corpus(tmp_path), read_held_out(tmp_path))
    assert {split: [sentence.topic for sentence in members] for split, members in dealt.items()} == {
        "train": ["ports"],
        "development": ["rail"],
        "test": ["faith"],
    }


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ('{"development": ["rail"], "test": ["rail"]}', "rail stand in both"),
        ('{"development": ["rail"], "test": ["fiath"]}', "no corpus file for fiath"),
        ('{"development": ["rail"]}', "test"),
    ],
)
def test_a_wrong_assignment_is_refused(tmp_path: Path, splits: str, message: str) -> None:
    for topic in ("ports", "rail", "faith"):
        write(tmp_path, topic, {**GOOD, "id": topic})
    (tmp_path / "splits.json").write_text(splits)
    with pytest.raises(DataError, match=message):
        read_held_out(tmp_path)


@pytest.fixture(scope="module")
def written() -> list[AnnotatedSentence]:
    return corpus.read_corpus()


def test_the_corpus_has_no_fault() -> None:
    sentences, faults = corpus.check(corpus.topic_files())
    assert faults == []
    assert len(sentences) > 1000


def test_no_contrast_set_or_article_of_the_corpus_straddles_splits(written: list[AnnotatedSentence]) -> None:
    homes: dict[str, set[str]] = {}
    for split, members in by_split(written, read_held_out()).items():
        for sentence in members:
            for unit in (sentence.group, sentence.document, f"topic {sentence.topic}"):
                if unit is not None:
                    homes.setdefault(unit, set()).add(split)
    assert {unit: found for unit, found in homes.items() if len(found) > 1} == {}


def test_a_file_that_cannot_be_read_is_a_fault_and_the_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes("Café".encode("latin-1"))
    files = [tmp_path / "latin.jsonl", write(tmp_path, "ports", {**GOOD, "label": "praises"})]
    _, faults = corpus.check(files)
    assert [(fault.file, fault.line) for fault in faults] == [("latin.jsonl", 0), ("ports.jsonl", 1)]
