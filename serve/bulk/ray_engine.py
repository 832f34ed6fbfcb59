"""Shards tagged by the machines of a Ray cluster, one tagger per actor, the same shards as `serve.bulk.engine` has.

This process reads the input, deals it to shards, sends each to an actor that is free, and stores what comes back; so
the machines need the program and its packages, but neither the input, the output nor the model, which is sent to them.

Plain actors, not Ray Data's `map_batches`: input that can be read but once and in order (a gzip, a pipe) must be read
here and only as fast as shards are taken, and each shard must be stored and noted when it is done, in whatever order.
Ray Data would read by tasks that start again after a failure, and give no hold on either.

A shard whose actor or machine dies is given to another actor, and a new actor takes the place of the dead one as soon
as the cluster has room.
"""

import logging
import os
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from labels.errors import UserError
from serve.bulk.engine import Load, Store
from serve.bulk.errors import BulkError
from serve.bulk.formats import Counts, OutputFormat, write_records
from serve.bulk.plan import Shard
from serve.bulk.tagging import tag_shards
from serve.tagger import Tagger

#: Shards that an actor has been given, so that it need not wait for the next.
_IN_HAND: Final = 2
#: Actors that may die over one shard, or one after the other in loading, before it is not put down to chance.
_TRIES: Final = 3
#: Seconds that the cluster has to find room for a first actor and load it, or for another when all have died; Ray's
#: workers are the last to get the processor on a machine that does other things.
_PATIENCE: Final = 600.0


@dataclass(frozen=True)
class Cluster:
    """Where the actors run."""

    address: str | None = None
    """As `ray.init` takes it; a cluster on this machine alone if None and RAY_ADDRESS is not set."""
    actors: int | None = None
    """As many as the cluster has GPUs, or cores for their threads, if None."""


class Worker:
    """What runs in an actor."""

    def load(self, files: dict[str, bytes], load: Load) -> str:
        """Load the model that is sent; gives what the tagger runs as."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            self._tagger = Tagger.load(Path(folder), load.device, load.backend, load.threads, load.cascade)
        return self._tagger.runs_as

    def tag(self, shard: Shard, form: OutputFormat) -> tuple[bytes, Counts]:
        """The shard's bytes, and what they hold."""
        file, counts = BytesIO(), Counts()
        for _, records in tag_shards(self._tagger, [shard]):
            counts = write_records(file, form, records)
        return file.getvalue(), counts


