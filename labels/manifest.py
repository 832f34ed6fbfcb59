"""The data set's manifest: `SHA256SUMS`, one line per data file, as `sha256sum` writes and checks it."""

import hashlib
from pathlib import Path
from typing import Final

from labels import atomic
from labels.errors import Fault

FILE: Final = "SHA256SUMS"
#: Folders that hold data, below the package's own.
_FOLDERS: Final = ("corpus", "second", "disputed", "articles")


def render(folder: Path) -> str:
    """The manifest of the data files below `folder`, in the order of their paths."""
    files = sorted(
        file for name in _FOLDERS for file in (folder / name).glob("*") if file.suffix in {".json", ".jsonl"}
    )
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n" for file in files
    )


def write(folder: Path) -> Path:
    """Write the manifest of `folder` and return its path.

    Raises:
        DataError: it cannot be written.
    """
    atomic.write_text(folder / FILE, render(folder))
    return folder / FILE


def faults(folder: Path) -> list[Fault]:
    """Data files that are not what the manifest says, missing ones and unlisted ones included."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        return [Fault(FILE, 0, f"cannot be read: {error.strerror}; write it with `python -m labels manifest`")]
    listed = _by_name(lines)
    found = _by_name(render(folder).splitlines())
    changed = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    return [
        Fault(FILE, 0, f"{name} is not the file that is listed; look at it, then run `python -m labels manifest`")
        for name in changed
    ]


def _by_name(lines: list[str]) -> dict[str, str]:
    return {name: digest for digest, separator, name in (line.partition("  ") for line in lines) if separator}
