"""Documents dealt to shards: what is tagged, kept and done anew as one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from serve.bulk.document import Document, Fault, Page
from serve.bulk.reading import Read

#: Documents of a shard, unless the user says otherwise.
SHARD_DOCUMENTS: Final = 256
#: Characters, or bytes of HTML, at which a shard is full; some half a minute of work for a small model on one core.
SHARD_SIZE: Final = 2**20


@dataclass(frozen=True, eq=False)
class Shard:
    """Some documents that follow each other; only itself is equal to it."""

    number: int
    documents: tuple[Document, ...] = field(repr=False)
    next_source: int
    """Where the next shard starts; see `serve.bulk.reading.Read`."""
    next_row: int
    bytes_read: int
    """Bytes of the input up to its end."""
    digest: str
    """Of the documents, to see whether a stream that is read again is the same."""


def plan(reads: Iterable[Read], shard_documents: int = SHARD_DOCUMENTS, first: int = 0) -> Iterator[Shard]:
    """Deal documents to shards, the first with the number `first`; it depends on nothing but the documents."""
    waiting: list[Read] = []
    number, size = first, 0
    for read in reads:
        waiting.append(read)
        size += read.document.size
        if len(waiting) >= shard_documents or size >= SHARD_SIZE:
            yield _shard(number, waiting)
            number, size, waiting = number + 1, 0, []
    if waiting:
        yield _shard(number, waiting)


def _shard(number: int, reads: list[Read]) -> Shard:
    last = reads[-1]
    return Shard(
        number=number,
        documents=tuple(read.document for read in reads),
        next_source=last.source,
        next_row=last.row + 1,
        bytes_read=last.bytes_read,
        digest=_digest([read.document for read in reads]),
    )


def _digest(documents: list[Document]) -> str:
    digest = blake2b(digest_size=16)
    for document in documents:
        match document.content:
            case str(text):
                content = text.encode("utf-8", "surrogatepass")
            case Page(html):
                content = html
            case Fault(_, message):
                content = message.encode()
        digest.update(f"{document.id}\0{document.about}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
