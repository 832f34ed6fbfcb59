"""Four times what the service can do, for a while: what is accepted, how late, and how soon it is over."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from serve.load.drive import Outcome, closed_loop, open_loop
from serve.load.traffic import fresh, sentences, shots

_TIMES: Final = 4
#: Seconds that capacity is measured for, and clients that measure it.
_CAPACITY_SECONDS: Final = 8.0
_CAPACITY_CLIENTS: Final = 16
#: Seconds within which a single sentence is answered by a service that is itself again.
_PROMPT: Final = 0.5


class Overload(BaseModel):
    """What a run gave."""

    capacity: Outcome
    times: int
    under_load: Outcome
    recovered_after_seconds: float
    """From the last request sent until a single sentence was answered promptly."""

    @property
    def passed(self) -> bool:
        """Whether there were 200 and 429 alone, and both; p99 of the accepted under 3 s; over in 5 s."""
        prompt = self.under_load.p99_ms is not None and self.under_load.p99_ms < 3_000
        return (
            prompt
            and set(self.under_load.statuses) == {"200", "429"}
            and self.capacity.passed
            and self.recovered_after_seconds <= 5
        )


async def overload(url: str, seconds: float, key: str | None, say: Callable[[str], None]) -> Overload:
    """Measure what `url` can do, and send four times as much for `seconds`; half of the requests are articles."""
    stream = shots(fresh(sentences()), "both")
    say(f"capacity, {_CAPACITY_SECONDS:g} s")
    capacity = await closed_loop(url, stream, _CAPACITY_CLIENTS, _CAPACITY_SECONDS, key)
    rate = _TIMES * capacity.requests_per_second
    say(f"{rate:.0f} requests/s, {seconds:g} s")
    under_load = await open_loop(url, stream, rate, seconds, key)
    return Overload(
        capacity=capacity,
        times=_TIMES,
        under_load=under_load,
        recovered_after_seconds=await _recovery(url, key),
    )


async def _recovery(url: str, key: str | None) -> float:
    stream = shots(fresh(sentences(seed=1)), "sentence")
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < 60:
        one = await closed_loop(url, stream, 1, 1e-3, key)
        if one.p99_ms is not None and one.p99_ms < _PROMPT * 1000:
            return elapsed
        await asyncio.sleep(0.1)
    return elapsed