class RayEngine:
    """As many taggers as the cluster takes.

    Until it is closed, `sys.stdout` is standard error, for Ray prints there what happens in the cluster, and the tags
    may be on their way to standard output.

    Args:
        load: how each tagger is loaded; one thread each if it says nothing of threads.
        cluster: where they run.

    Raises:
        BulkError: Ray is not installed, there is no such cluster or no room in it, or the model cannot be loaded.
    """

    def __init__(self, load: Load, cluster: Cluster) -> None:
        with ExitStack() as undo:
            undo.enter_context(redirect_stdout(sys.stderr))
            self._ray = _connected(cluster.address)
            undo.callback(self._ray.shutdown)
            self._start(load, cluster)
            self._undo = undo.pop_all()

    def _start(self, load: Load, cluster: Cluster) -> None:
        gpus = int(self._ray.cluster_resources().get("GPU", 0))
        on_gpu = load.device == "cuda" or (load.device == "auto" and load.backend in ("auto", "torch") and gpus > 0)
        threads = load.threads or 1
        _check_room([node["Resources"] for node in self._ray.nodes() if node["Alive"]], threads, on_gpu)
        self._load = replace(load, device="cuda" if on_gpu else "cpu", threads=threads)
        self._actor = self._ray.remote(num_cpus=threads, num_gpus=int(on_gpu), max_restarts=0)(Worker)
        cores = int(self._ray.cluster_resources().get("CPU", 1)) // threads
        self._number = cluster.actors or max(1, gpus if on_gpu else cores)
        self._files = self._ray.put({path.name: path.read_bytes() for path in load.model.iterdir() if path.is_file()})
        self._loading: dict[Any, Any] = {}
        self._in_hand: Counter[Any] = Counter()
        self._deaths_in_loading = 0
        for _ in range(self._number):
            self._begin_actor()
        self.runs_as = ""
        while not self.runs_as:
            self._await_loaded(self._next([]))

    def close(self) -> None:
        """Leave the cluster."""
        self._undo.close()

    def run(
        self, shards: Iterable[Shard], form: OutputFormat, store: Store, on_sentences: Callable[[int], None]
    ) -> Iterator[tuple[Shard, Counts]]:
        """Tag the shards in the order in which actors are done with them."""
        unread, again = iter(shards), deque[Shard]()
        busy: dict[Any, tuple[Any, Shard]] = {}
        tries: Counter[int] = Counter()
        while True:
            while (actor := self._free()) is not None:
                shard = again.popleft() if again else next(unread, None)
                if shard is None:
                    break
                busy[actor.tag.remote(shard, form)] = (actor, shard)
                self._in_hand[actor] += 1
            if not busy and not again:
                return
            ready = self._next(list(busy))
            if ready in self._loading:
                self._await_loaded(ready)
                continue
            actor, shard = busy.pop(ready)
            try:
                content, counts = self._get(ready)
            except _losses() as error:
                tries[shard.number] += 1
                if tries[shard.number] == _TRIES:
                    raise BulkError(
                        f"{_TRIES} actors died over shard {shard.number}: {_first_line(error)}; give them more memory, "
                        "or take --shard-documents smaller; the shards that are done are kept"
                    ) from error
                again.append(shard)
                if self._in_hand.pop(actor, None) is not None:
                    self._begin_actor()
                continue
            if actor in self._in_hand:
                self._in_hand[actor] -= 1
            with store(shard.number) as file:
                file.write(content)
            on_sentences(counts.sentences + counts.errors.total())
            yield shard, counts

    def _free(self) -> Any:
        """The actor with the least in hand, if it can take more."""
        actor = min(self._in_hand, key=self._in_hand.__getitem__, default=None)
        return actor if actor is not None and self._in_hand[actor] < _IN_HAND else None

    def _next(self, busy: list[Any]) -> Any:
        """What is ready first, of the shards in hand and the actors that are loading."""
        found, _ = self._ray.wait([*busy, *self._loading], timeout=None if busy else _PATIENCE)
        if not found:
            asked = f"{self._load.threads} cores{' and a GPU' if self._load.device == 'cuda' else ''}"
            raise BulkError(
                f"the cluster found no room for an actor of {asked} in {_PATIENCE:.0f} seconds; make room, or give "
                "each fewer by --threads; the shards that are done are kept"
            )
        return found[0]

    def _get(self, ready: Any) -> Any:
        from ray.exceptions import RayTaskError

        try:
            return self._ray.get(ready)
        except RayTaskError as error:
            # As text it is the traceback of the actor, which is no user's business if the cause is the user's.
            if isinstance(error.cause, UserError):
                raise BulkError(str(error.cause)) from error
            raise

    def _begin_actor(self) -> None:
        actor = self._actor.remote()
        self._loading[actor.load.remote(self._files, self._load)] = actor

    def _await_loaded(self, ready: Any) -> None:
        actor = self._loading.pop(ready)
        try:
            runs_as = self._get(ready)
        except _losses() as error:
            self._deaths_in_loading += 1
            if self._deaths_in_loading == _TRIES:
                raise BulkError(f"{_TRIES} actors died while loading: {_first_line(error)}") from error
            self._begin_actor()
            return
        if self.runs_as and runs_as != self.runs_as:
            raise BulkError(f"one actor runs as {self.runs_as}, another as {runs_as}; say --device and --backend")
        self._deaths_in_loading = 0
        self.runs_as = runs_as
        self._in_hand[actor] = 0


def _connected(address: str | None) -> Any:
    # Ray reports its use over the network otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is not None or "RAY_ADDRESS" in os.environ:
        # Its name promises less than it does: so often is a cluster that does not answer tried, 40 seconds each time.
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    try:
        import ray
    except ImportError as error:
        raise BulkError("the engine ray needs Ray; pip install 'stance-tagger[distributed]'") from error
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except Exception as error:  # of all kinds, and some of them bare: Ray promises none for what keeps it from starting
        place = "" if address is None else f" at {address}"
        raise BulkError(
            f"no Ray cluster{place}: {_first_line(error)}; start one and name it by --ray-address, or leave --engine "
            "ray out"
        ) from error
    return ray


def _check_room(nodes: list[dict[str, float]], threads: int, on_gpu: bool) -> None:
    """Check that an actor has room on one of `nodes`, each told as its resources; Ray would wait for one that has."""
    if on_gpu:
        nodes = [node for node in nodes if node.get("GPU", 0) >= 1]
        if not nodes:
            raise BulkError("the cluster has no GPU; choose --device cpu or add a machine that has one")
    most = int(max((node.get("CPU", 0) for node in nodes), default=0))
    if threads > most:
        raise BulkError(
            f"no machine {'with a GPU ' if on_gpu else ''}of the cluster has {threads} cores for a tagger, the largest "
            f"has {most}; give each fewer by --threads"
        )


def _losses() -> tuple[type[Exception], ...]:
    """How the death of an actor, of its process or of its machine shows itself."""
    from ray.exceptions import NodeDiedError, ObjectLostError, OutOfMemoryError, RayActorError, WorkerCrashedError

    return RayActorError, ObjectLostError, WorkerCrashedError, OutOfMemoryError, NodeDiedError


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
