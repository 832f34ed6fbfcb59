"""The queue of sentences: bounded in tokens, fair between clients, computed in batches of one lot.

Whose turn it is goes by tokens served: first between clients, then between a client's requests (start-time fair
queueing: Goyal, Vin and Chen, SIGCOMM 1996). The sentence whose turn it is decides the lot of the batch (see
`serve.schedule`), and others of that lot ride along, in the order of their turns, until the batch is full. So nobody
waits for another's 256 sentences, and an answer is the same byte for byte, whatever it is computed with.
"""

import asyncio
import math
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from serve.answers import Answer
from serve.encode import Encoding
from serve.schedule import cost, lot

#: Batches computed at a time, whatever the tagger says.
_MOST_THREADS: Final = 64
#: Weight of the last batch in the running mean of the speed.
_RECENT: Final = 0.05
#: How far a client may overfill the queue that has nothing in it yet.
_FOR_NEWCOMERS: Final = 1.5
#: Idle clients whose account is kept.
_IDLE_CLIENTS: Final = 1_000


class Computer(Protocol):
    """What computes a batch; the tagger."""

    @property
    def parallel(self) -> int:
        """Batches that are worth computing at a time."""
        ...

    @property
    def packs(self) -> bool:
        """Whether sentences of any lengths are of one lot; see `serve.schedule`."""
        ...

    def compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
        """The answer to each of `encodings`, in their order."""
        ...


class Overloaded(Exception):  # noqa: N818 - it is an answer, no fault
    """The queue is full."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the queue is full")
        self.retry_after = retry_after
        """Seconds after which there should be room."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was computed at a time, for measuring."""

    sentences: int
    tokens: int
    waited: tuple[float, ...]
    """Seconds that each sentence was in the queue."""
    seconds: float


@dataclass(eq=False, slots=True)
class _Client:
    turn: float
    """Tokens served to it, as if it had always been here."""
    clock: float = 0.0
    """Where its own requests stand; a new one begins here."""
    tokens: int = 0
    requests: list["_Request"] = field(default_factory=list)
    """Those with sentences in the queue."""


@dataclass(eq=False, slots=True)
class _Request:
    client: _Client
    computer: Computer
    encodings: Sequence[Encoding]
    turn: float
    since: float
    done: asyncio.Future[list[Answer]]
    waiting: dict[int, deque[int]]
    """Positions by lot, first come first."""
    answers: dict[int, Answer] = field(default_factory=dict)

    def tokens(self, position: int) -> int:
        return cost(len(self.encodings[position]), self.computer.packs)

    def next_lot(self) -> int:
        return min(self.waiting, key=lambda number: self.waiting[number][0])

    def first_of(self, lot_number: int) -> int:
        return self.waiting[lot_number][0]

    def take(self, lot_number: int) -> int:
        positions = self.waiting[lot_number]
        position = positions.popleft()
        if not positions:
            del self.waiting[lot_number]
        return position


