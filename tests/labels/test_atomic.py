from pathlib import Path

import pytest

from labels import atomic
from labels.errors import DataError


def test_a_file_is_replaced_and_is_an_ordinary_one(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("before")
    atomic.write_text(file, "“after”\n")
    assert file.read_bytes() == "“after”\n".encode()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot write .*rows: No such file or directory; name a path that can be"):
        atomic.write_text(tmp_path / "none" / "rows", "")
    with pytest.raises(DataError, match="it is no ordinary file; name a file"):
        atomic.write_text(tmp_path, "")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(tmp_path / "rows", "half a pair: \ud83e")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with atomic.new_folder(tmp_path / name) as folder:
            (folder / "file").write_text("whole")
            assert not (tmp_path / name / "file").exists()
        assert (tmp_path / name / "file").read_text() == "whole"

    def fail(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError), atomic.new_folder(tmp_path / "failed") as folder:
        fail(folder)
    with pytest.raises(DataError, match="exists; name a new or an empty folder"), atomic.new_folder(tmp_path / "new"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]
