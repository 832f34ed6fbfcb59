"""From shards to records: one stream of sentences through the tagger, whatever the documents and shards they are of."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby

from serve.bulk.document import About, Document, Fault, FaultError, Page
from serve.bulk.pages import main_text
from serve.bulk.plan import Shard
from serve.bulk.records import BulkRecord, FaultRecord, Record
from serve.prediction import Prediction
from serve.records import ModelInfo, TagRecord
from serve.sentences import TextSpan, iterate_sentences
from serve.tagger import Tagger


@dataclass(frozen=True, slots=True)
class _Entry:
    """A sentence that the tagger has been given, and what its record needs besides the tag."""

    shard: Shard
    document_id: str
    about: About
    index: int
    found: TextSpan | Fault


def tag_shards(tagger: Tagger, shards: Iterable[Shard]) -> Iterator[tuple[Shard, Iterator[Record]]]:
    """Tag shards as they come, order kept.

    Sentences are streamed across the ends of documents and shards, so that the tagger never waits and a sentence is not
    computed twice; since an answer depends on its sentence alone, a shard's records are the same whatever comes before.

    Yields:
        Each shard, without its documents, with its records, which must be taken before the next shard is.
    """
    entries: deque[_Entry] = deque()

    def sentences() -> Iterator[str]:
        for shard in shards:
            # A sentence that waits must not keep the documents of its whole shard in memory.
            bare = replace(shard, documents=())
            for document in shard.documents:
                for entry in _entries(bare, document):
                    entries.append(entry)
                    # A faulty document goes through as an empty sentence, computed once: with one answer per entry
                    # no more of them wait than the tagger reads ahead.
                    yield "" if isinstance(entry.found, Fault) else entry.found.text

    answered = ((entries.popleft(), prediction) for prediction in tagger.stream(sentences()))
    for shard, members in groupby(answered, key=lambda pair: pair[0].shard):
        yield shard, (_record(entry, prediction, tagger.info) for entry, prediction in members)


def _entries(shard: Shard, document: Document) -> Iterator[_Entry]:
    """The document's sentences, or its fault; at least one entry."""
    about, found = document.about, False
    try:
        match document.content:
            case Fault() as fault:
                yield _Entry(shard, document.id, about, 0, fault)
                return
            case Page() as page:
                text, about = main_text(page, about)
            case str(text):
                pass
    except FaultError as error:
        yield _Entry(shard, document.id, about, 0, error.fault)
        return
    for index, span in enumerate(iterate_sentences(text)):
        found = True
        yield _Entry(shard, document.id, about, index, span)
    if not found:
        yield _Entry(shard, document.id, about, 0, Fault("empty", "there is no text in it"))


def _record(entry: _Entry, prediction: Prediction, model: ModelInfo) -> Record:
    about = {name: getattr(entry.about, name) for name in ("title", "date", "outlet", "url")}
    if isinstance(entry.found, Fault):
        fault = entry.found
        return FaultRecord(document_id=entry.document_id, error=fault.message, kind=fault.kind, **about)
    span = entry.found
    return BulkRecord(
        **dict(TagRecord.of(span.text, prediction, model)),
        text=span.text,
        start=span.start,
        end=span.end,
        document_id=entry.document_id,
        sentence_index=entry.index,
        text_sha256=sha256(span.text.encode()).hexdigest(),
        **about,
    )
