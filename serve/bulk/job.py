"""A bulk run from top to bottom: plan the shards, have an engine tag those that are not done, join them."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from serve.bulk.engine import Engine
from serve.bulk.errors import BulkError, StreamError
from serve.bulk.formats import Counts, Joiner, OutputFormat
from serve.bulk.manifest import JobManifest, ModelIdentity
from serve.bulk.options import ReadOptions
from serve.bulk.plan import SHARD_DOCUMENTS, Shard, plan
from serve.bulk.reading import read_documents
from serve.bulk.sources import Sources
from serve.bulk.work_folder import DoneShard, WorkFolder, parts_of


@dataclass(frozen=True)
class Job:
    """What is to be done."""

    sources: Sources
    reading: ReadOptions
    format: OutputFormat
    shard_documents: int = SHARD_DOCUMENTS


class Progress(Protocol):
    """Who is told how far a run is."""

    def start(self, done: Counts, bytes_read: int, bytes_total: int | None) -> None:
        """What was done before; the total is None where it cannot be known."""
        ...

    def sentences(self, number: int) -> None:
        """Some more records are written."""
        ...

    def shard(self, counts: Counts, bytes_read: int) -> None:
        """A shard is done, with so many more bytes of the input."""
        ...


def tag_to_file(
    engine: Engine,
    job: Job,
    model: ModelIdentity,
    out: Path,
    progress: Progress,
    restart: bool = False,
    overwrite: bool = False,
) -> Counts:
    """Write the tags of all documents to `out`, going on with what an earlier run has left of it.

    Args:
        engine: who tags.
        job: what is tagged.
        model: what the engine's taggers are loaded from.
        out: the file, which is there only once it is whole.
        progress: is told how far it is.
        restart: throw away what an earlier run has left.
        overwrite: put the output in the place of a finished one.

    Raises:
        BulkError: the unfinished output is another's, the input changed, or something cannot be written.
    """
    check_free(out, overwrite)
    found = job.sources.fingerprint()
    manifest = JobManifest(
        model=model,
        runs_as=engine.runs_as,
        input=found,
        reading=job.reading,
        format=job.format,
        shard_documents=job.shard_documents,
    )
    with WorkFolder.open(out, manifest, restart) as folder:
        if out.exists() and not (overwrite or folder.is_joined):
            raise BulkError(f"{out} exists beside its unfinished successor; add --overwrite to have it replaced")
        counts = _sum(folder)
        first = 0 if found.streams else folder.first_missing
        last = folder.done.get(first - 1)
        progress.start(counts, last.bytes_read if last else 0, None if found.streams else found.bytes)
        if not folder.is_joined:
            source, row = (last.next_source, last.next_row) if last else (0, 0)
            shards = plan(read_documents(job.sources, job.reading, source, row), job.shard_documents, first)
            missing = _missing(folder, shards, first)
            for shard, held in engine.run(missing, job.format, folder.store, progress.sentences):
                folder.mark(_done(shard, held, folder.size(shard.number)))
                _add(counts, held)
                progress.shard(held, shard.bytes_read)
        folder.finish(job.format)
        return counts


def tag_to_stream(engine: Engine, job: Job, stream: BinaryIO, progress: Progress) -> Counts:
    """Write the tags of all documents to `stream` as they come; nothing is kept of a run that is broken off.

    Raises:
        StreamError: `stream` cannot be written.
        OSError: there is no room on disk for shards that wait for an earlier one.
    """
    found = job.sources.fingerprint()
    progress.start(Counts(), 0, None if found.streams else found.bytes)
    counts = Counts()
    shards = plan(read_documents(job.sources, job.reading), job.shard_documents)
    with tempfile.TemporaryDirectory() as folder:
        queue = _Queue(stream, job.format, Path(folder))
        for shard, held in engine.run(shards, job.format, queue.store, progress.sentences):
            _add(counts, held)
            progress.shard(held, shard.bytes_read)
        queue.close()
    return counts


def check_free(out: Path, overwrite: bool) -> None:
    """Check, before anything is loaded, that `out` may be written.

    Raises:
        BulkError: it is no ordinary file, or finished already.
    """
    if out.exists() and not out.is_file():
        raise BulkError(f"cannot write {out}: it is no ordinary file; name a file")
    if not out.parent.is_dir():
        raise BulkError(f"cannot write {out}: {out.parent} is no folder; name a path that can be written")
    if out.exists() and not overwrite and not parts_of(out).exists():
        raise BulkError(f"{out} exists; name another file, or add --overwrite to have it replaced")


class _Queue:
    """Shards that were tagged out of order, in files of `folder`, on their way to where order counts."""

    def __init__(self, stream: BinaryIO, form: OutputFormat, folder: Path) -> None:
        self._stream = stream
        self._folder = folder
        self._waiting: set[int] = set()
        self._next = 0
        with _written():
            self._joiner = Joiner(stream, form)

    @contextmanager
    def store(self, number: int) -> Iterator[BinaryIO]:
        with self._path(number).open("wb") as file:
            yield file
        self._waiting.add(number)
        while self._next in self._waiting:
            path = self._path(self._next)
            with path.open("rb") as ready, _written():
                self._joiner.add(ready)
                self._stream.flush()
            path.unlink()
            self._waiting.remove(self._next)
            self._next += 1

    def close(self) -> None:
        """Write the end of the output."""
        with _written():
            self._joiner.close()
            self._stream.flush()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}"


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StreamError(
            f"cannot write standard output: {error.strerror or error}; write to a file instead"
        ) from error


def _missing(folder: WorkFolder, shards: Iterator[Shard], first: int) -> Iterator[Shard]:
    number = first
    for shard in shards:
        number = shard.number + 1
        done = folder.done.get(shard.number)
        if done is None:
            yield shard
        elif done.digest != shard.digest:
            raise _changed(folder)
    if any(done >= number for done in folder.done):
        raise _changed(folder)


def _changed(folder: WorkFolder) -> BulkError:
    return BulkError(
        f"the input is not what {folder.path} was begun with; give the same, name another output, or throw it away by "
        "--restart"
    )


def _done(shard: Shard, held: Counts, size: int) -> DoneShard:
    return DoneShard(
        number=shard.number,
        documents=held.documents,
        sentences=held.sentences,
        errors=dict(held.errors),
        next_source=shard.next_source,
        next_row=shard.next_row,
        bytes_read=shard.bytes_read,
        digest=shard.digest,
        size=size,
    )


def _sum(folder: WorkFolder) -> Counts:
    counts = Counts()
    for done in folder.done.values():
        _add(counts, Counts(done.documents, done.sentences, Counter(done.errors)))
    return counts


def _add(counts: Counts, more: Counts) -> None:
    counts.documents += more.documents
    counts.sentences += more.sentences
    counts.errors.update(more.errors)
