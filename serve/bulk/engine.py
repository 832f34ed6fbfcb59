"""Who tags the shards: this process, or the machines of a Ray cluster (`serve.bulk.ray_engine`)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from serve.bulk.formats import Counts, OutputFormat, write_records
from serve.bulk.plan import Shard
from serve.bulk.tagging import tag_shards
from serve.tagger import Tagger

#: Gives the file that a shard is written to, and puts it in its place.
Store = Callable[[int], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Load:
    """How each tagger is loaded; see `serve.tagger.Tagger.load`."""

    model: str
    device: str = "auto"
    backend: str = "auto"
    threads: int | None = None
    cascade: bool = False


class Engine(Protocol):
    """Tags shards, in any order."""

    runs_as: str
    """Backend and device of its taggers."""

    def run(
        self, shards: Iterable[Shard], form: OutputFormat, store: Store, on_sentences: Callable[[int], None]
    ) -> Iterator[tuple[Shard, Counts]]:
        """Tag each shard, store it, and say what it holds.

        Raises:
            BulkError: a shard cannot be tagged or stored.
        """
        ...


class LocalEngine:
    """One tagger in this process."""

    def __init__(self, tagger: Tagger) -> None:
        self.runs_as = tagger.runs_as
        self._tagger = tagger

    def run(
        self, shards: Iterable[Shard], form: OutputFormat, store: Store, on_sentences: Callable[[int], None]
    ) -> Iterator[tuple[Shard, Counts]]:
        """Tag the shards one after the other, in their order."""
        for shard, records in tag_shards(self._tagger, shards):
            with store(shard.number) as file:
                counts = write_records(file, form, records, lambda: on_sentences(1))
            yield shard, counts
