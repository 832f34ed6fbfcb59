"""Many requests on one process, to see whether its memory grows."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import psutil
from pydantic import BaseModel

from serve.load.drive import fixed_number
from serve.load.servers import running
from serve.load.traffic import Shot, fresh, sentences, shots

_CLIENTS: Final = 16
#: Shares of the requests after which memory is measured: first, and when what is kept of answers should be there.
_EARLY: Final = 0.01
_WARM: Final = 0.3
#: One request in so many has a sentence that was never sent before.
_FRESH_EVERY: Final = 10
_MOST_GROWTH: Final = 0.1


class Soak(BaseModel):
    """What a run gave."""

    requests: int
    statuses: dict[str, int]
    early_mib: float
    """After the first hundredth of the requests."""
    warm_mib: float
    """After three tenths."""
    after_mib: float

    @property
    def growth(self) -> float:
        """Of the memory since the first hundredth of the requests, as a share."""
        return self.after_mib / self.early_mib - 1

    @property
    def passed(self) -> bool:
        """Whether some was answered and nothing failed, and memory grew by no more than a tenth."""
        return "200" in self.statuses and set(self.statuses) <= {"200", "429"} and self.growth <= _MOST_GROWTH


def soak(model: Path, requests: int, say: Callable[[str], None]) -> Soak:
    """Send `requests` to a service of `model` and measure its memory early on and at the end.

    Raises:
        ServerError: the service could not be started.
    """
    stream = _mostly_known()
    early, warm = int(requests * _EARLY), int(requests * _WARM)
    with running(["serve", "http"], {"STANCE_MODEL": str(model.resolve())}) as server:
        process = psutil.Process(server.process.pid)
        say(f"{early} requests until memory is measured, and {warm} until it is again")
        statuses = Counter(asyncio.run(fixed_number(server.url, islice(stream, early), _CLIENTS)))
        at_first = process.memory_info().rss
        statuses += asyncio.run(fixed_number(server.url, islice(stream, warm - early), _CLIENTS))
        before = process.memory_info().rss
        say(f"{before / 2**20:.0f} MiB; {requests - warm} more requests")
        statuses += asyncio.run(fixed_number(server.url, islice(stream, requests - warm), _CLIENTS))
        after = process.memory_info().rss
    return Soak(
        requests=requests,
        statuses=dict(statuses),
        early_mib=at_first / 2**20,
        warm_mib=before / 2**20,
        after_mib=after / 2**20,
    )


def _mostly_known() -> Iterator[Shot]:
    known, new = shots(cycle(sentences()), "sentence"), shots(fresh(sentences(seed=1)), "sentence")
    for number, shot in enumerate(known):
        yield next(new) if number % _FRESH_EVERY == 0 else shot
