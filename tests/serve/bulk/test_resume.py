"""Going on where a run was broken off, and refusing to where that would mix two things."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from serve.bulk.errors import BrokenOffError, BulkError
from serve.bulk.work_folder import WorkFolder, parts_of
from serve.tagger import Tagger
from tests.serve.bulk.running import read, run


class StoppedError(Exception):
    """The process ends here."""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f'{{"id": "{number}", "text": "Item {number}. It rained."}}\n' for number in range(10)))
    return file


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "tags.jsonl"


def stop_after(monkeypatch: pytest.MonkeyPatch, shards: int) -> None:
    """Let the process die once `shards` more shards are noted."""
    left = iter(range(shards))
    mark = WorkFolder.mark

    def mark_or_stop(folder: WorkFolder, done: Any) -> None:
        if next(left, None) is None:
            raise StoppedError
        mark(folder, done)

    monkeypatch.setattr(WorkFolder, "mark", mark_or_stop)


def begun(tagger: Tagger, rows: Path, out: Path, shards: int = 3) -> None:
    """A run that stopped after `shards` shards of two documents."""
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, shards)
        with pytest.raises(StoppedError):
            run(tagger, [rows], out)


@pytest.fixture
def whole(tagger: Tagger, rows: Path, tmp_path: Path) -> bytes:
    run(tagger, [rows], tmp_path / "whole.jsonl")
    return (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize("shards", [0, 1, 4])
def test_no_shard_is_done_twice(
    tagger: Tagger, rows: Path, out: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    begun(tagger, rows, out, shards)
    stored: list[int] = []
    store = WorkFolder.store

    @contextmanager
    def noting(folder: WorkFolder, number: int) -> Iterator[BinaryIO]:
        stored.append(number)
        with store(folder, number) as file:
            yield file

    monkeypatch.setattr(WorkFolder, "store", noting)
    counts = run(tagger, [rows], out)
    assert stored == list(range(shards, 5))
    assert (counts.documents, counts.sentences) == (10, 20)
    assert out.read_bytes() == whole
    assert not parts_of(out).exists()


def test_a_line_that_was_being_written_is_not_counted(tagger: Tagger, rows: Path, out: Path, whole: bytes) -> None:
    begun(tagger, rows, out)
    ledger = parts_of(out) / "done.log"
    ledger.write_bytes(ledger.read_bytes()[:-30])
    run(tagger, [rows], out)
    assert out.read_bytes() == whole


def test_a_shard_that_is_not_what_was_noted_is_done_again(tagger: Tagger, rows: Path, out: Path, whole: bytes) -> None:
    begun(tagger, rows, out)
    (parts_of(out) / "000000.shard").write_bytes(b"")
    (parts_of(out) / "000001.shard").unlink()
    run(tagger, [rows], out)
    assert out.read_bytes() == whole


@pytest.mark.parametrize("moved", ["whole", "replaced", "renamed"])
def test_a_run_that_dies_while_it_joins_is_finished(
    tagger: Tagger, rows: Path, out: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    replace = Path.replace

    def dying(path: Path, target: Path) -> Path:
        if path.name == "whole" and moved == "whole":
            raise StoppedError
        if path == parts_of(out) and moved == "replaced":
            raise StoppedError
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        if moved == "renamed":
            patch.setattr("shutil.rmtree", lambda path, ignore_errors: None)
            run(tagger, [rows], out)
        else:
            with pytest.raises(StoppedError):
                run(tagger, [rows], out)
    if moved == "renamed":
        with pytest.raises(BulkError, match="exists"):
            run(tagger, [rows], out)
        run(tagger, [rows], out, overwrite=True)
    else:
        assert run(tagger, [rows], out).sentences == 20
    assert out.read_bytes() == whole
    assert sorted(path.name for path in out.parent.iterdir()) == ["rows.jsonl", "tags.jsonl", "whole.jsonl"]


def test_what_changed_is_said_and_nothing_is_lost(tagger: Tagger, rows: Path, out: Path) -> None:
    begun(tagger, rows, out)
    kept = {path.name: path.read_bytes() for path in parts_of(out).iterdir()}
    with pytest.raises(
        BulkError, match=r"since it was begun there changed the shard size \(was 2, is 3\); .*--restart"
    ):
        run(tagger, [rows], out, 3)
    with pytest.raises(BulkError, match="changed how the input is read"):
        run(tagger, [rows], out, columns={"text": "id"})
    with rows.open("a") as file:
        file.write('{"text": "One more."}\n')
    with pytest.raises(BulkError, match=r"changed the input \(was 1 files of \d+ bytes"):
        run(tagger, [rows], out)
    assert {path.name: path.read_bytes() for path in parts_of(out).iterdir()} == kept
    run(tagger, [rows], out, restart=True)
    assert len(read(out)) == 21


def test_another_model_is_seen(tagger: Tagger, rows: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tagger, rows, out)
    monkeypatch.setattr(tagger, "info", tagger.info.model_copy(update={"digest": "f" * 64}))
    with pytest.raises(BulkError, match=r"the model \(was [0-9a-f]{12}…, is ffffffffffff…\)"):
        run(tagger, [rows], out)
    monkeypatch.undo()
    monkeypatch.setattr(tagger, "runs_as", "torch on another")
    with pytest.raises(BulkError, match="what computes it"):
        run(tagger, [rows], out)


@pytest.mark.parametrize("change", ["other", "shorter"])
def test_a_stream_that_is_not_the_same_is_seen(
    tagger: Tagger, rows: Path, out: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    lines = rows.read_bytes().splitlines(keepends=True)

    def run_on(content: bytes) -> None:
        handle, end = os.pipe()
        os.write(end, content)
        os.close(end)
        with os.fdopen(handle) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            run(tagger, [Path("-")], out, input_format="jsonl")

    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(StoppedError):
            run_on(b"".join(lines))
    changed = {"other": [lines[1], *lines[1:]], "shorter": lines[:4]}[change]
    with pytest.raises(BulkError, match="the input is not what"):
        run_on(b"".join(changed))
    run_on(b"".join(lines))
    assert [record["document_id"] for record in read(out)[::2]] == [str(number) for number in range(10)]


def test_a_full_disk_keeps_what_is_done(
    tagger: Tagger, rows: Path, out: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *arguments: Any, **keywords: Any) -> Any:
        if path.name == "000003.shard.half":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return opened(path, *arguments, **keywords)

    opened = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(BrokenOffError, match=r"No space left on device; 3 shards are kept in .*make room and run"):
            run(tagger, [rows], out)
    assert len((parts_of(out) / "done.log").read_text().splitlines()) == 3
    run(tagger, [rows], out)
    assert out.read_bytes() == whole


def test_two_runs_do_not_write_the_same_output(tagger: Tagger, rows: Path, out: Path) -> None:
    begun(tagger, rows, out)
    with (parts_of(out) / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BulkError, match="another process is writing"):
            run(tagger, [rows], out)
    run(tagger, [rows], out)


def test_a_folder_that_holds_something_else_is_let_be(tagger: Tagger, rows: Path, out: Path) -> None:
    parts_of(out).mkdir()
    (parts_of(out) / "letter.txt").write_text("mine")
    with pytest.raises(BulkError, match=r"letter\.txt, which is none of ours"):
        run(tagger, [rows], out, restart=True)
    assert (parts_of(out) / "letter.txt").read_text() == "mine"


def test_done_shards_are_told_as_json(tagger: Tagger, rows: Path, out: Path) -> None:
    begun(tagger, rows, out)
    manifest = json.loads((parts_of(out) / "manifest.json").read_text())
    assert manifest["model"]["info"]["digest"] == tagger.info.digest
    assert [json.loads(line)["number"] for line in (parts_of(out) / "done.log").read_text().splitlines()] == [0, 1, 2]