class Scheduler:
    """Takes encoded sentences of many requests and has them computed, as many batches at a time as the tagger can."""

    def __init__(
        self,
        queue_tokens: int,
        queue_seconds: float,
        batch_tokens: int,
        on_batch: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        """Bound the queue by `queue_tokens` and by what is computed in `queue_seconds`, a batch by `batch_tokens`."""
        self.tokens = 0
        """Tokens in the queue, padding included."""
        self._most_tokens = queue_tokens
        self._most_seconds = queue_seconds
        self._batch_tokens = batch_tokens
        self._on_batch = on_batch
        self._clients: dict[str, _Client] = {}
        self._clock = 0.0
        self._seconds_per_token: float | None = None
        self._work = asyncio.Event()
        self._threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="compute")
        self._computing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to compute, in the running event loop."""
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; what waits is not answered."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait({self._loop})
        for task in self._computing:
            task.cancel()
        if self._computing:
            await asyncio.wait(self._computing)
        self._threads.shutdown()

    async def compute(self, computer: Computer, encodings: Sequence[Encoding], client: str) -> list[Answer]:
        """The answers to `encodings`, in their order; if this is cancelled, what still waits is forgotten.

        Args:
            computer: what computes them.
            encodings: the sentences.
            client: whose share of the time they are computed in.

        Raises:
            Overloaded: the queue is full.
        """
        if not encodings:
            return []
        request = self._admit(computer, encodings, client)
        try:
            return await request.done
        finally:
            self._forget(request)

    def check_room(self, tokens: int, client: str) -> None:
        """Refuse what will have `tokens` in the queue before more is done for it.

        Raises:
            Overloaded: there is no room for so many.
        """
        known = self._clients.get(client)
        # Who has nothing in the queue finds room beyond what others have filled; a large request may come alone.
        room = self._bound() * (1 if known is not None and known.tokens else _FOR_NEWCOMERS)
        if self.tokens and self.tokens + tokens > room:
            raise Overloaded(self._retry_after())

    def _admit(self, computer: Computer, encodings: Sequence[Encoding], name: str) -> _Request:
        waiting: dict[int, deque[int]] = {}
        tokens = 0
        for position, encoding in enumerate(encodings):
            waiting.setdefault(lot(len(encoding), computer.packs), deque()).append(position)
            tokens += cost(len(encoding), computer.packs)
        self.check_room(tokens, name)
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = _Client(turn=self._clock)
        client.turn = max(client.turn, self._clock)
        done = asyncio.get_running_loop().create_future()
        request = _Request(client, computer, encodings, client.clock, time.monotonic(), done, waiting)
        client.requests.append(request)
        client.tokens += tokens
        self.tokens += tokens
        self._work.set()
        return request

    def _bound(self) -> float:
        if self._seconds_per_token is None:
            return self._most_tokens
        return min(self._most_tokens, self._most_seconds / self._seconds_per_token)

    def _retry_after(self) -> int:
        return max(1, math.ceil(self.tokens * (self._seconds_per_token or 0)))

    def _forget(self, request: _Request) -> None:
        """Take what is left of `request` out of the queue."""
        left = sum(request.tokens(position) for positions in request.waiting.values() for position in positions)
        request.waiting.clear()
        request.client.tokens -= left
        self.tokens -= left
        if request in request.client.requests:
            request.client.requests.remove(request)
        if len(self._clients) > _IDLE_CLIENTS:
            # Whoever is behind the clock would begin at the clock anyway.
            self._clients = {n: c for n, c in self._clients.items() if c.requests or c.turn > self._clock}

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            members = self._take()
            if not members:
                self._work.clear()
                continue
            task = asyncio.create_task(self._compute(members))
            self._computing.add(task)
            task.add_done_callback(self._computing.discard)
            # Whose turn it is next is decided once it can be computed, for others may come meanwhile.
            if len(self._computing) >= min(members[0][0].computer.parallel, _MOST_THREADS):
                await asyncio.wait(self._computing, return_when=asyncio.FIRST_COMPLETED)

    def _take(self) -> list[tuple[_Request, int]]:
        """The next batch, as requests and positions; those of one computer and one lot."""
        waiting = [request for client in self._clients.values() for request in client.requests]
        if not waiting:
            # Nobody has an advance on nobody: all accounts are even, and those of idle clients can be dropped.
            self._clock = max([self._clock, *(client.turn for client in self._clients.values())])
            return []
        first = min(waiting, key=lambda request: (request.client.turn, request.turn))
        lot_number = first.next_lot()
        self._clock = first.client.turn
        riders: dict[_Client, list[_Request]] = {}
        for request in waiting:
            if request.computer is first.computer and lot_number in request.waiting:
                riders.setdefault(request.client, []).append(request)
        clients = sorted(riders, key=lambda client: client.turn)
        for requests in riders.values():
            requests.sort(key=lambda request: request.turn)
        members: list[tuple[_Request, int]] = []
        tokens = 0
        while clients:
            client = clients.pop(0)
            request = riders[client].pop(0)
            tokens += request.tokens(request.first_of(lot_number))
            if members and tokens > self._batch_tokens:
                break
            members.append((request, self._serve(request, lot_number)))
            if lot_number in request.waiting:
                insort(riders[client], request, key=lambda request: request.turn)
            if riders[client]:
                insort(clients, client, key=lambda client: client.turn)
        return members

    def _serve(self, request: _Request, lot_number: int) -> int:
        client = request.client
        position = request.take(lot_number)
        tokens = request.tokens(position)
        client.clock = max(client.clock, request.turn)
        for account in (client, request):
            account.turn += tokens
        client.tokens -= tokens
        self.tokens -= tokens
        if not request.waiting:
            client.requests.remove(request)
        return position

    async def _compute(self, members: list[tuple[_Request, int]]) -> None:
        begun = time.monotonic()
        side_by_side = len(self._computing)
        failure = await self._deliver(members)
        if failure is not None and len(members) > 1:
            # Whoever was in it by chance is not to suffer, so each is computed alone, and fails alone.
            for member in members:
                alone = await self._deliver([member])
                if alone is not None:
                    self._fail(member[0], alone)
        elif failure is not None:
            self._fail(members[0][0], failure)
        seconds = time.monotonic() - begun
        tokens = sum(request.tokens(position) for request, position in members)
        recent = seconds / tokens / side_by_side
        before = recent if self._seconds_per_token is None else self._seconds_per_token
        self._seconds_per_token = before + _RECENT * (recent - before)
        waited = tuple(begun - request.since for request, _ in members)
        self._on_batch(Batch(len(members), tokens, waited, seconds))

    async def _deliver(self, members: list[tuple[_Request, int]]) -> BaseException | None:
        """Compute `members` and hand the answers out; what went wrong, if something did."""
        encodings = [request.encodings[position] for request, position in members]
        work = partial(members[0][0].computer.compute, encodings)
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        await asyncio.wait({future})
        if (failure := future.exception()) is not None:
            return failure
        answers = future.result()
        if len(answers) != len(members):
            return RuntimeError(f"{len(answers)} answers to {len(members)} sentences")
        for (request, position), answer in zip(members, answers, strict=True):
            request.answers[position] = answer
            if len(request.answers) == len(request.encodings) and not request.done.done():
                request.done.set_result([request.answers[place] for place in range(len(request.encodings))])
        return None

    def _fail(self, request: _Request, failure: BaseException) -> None:
        if not request.done.done():
            request.done.set_exception(failure)
        self._forget(request)
