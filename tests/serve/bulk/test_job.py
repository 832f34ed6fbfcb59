"""A run from top to bottom: order, summary, what is refused."""

import hashlib
import os
from pathlib import Path

import pytest

from serve.bulk.errors import BulkError
from serve.bulk.sources import Sources
from serve.bulk.work_folder import parts_of
from serve.tagger import Tagger
from tests.serve.bulk.running import read, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("Second file. It has two sentences.")
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbf" + b"First file.\r\n\r\nAnother line.")
    (folder / "deep" / "c.txt").write_text("Third.")
    (folder / "empty.txt").write_text("")
    (folder / "notes.md").write_text("Not a document.")
    return folder


def test_files_are_found_in_order(folder: Path) -> None:
    names = [source.path.name for source in Sources([folder / "deep" / "c.txt", folder])]
    assert names == ["c.txt", "a.txt", "b.txt", "c.txt", "empty.txt"]


@pytest.mark.parametrize("shard_documents", [1, 2, 100])
def test_every_sentence_is_written_in_order_with_its_place(
    tagger: Tagger, folder: Path, tmp_path: Path, shard_documents: int
) -> None:
    out = tmp_path / "tags.jsonl"
    counts = run(tagger, [folder], out, shard_documents)
    *records, fault = read(out)
    assert [record["text"] for record in records] == [
        "First file.",
        "Another line.",
        "Second file.",
        "It has two sentences.",
        "Third.",
    ]
    assert [record["sentence_index"] for record in records] == [0, 1, 0, 1, 0]
    assert (counts.documents, counts.sentences, dict(counts.errors)) == (3, 5, {"empty": 1})
    for record in records:
        text = Path(record["document_id"]).read_bytes().decode("utf-8-sig")
        assert text[record["start"] : record["end"]] == record["text"]
        assert record["text_sha256"] == hashlib.sha256(record["text"].encode()).hexdigest()
        assert record["error"] is None
    assert (Path(fault["document_id"]).name, fault["error"], fault["label"]) == (
        "empty.txt",
        "there is no text in it",
        None,
    )
    assert list(fault) == list(records[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "tags.jsonl"]


def test_tags_are_those_of_the_tagger(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    run(tagger, [folder], tmp_path / "tags.jsonl")
    records = [record for record in read(tmp_path / "tags.jsonl") if record["error"] is None]
    for record, expected in zip(records, tagger.tag([record["text"] for record in records]), strict=True):
        assert {key: record[key] for key in expected.model_dump()} == expected.model_dump(mode="json")


def test_an_output_that_would_harm_something_is_refused(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="is the output"):
        run(tagger, [folder / "a.txt"], folder / "a.txt")
    (tmp_path / "d.jsonl").mkdir()
    with pytest.raises(BulkError, match="no ordinary file"):
        run(tagger, [folder], tmp_path / "d.jsonl")
    with pytest.raises(BulkError, match=r"cannot write .*none is no folder"):
        run(tagger, [folder], tmp_path / "none" / "tags.jsonl")


def test_a_finished_output_is_replaced_only_if_asked(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    out.write_text("old\n")
    with pytest.raises(BulkError, match=r"tags\.jsonl exists; .*--overwrite"):
        run(tagger, [folder], out)
    assert out.read_text() == "old\n"
    run(tagger, [folder], out, overwrite=True)
    assert len(read(out)) == 6


def test_an_output_within_the_input_is_not_read(tagger: Tagger, folder: Path) -> None:
    run(tagger, [folder], folder / "tags.jsonl")
    first = (folder / "tags.jsonl").read_bytes()
    run(tagger, [folder], folder / "tags.jsonl", overwrite=True)
    assert (folder / "tags.jsonl").read_bytes() == first


@pytest.mark.parametrize("way", ["link to the folder", "dots", "link to the output"])
def test_an_output_within_the_input_is_not_read_whatever_way_leads_there(
    tagger: Tagger, folder: Path, tmp_path: Path, way: str
) -> None:
    out = {
        "link to the folder": tmp_path / "link" / "tags.jsonl",
        "dots": folder / "deep" / ".." / "tags.jsonl",
        "link to the output": tmp_path / "tags.jsonl",
    }[way]
    (tmp_path / "link").symlink_to(folder)
    if way == "link to the output":
        (folder / "latest.jsonl").symlink_to(out)
    for _ in range(2):
        run(tagger, [folder], out, overwrite=True)
        assert len(read(out)) == 6


def test_a_name_that_is_not_utf8_is_written_in_ascii(tagger: Tagger, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/caf\xe9.txt")).write_text("It is read.")
    run(tagger, [tmp_path / "in"], tmp_path / "tags.jsonl")
    assert [record["document_id"].endswith(r"in/caf\xe9.txt") for record in read(tmp_path / "tags.jsonl")] == [True]


@pytest.mark.parametrize(("missing", "said"), [("none", "does not exist"), ("empty", r"\.parquet")])
def test_nothing_to_tag_is_one_sentence(tagger: Tagger, tmp_path: Path, missing: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BulkError, match=said):
        run(tagger, [tmp_path / missing], tmp_path / "tags.jsonl")
    assert not parts_of(tmp_path / "tags.jsonl").exists()
