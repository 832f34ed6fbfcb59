"""The work folder beside an output: shards that are done, and at last the whole, each there at once or not at all.

out.parts/manifest.json     what the output is made from; see `serve.bulk.manifest`
out.parts/done.log          a line for each shard that is done, written after the shard
out.parts/000000.shard      a shard in the format of the output
out.parts/whole             the shards joined, on its way to `out`

Whatever is half done when the process dies has another name, is not in `done.log`, and is done again. No name has a
suffix that is read as input, for the folder may lie within the input of another run.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from labels import atomic
from serve.bulk.errors import BrokenOffError, BulkError
from serve.bulk.formats import Joiner, OutputFormat
from serve.bulk.manifest import JobManifest

_MANIFEST: Final = "manifest.json"
_LEDGER: Final = "done.log"
_LOCK: Final = "lock"
_WHOLE: Final = "whole"
_OURS: Final = (_MANIFEST, _LEDGER, _LOCK, _WHOLE)


class DoneShard(BaseModel):
    """A line of `done.log`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    documents: int
    sentences: int
    errors: dict[str, int]
    """Documents without tags, by kind."""
    next_source: int
    next_row: int
    bytes_read: int
    digest: str
    """Of the shard's documents."""
    size: int
    """Bytes of the shard's file."""


class _Joined(BaseModel):
    """The last line of `done.log`: from here on `whole` is the output, there or already moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joined: int
    """Number of shards."""


class WorkFolder:
    """The shards of one output; only one process at a time has it."""

    def __init__(self, out: Path, manifest: JobManifest) -> None:
        self.out = out
        self.path = parts_of(out)
        self.done: dict[int, DoneShard] = {}
        self._manifest = manifest
        self._joined: int | None = None

    @classmethod
    @contextmanager
    def open(cls, out: Path, manifest: JobManifest, restart: bool = False) -> Iterator[Self]:
        """Take up the unfinished output, or begin it; no other process can until the block is left.

        Args:
            out: the file that is wanted.
            manifest: what it is made from now.
            restart: throw away what was done from something else.

        Raises:
            BulkError: it was begun from something else, another process is at it, or it cannot be written.
        """
        folder = cls(out, manifest)
        with ExitStack() as stack:
            try:
                folder.path.mkdir(exist_ok=True)
                _remove_finished(out)
                stack.enter_context(_locked(folder.path))
                if restart:
                    folder._clear()
                folder._take_up()
            except OSError as error:
                raise BulkError(
                    f"cannot write {folder.path}: {error.strerror}; name a path that can be written"
                ) from error
            yield folder

    @property
    def first_missing(self) -> int:
        """Number of the first shard that is not done."""
        number = 0
        while number in self.done:
            number += 1
        return number

    @property
    def is_joined(self) -> bool:
        """Whether the output was already put together and only the rest was left to do."""
        return self._joined is not None and ((self.path / _WHOLE).exists() or self.out.exists())

    @contextmanager
    def store(self, number: int) -> Iterator[BinaryIO]:
        """A file to write shard `number` to, which is in its place once the block is left without an error.

        Raises:
            BrokenOffError: it cannot be written.
        """
        with self._writing(), _whole(self.path / _name(number)) as file:
            yield file

    def size(self, number: int) -> int:
        """Bytes of a shard that is stored."""
        return (self.path / _name(number)).stat().st_size

    def mark(self, done: DoneShard) -> None:
        """Note that a shard is stored.

        Raises:
            BrokenOffError: the note cannot be written.
        """
        with self._writing():
            self._note(done)
        self.done[done.number] = done

    def finish(self, form: OutputFormat) -> None:
        """Join the shards, put the whole in the place of the output, and remove the folder.

        Raises:
            BrokenOffError: it cannot be written.
        """
        with self._writing():
            if not self.is_joined:
                with _whole(self.path / _WHOLE) as file:
                    joiner = Joiner(file, form)
                    for number in range(len(self.done)):
                        with (self.path / _name(number)).open("rb") as shard:
                            joiner.add(shard)
                    joiner.close()
                self._note(_Joined(joined=len(self.done)))
            if (self.path / _WHOLE).exists():
                (self.path / _WHOLE).replace(self.out)
            # In one step, so that what remains of a removal that is broken off is not taken for an unfinished output.
            self.path.replace(_finished(self.out))
            _remove_finished(self.out)

    def _take_up(self) -> None:
        foreign = [entry.name for entry in self.path.iterdir() if not _is_ours(entry.name)]
        if foreign:
            raise BulkError(f"{self.path} holds {min(foreign)}, which is none of ours; move it or name another output")
        for entry in self.path.glob("*.half"):
            entry.unlink()
        file = self.path / _MANIFEST
        if not file.exists():
            self._clear()
            atomic.write_text(file, self._manifest.model_dump_json(indent=2) + "\n")
            return
        self._compare(file)
        self._read_ledger()

    def _compare(self, file: Path) -> None:
        try:
            before = JobManifest.model_validate_json(file.read_text(encoding="utf-8"))
            changes = before.changes(self._manifest)
        except (ValidationError, UnicodeDecodeError):
            changes = ["the program"]
        if changes:
            raise BulkError(
                f"{self.path} is an unfinished output, and since it was begun there changed {', '.join(changes)}; "
                "rerun with what it was begun with, name another output, or throw it away by --restart"
            )

    def _read_ledger(self) -> None:
        file = self.path / _LEDGER
        if not file.exists():
            return
        content = file.read_bytes()
        # A line without its end was being written when the process died.
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(file, len(whole))
        for line in whole.splitlines():
            if line.startswith(b'{"joined"'):
                self._joined = _Joined.model_validate_json(line).joined
                continue
            try:
                done = DoneShard.model_validate_json(line)
            except ValidationError:  # a lost line is a shard to be done again
                continue
            shard = self.path / _name(done.number)
            if shard.exists() and shard.stat().st_size == done.size:
                self.done[done.number] = done

    def _note(self, line: BaseModel) -> None:
        with (self.path / _LEDGER).open("ab") as file:
            file.write(line.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _clear(self) -> None:
        for entry in self.path.iterdir():
            if _is_ours(entry.name) and entry.name != _LOCK:
                entry.unlink()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise BrokenOffError(
                f"cannot write {error.filename or self.path}: {error.strerror}; {len(self.done)} shards are kept in "
                f"{self.path}: {'make room' if full else 'make it writable'} and run the same command again to go on"
            ) from error


def parts_of(out: Path) -> Path:
    """The work folder of an output."""
    return out.with_name(f"{out.name}.parts")


def _finished(out: Path) -> Path:
    return out.with_name(f".{out.name}.parts-finished")


def _remove_finished(out: Path) -> None:
    shutil.rmtree(_finished(out), ignore_errors=True)


def _name(number: int) -> str:
    return f"{number:06d}.shard"


def _is_ours(name: str) -> bool:
    return name in _OURS or name.endswith((".shard", ".half")) or name.startswith(f".{_MANIFEST}-")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("ab") as lock:
        try:
            # Ends with the process, however that ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BulkError(f"another process is writing {folder}; wait for it or name another output") from None
        yield


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    half = path.with_name(f"{path.name}.half")
    try:
        with half.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
