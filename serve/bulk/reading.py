"""From sources to documents: whatever is wrong with a file becomes a document that says so, and the next is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from serve.bulk.document import MAX_DOCUMENT, Document, Fault, FaultError
from serve.bulk.opening import CORRUPT, Opened, decode, open_source
from serve.bulk.options import ReadOptions
from serve.bulk.pages import read_html, read_warc
from serve.bulk.rows import read_csv, read_jsonl, read_parquet
from serve.bulk.sources import InputFormat, Source, Sources

Reader = Callable[[Source, Opened, ReadOptions], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Read:
    """A document and its place in the input."""

    document: Document
    source: int
    """Position of its file among the sources."""
    row: int
    """Its position within the file."""
    bytes_read: int
    """Bytes of the input that were read with it, to tell how far the work is."""


def read_documents(sources: Sources, options: ReadOptions, source: int = 0, row: int = 0) -> Iterator[Read]:
    """All documents from the place `source`, `row` on; files before it are not opened."""
    before = 0
    for number, found in enumerate(sources):
        if number >= source:
            first = row if number == source else 0
            for position, (document, at) in enumerate(islice(_read(found, options), first, None), first):
                yield Read(document, number, position, before + at)
        before += found.status()[0]


def _read(source: Source, options: ReadOptions) -> Iterator[tuple[Document, int]]:
    """The documents of a source, each with the bytes of the source that were read by then."""
    at, found = 0, False
    try:
        with open_source(source) as opened:
            for document in _READERS[source.format](source, opened, options):
                found, at = True, opened.position()
                yield document, at
        if not found:
            yield Document(source.name, Fault("empty", "there is nothing in it")), at
    except FaultError as error:
        yield Document(source.name, error.fault), at
    except CORRUPT as error:
        yield Document(source.name, Fault("corrupt", f"no gzip, or damaged: {error}")), at
    except UnicodeDecodeError as error:
        yield Document(source.name, Fault("encoding", f"not {error.encoding}; convert it first")), at
    except OSError as error:
        yield Document(source.name, Fault("unreadable", f"cannot be read: {error.strerror or error}")), at


def _read_txt(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """The file as one document, line ends as they are, for offsets count from its first character."""
    content = opened.stream.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise FaultError("too large", f"more than {MAX_DOCUMENT:,} bytes; split it first")
    yield Document(source.name, decode(content))


_READERS: Final[dict[InputFormat, Reader]] = {
    "txt": _read_txt,
    "html": read_html,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_parquet,
    "warc": read_warc,
}
