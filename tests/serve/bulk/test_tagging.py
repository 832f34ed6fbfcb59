"""From shards to records: what is kept in memory meanwhile."""

import weakref
from collections.abc import Iterator

from serve.bulk.document import Document
from serve.bulk.plan import Shard
from serve.bulk.tagging import tag_shards
from serve.tagger import Tagger


def test_a_sentence_that_waits_keeps_no_document(tagger: Tagger) -> None:
    alive: list[int] = []
    given: list[weakref.ref[Shard]] = []

    def shards() -> Iterator[Shard]:
        for number in range(5):
            # Whoever asks for a shard may still hold the one before, and none of those before that.
            alive.append(sum(shard() is not None for shard in given))
            documents = (Document(f"{number}", f"Item {number}. It rained."),)
            shard = Shard(number, documents, next_source=0, next_row=number + 1, bytes_read=0, digest="")
            given.append(weakref.ref(shard))
            yield shard
            del shard

    found = [(shard.number, shard.documents, len(list(records))) for shard, records in tag_shards(tagger, shards())]
    assert found == [(number, (), 2) for number in range(5)]
    assert alive == [0, 1, 1, 1, 1]
