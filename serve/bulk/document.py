"""A document on its way to the tagger: its text, or what is wrong with it."""

from dataclasses import dataclass
from typing import Final, Literal

#: Most characters (of a row) or bytes (of a text file) that a document may have; it is in memory whole.
MAX_DOCUMENT: Final = 2**26
#: Most bytes of an HTML page; finding the main text takes many times the memory of the page.
MAX_PAGE: Final = 2**24

FaultKind = Literal["unreadable", "empty", "encoding", "corrupt", "row", "column", "too large", "no main text"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document has no tags."""

    kind: FaultKind
    message: str
    """One sentence."""


class FaultError(Exception):
    """A fault on its way to the record that tells of it; it never reaches the user as an exception."""

    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(kind, message)


@dataclass(frozen=True, slots=True)
class About:
    """What a document's records pass on, as far as the input has it."""

    title: str | None = None
    date: str | None = None
    outlet: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """HTML, from which the main text is still to be taken."""

    html: bytes
    charset: str | None = None
    """Named by the server."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, row or page."""

    id: str
    content: str | Page | Fault
    about: About = About()

    @property
    def size(self) -> int:
        """Characters or bytes, to deal documents to shards of about one size."""
        match self.content:
            case str(text):
                return len(text)
            case Page(html):
                return len(html)
            case Fault():
                return 0
