"""How many sentences one client may send in a minute."""

import math
import time
from collections.abc import Callable
from typing import Final

#: Clients that are kept account of; of more, those that could send all again anyway are forgotten.
_MOST_CLIENTS: Final = 10_000


class Rates:
    """A bucket for each client, which fills with the minutes; a request may overdraw it once."""

    def __init__(self, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `per_minute` sentences, or any number if None."""
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str, sentences: int) -> int | None:
        """Take `sentences` from the account of `client`; seconds to wait if they are not in it, None if they are."""
        if self._per_minute is None:
            return None
        now = self._clock()
        level = self._level(client, now)
        # A request of more than a minute's sentences is let through when the bucket is full, and paid off later.
        wanted = min(sentences, self._per_minute)
        if level < wanted:
            self._buckets[client] = (level, now)
            return max(1, math.ceil((wanted - level) * 60 / self._per_minute))
        self._buckets[client] = (level - sentences, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets = {c: b for c, b in self._buckets.items() if self._level(c, now) < self._per_minute}
        return None

    def give_back(self, client: str, sentences: int) -> None:
        """Put `sentences` into the account of `client` again, for they were not tagged."""
        if self._per_minute is not None:
            now = self._clock()
            self._buckets[client] = (min(self._per_minute, self._level(client, now) + sentences), now)

    def _level(self, client: str, now: float) -> float:
        """What is in the account of `client` at `now`."""
        if self._per_minute is None or client not in self._buckets:
            return float(self._per_minute or 0)
        level, then = self._buckets[client]
        return min(self._per_minute, level + (now - then) * self._per_minute / 60)
