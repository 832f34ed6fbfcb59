"""Who tags the shards: this process, or the machines of a Ray cluster (`serve.bulk.ray_engine`)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from serve.bulk.errors import BulkError
from serve.bulk.formats import Counts, OutputFormat, write_records
from serve.bulk.plan import Shard
from serve.bulk.tagging import tag_shards
from serve.tagger import Tagger

#: Gives the file that a shard is written to, and puts it in its place.
Store = Callable[[int], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Load:
    """How each tagger is loaded; see `serve.tagger.Tagger.load`."""

    model: Path
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


@contextmanager
def open_engine(name: str, load: Load, address: str | None = None, actors: int | None = None) -> Iterator[Engine]:
    """The engine `name`, loaded.

    Args:
        name: local or ray.
        load: how each tagger is loaded.
        address: of the Ray cluster.
        actors: how many taggers it is given.

    Raises:
        BulkError: there is no such engine, or it cannot be had here.
        UserError: the model cannot be loaded.
    """
    match name:
        case "local":
            yield LocalEngine(Tagger.load(load.model, load.device, load.backend, load.threads, load.cascade))
        case "ray":
            from serve.bulk.ray_engine import Cluster, RayEngine

            engine = RayEngine(load, Cluster(address, actors))
            try:
                yield engine
            finally:
                engine.close()
        case _:
            raise BulkError(f"the engine is local or ray, not {name}")
