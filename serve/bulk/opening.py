"""Opening a source: uncompressed as it is read, decoded as UTF-8 or as UTF-16 that says so, and nothing is guessed."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast

from serve.bulk.document import MAX_DOCUMENT, FaultError
from serve.bulk.sources import STANDARD_INPUT, Source

#: How a damaged or shortened gzip shows itself.
CORRUPT: Final = (gzip.BadGzipFile, EOFError, zlib.error)

_GZIP: Final = b"\x1f\x8b"
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Opened:
    """A source's bytes, uncompressed."""

    stream: io.BufferedReader
    position: Callable[[], int]
    """Bytes of the file that have been read, compressed as they are there."""


@contextmanager
def open_source(source: Source) -> Iterator[Opened]:
    """Open `source` for reading once from start to end.

    Raises:
        OSError: it cannot be opened.
    """
    if source.path == STANDARD_INPUT:
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        compressed = source.compressed or stdin.peek(2)[:2] == _GZIP
        yield Opened(_uncompressed(stdin) if compressed else stdin, lambda: 0)
        return
    with source.path.open("rb") as raw:
        yield Opened(
            _uncompressed(raw) if source.compressed else raw, (lambda: 0) if source.is_stream else lambda: raw.tell()
        )


def decode(content: bytes) -> str:
    """The text of a whole file.

    Raises:
        FaultError: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise FaultError("encoding", f"not UTF-8 (byte {error.start}); convert it first") from error


def as_text(stream: io.BufferedReader, newline: str) -> io.TextIOWrapper:
    """The text of `stream`, in which bytes that are not UTF-8 are lone surrogates, so that one bad row is one."""
    encoding = "utf-16" if stream.peek(2)[:2] in _UTF16 else "utf-8-sig"
    return io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline=newline)


def is_clean(text: str) -> bool:
    """Whether `text` can be written as UTF-8, that is, has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def lines(text: IO[str]) -> Iterator[str | None]:
    """The lines of `text` with their ends; None in the place of one that is longer than a document may be."""
    while line := text.readline(MAX_DOCUMENT + 1):
        if len(line) <= MAX_DOCUMENT:
            yield line
            continue
        while line and not line.endswith("\n"):
            line = text.readline(MAX_DOCUMENT)
        yield None


def _uncompressed(raw: IO[bytes]) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=cast(BinaryIO, raw), mode="rb")))
