"""Sending requests, and counting what comes back."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import numpy as np
from pydantic import BaseModel

from serve.load.traffic import Shot

#: One good answer in so many is kept to be looked at.
_KEEP_EVERY: Final = 10
#: What a request is counted as that got no answer.
_NO_ANSWER: Final = "no answer"


class Outcome(BaseModel):
    """What a run gave; rates and latencies are of the requests that were answered with 200."""

    seconds: float
    requests: int
    requests_per_second: float
    sentences_per_second: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    """Milliseconds from sending to the last byte; null if nothing was answered."""
    statuses: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether some were answered, and nothing came but 200 and 429."""
        return "200" in self.statuses and set(self.statuses) <= {"200", "429"}


@dataclass
class Tally:
    """What came back so far."""

    statuses: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    sentences: int = 0
    kept: list[tuple[Shot, bytes]] = field(default_factory=list)
    """Every so many of the requests that were answered with 200, and their answers."""

    def outcome(self, seconds: float) -> Outcome:
        """All of it, of a run of `seconds`."""
        p50, p95, p99 = (
            (float(np.quantile(self.latencies, share) * 1000) for share in (0.5, 0.95, 0.99))
            if self.latencies
            else (None, None, None)
        )
        return Outcome(
            seconds=seconds,
            requests=self.statuses.total(),
            requests_per_second=self.statuses["200"] / seconds,
            sentences_per_second=self.sentences / seconds,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            statuses=dict(sorted(self.statuses.items())),
        )


async def closed_loop(url: str, shots: Iterator[Shot], clients: int, seconds: float, key: str | None = None) -> Outcome:
    """Let `clients` send one request after the other for `seconds`, and wait where they are asked to."""
    tally = Tally()
    begun = time.monotonic()

    async def client(session: aiohttp.ClientSession) -> None:
        while (left := begun + seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(left, await _send(session, next(shots), tally)))

    async with _session(url, key) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return tally.outcome(time.monotonic() - begun)


async def open_loop(
    url: str, shots: Iterator[Shot], rate: float, seconds: float, key: str | None, tally: Tally, over: asyncio.Event
) -> Outcome:
    """Send `rate` requests a second for `seconds`, whether or not those before were answered.

    `over` is set as soon as the last one is sent.
    """
    pending: set[asyncio.Task[float]] = set()
    begun = time.monotonic()
    sent = 0
    async with _session(url, key) as session:
        while (now := time.monotonic() - begun) < seconds:
            for _ in range(int(now * rate) - sent):
                task = asyncio.create_task(_send(session, next(shots), tally))
                pending.add(task)
                task.add_done_callback(pending.discard)
                sent += 1
            await asyncio.sleep(0.005)
        over.set()
        if pending:
            await asyncio.wait(pending)
    return tally.outcome(time.monotonic() - begun)


async def fixed_number(url: str, shots: Iterator[Shot], clients: int) -> Counter[str]:
    """Let `clients` send all of `shots`, and count the statuses."""
    tally = Tally()

    async def client(session: aiohttp.ClientSession) -> None:
        for shot in shots:
            await _send(session, shot, tally)

    async with _session(url, None) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return tally.statuses


async def _send(session: aiohttp.ClientSession, shot: Shot, tally: Tally) -> float:
    """Send one request and count its answer; the seconds that the service asks to wait."""
    begun = time.perf_counter()
    try:
        async with session.post(shot.path, data=shot.body) as answer:
            found = await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        tally.statuses[_NO_ANSWER] += 1
        return 0.0
    tally.statuses[str(answer.status)] += 1
    if answer.status == 200:
        tally.latencies.append(time.perf_counter() - begun)
        tally.sentences += shot.sentences
        if len(tally.latencies) % _KEEP_EVERY == 0:
            tally.kept.append((shot, found))
    return float(answer.headers.get("Retry-After", 0))


def _session(url: str, key: str | None) -> aiohttp.ClientSession:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    # As many connections as there are clients; the default is a hundred.
    return aiohttp.ClientSession(
        url, headers=headers, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=120)
    )
