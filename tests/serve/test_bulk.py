import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve.__main__ import app
from serve.bulk import BulkError, find_documents, tag_documents
from serve.tagger import Tagger


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


def read(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_files_are_found_in_order(folder: Path) -> None:
    names = [path.name for path in find_documents([folder / "deep" / "c.txt", folder])]
    assert names == ["c.txt", "a.txt", "b.txt", "c.txt", "empty.txt"]


def test_every_sentence_is_written_in_order_with_its_place(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    seen: list[int] = []
    summary = tag_documents(tagger, find_documents([folder]), out, seen.append)
    records = read(out)
    assert [record["text"] for record in records] == [
        "First file.",
        "Another line.",
        "Second file.",
        "It has two sentences.",
        "Third.",
    ]
    assert [record["sentence_index"] for record in records] == [0, 1, 0, 1, 0]
    assert (summary.documents, summary.sentences, summary.problems) == (4, 5, [])
    assert seen == [2, 2, 1, 0]
    for record in records:
        text = Path(str(record["document_id"])).read_bytes().decode("utf-8-sig")
        assert text[int(str(record["start"])) : int(str(record["end"]))] == record["text"]


def test_an_unreadable_file_is_named_and_skipped(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "b.txt").write_bytes("Café".encode("latin-1"))
    out = tmp_path / "tags.jsonl"
    result = CliRunner().invoke(app, ["tag", str(folder), "--out", str(out), "--model", str(model_folder)])
    assert result.exit_code == 1
    assert "b.txt: not UTF-8 (byte 3), skipped" in result.stderr
    assert [record["text"] for record in read(out)] == ["First file.", "Another line.", "Third."]


def test_an_interrupted_run_leaves_the_old_output_and_no_litter(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    out.write_text("old\n")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tag_documents(tagger, find_documents([folder]), out, interrupt)
    assert out.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "tags.jsonl"]


def test_an_output_that_would_harm_something_is_refused(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="is one of the documents"):
        tag_documents(tagger, find_documents([folder]), folder / "a.txt")
    with pytest.raises(BulkError, match="no ordinary file"):
        tag_documents(tagger, find_documents([folder]), folder)


def test_a_name_that_is_not_utf8_is_named_and_skipped(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("Never read.")
    summary = tag_documents(tagger, find_documents([folder]), tmp_path / "tags.jsonl")
    assert len(read(tmp_path / "tags.jsonl")) == 5
    assert ["its name is not UTF-8" in problem for problem in summary.problems] == [True]


@pytest.mark.parametrize("missing", ["none", "empty"])
def test_nothing_to_tag_is_one_sentence(tmp_path: Path, missing: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BulkError, match=r"\.txt"):
        find_documents([tmp_path / missing])


def test_an_output_that_cannot_be_written_is_one_sentence(tagger: Tagger, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match=r"cannot write .*No such file or directory"):
        tag_documents(tagger, find_documents([folder]), tmp_path / "none" / "tags.jsonl")
