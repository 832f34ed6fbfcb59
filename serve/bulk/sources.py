"""Which files are read, in which order, and a fingerprint of them all; the list is never in memory whole."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict

from serve.bulk.errors import BulkError

InputFormat = Literal["txt", "html", "jsonl", "csv", "parquet", "warc"]

_SUFFIXES: Final[dict[str, InputFormat]] = {
    ".txt": "txt",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".warc": "warc",
}
STANDARD_INPUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or standard input if `path` is `-`."""

    path: Path
    format: InputFormat
    compressed: bool
    """Whether it is gzip; of standard input only its first bytes tell."""

    @property
    def name(self) -> str:
        """The path as it was found, in UTF-8 whatever its bytes are."""
        if self.path == STANDARD_INPUT:
            return "stdin"
        return os.fsencode(self.path.as_posix()).decode("utf-8", "backslashreplace")

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once, so that it has neither a size nor a time of change."""
        return _is_stream(self.path)

    def status(self) -> tuple[int, int]:
        """Bytes of the file and time of its last change in nanoseconds; zeros if that is not to be had."""
        try:
            found = self.path.stat()
        except OSError:  # reading it will say so
            return 0, 0
        return (0, 0) if self.is_stream else (found.st_size, found.st_mtime_ns)


class Fingerprint(BaseModel):
    """What the input looks like from outside; files are compared by name, size and time of change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int
    bytes: int
    """Of the files; streams have none."""
    streams: int
    sha256: str


class Sources:
    """The files among and below some paths, in the order of the paths and of names within a folder.

    Args:
        paths: files and folders, or `-`.
        input_format: of standard input and of the files among `paths`; by the suffix if None. In folders the suffix
            decides, and files of other suffixes are passed over.
        apart: what is not part of the input even if a folder holds it: the output.
    """

    def __init__(self, paths: Sequence[Path], input_format: str | None = None, apart: Sequence[Path] = ()) -> None:
        if input_format is not None and input_format not in get_args(InputFormat):
            raise BulkError(f"the input format is one of {', '.join(get_args(InputFormat))}, not {input_format}")
        for path in paths:
            if path != STANDARD_INPUT and not path.exists():
                raise BulkError(f"{path} does not exist; name files or folders")
            if path != STANDARD_INPUT and any(path.resolve() == other.resolve() for other in apart):
                raise BulkError(f"{path} is the output; name another file for the tags")
            if input_format is None and not path.is_dir() and _suffix_format(path) is None:
                raise BulkError(
                    f"the format of {path} is not to be seen from its name; "
                    f"say --input-format {'|'.join(get_args(InputFormat))}"
                )
        if sum(path == STANDARD_INPUT for path in paths) > 1:
            raise BulkError("standard input (-) can be read once; name it once")
        self._paths = list(paths)
        self._input_format = cast(InputFormat | None, input_format)
        self._apart = {place for path in apart for place in (_place(path), path.resolve())}

    def __iter__(self) -> Iterator[Source]:
        for path in self._paths:
            if path.is_dir() and path != STANDARD_INPUT:
                yield from self._within(path)
            else:
                known = self._input_format or _suffix_format(path)
                if known is not None:
                    yield Source(path, known, path.suffix.lower() == ".gz")

    @property
    def has_stream(self) -> bool:
        """Whether reading may wait for somebody who writes; folders are not searched for streams."""
        return any(_is_stream(path) for path in self._paths)

    def fingerprint(self) -> Fingerprint:
        """Look at every file without opening it.

        Raises:
            BulkError: there is none.
        """
        digest, files, size, streams = sha256(), 0, 0, 0
        for source in self:
            if source.is_stream:
                streams += 1
                digest.update(b"stream\0")
                continue
            length, changed = source.status()
            files, size = files + 1, size + length
            digest.update(f"{source.name}\0{length}\0{changed}\0".encode())
        if not files and not streams:
            raise BulkError(f"no file of a known format in what was named; the suffixes are {', '.join(_SUFFIXES)}")
        return Fingerprint(files=files, bytes=size, streams=streams, sha256=digest.hexdigest())

    def _within(self, folder: Path) -> Iterator[Source]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise BulkError(f"cannot look into {folder}: {error.strerror}; leave it out") from error
        place = folder.resolve()
        for entry in entries:
            path = folder / entry.name
            if place / entry.name in self._apart or (entry.is_symlink() and path.resolve() in self._apart):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._within(path)
            elif (known := _suffix_format(path)) and entry.is_file():
                yield Source(path, known, path.suffix.lower() == ".gz")


def _is_stream(path: Path) -> bool:
    return path == STANDARD_INPUT or path.is_fifo() or path.is_char_device()


def _place(path: Path) -> Path:
    """Where the path is, whatever links lead there; if itself is a link, not where that leads."""
    return path.parent.resolve() / path.name


def _suffix_format(path: Path) -> InputFormat | None:
    compressed = path.suffix.lower() == ".gz"
    return _SUFFIXES.get((Path(path.stem) if compressed else path).suffix.lower())
