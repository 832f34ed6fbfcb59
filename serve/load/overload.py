"""Four times what the service can do, for a while: what is accepted, how right and how late, how soon it is over."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from serve.article import tag_article
from serve.load.drive import Outcome, Tally, closed_loop, open_loop
from serve.load.traffic import Shot, fresh, sentences, shots
from serve.messages import ArticleRequest, ArticleResponse, TagRequest, TagResponse
from serve.records import TagRecord
from serve.tagger import Tagger

_TIMES: Final = 4
#: Seconds that capacity is measured for, and clients that measure it.
_CAPACITY_SECONDS: Final = 8.0
_CAPACITY_CLIENTS: Final = 16
#: Seconds within which a single sentence is answered by a service that is itself again.
_PROMPT: Final = 0.5
#: Seconds after which that is not waited for any more.
_GIVEN_UP: Final = 60


class Overload(BaseModel):
    """What a run gave."""

    capacity: Outcome
    times: int
    under_load: Outcome
    recovered_after_seconds: float
    """From the last request sent until a single sentence was answered promptly."""
    checked: int | None
    """Accepted answers that were held against the tagger's; null if there was no model to do that with."""
    wrong: int
    """Of these."""

    @property
    def passed(self) -> bool:
        """Whether there were 200 and 429 alone, and both; p99 of the accepted under 3 s and none wrong; over in 5 s."""
        prompt = self.under_load.p99_ms is not None and self.under_load.p99_ms < 3_000
        return (
            prompt
            and set(self.under_load.statuses) == {"200", "429"}
            and self.capacity.passed
            and self.recovered_after_seconds <= 5
            and (self.checked is None or self.checked > self.wrong == 0)
        )


async def overload(
    url: str, seconds: float, key: str | None, model: Path | None, say: Callable[[str], None]
) -> Overload:
    """Measure what `url` can do, and send four times as much for `seconds`; half of the requests are articles.

    With `model`, the folder that `url` serves, answers are held against those of its tagger.

    Raises:
        ModelError: `model` cannot be used.
    """
    stream = shots(fresh(sentences()), "both")
    say(f"capacity, {_CAPACITY_SECONDS:g} s")
    capacity = await closed_loop(url, stream, _CAPACITY_CLIENTS, _CAPACITY_SECONDS, key)
    rate = _TIMES * capacity.requests_per_second
    say(f"{rate:.0f} requests/s, {seconds:g} s")
    tally, over = Tally(), asyncio.Event()
    singles = shots(fresh(sentences(seed=1)), "sentence")
    under_load, recovered = await asyncio.gather(
        open_loop(url, stream, rate, seconds, key, tally, over), _recovery(url, key, singles, over)
    )
    return Overload(
        capacity=capacity,
        times=_TIMES,
        under_load=under_load,
        recovered_after_seconds=recovered,
        checked=len(tally.kept) if model is not None else None,
        wrong=_wrong(tally.kept, Tagger.load(model)) if model is not None else 0,
    )


async def _recovery(url: str, key: str | None, singles: Iterator[Shot], over: asyncio.Event) -> float:
    await over.wait()
    begun = time.monotonic()
    while time.monotonic() - begun < _GIVEN_UP:
        one = await closed_loop(url, singles, 1, 1e-3, key)
        if one.p99_ms is not None and one.p99_ms < _PROMPT * 1000:
            break
        await asyncio.sleep(0.1)
    return time.monotonic() - begun


def _wrong(kept: Sequence[tuple[Shot, bytes]], tagger: Tagger) -> int:
    """How many of the answers are not those of `tagger`."""
    wrong = 0
    for shot, answer in kept:
        found: Sequence[TagRecord]
        expected: Sequence[TagRecord]
        if shot.path == "/tag":
            found = TagResponse.model_validate_json(answer).tags
            expected = tagger.tag(TagRequest.model_validate_json(shot.body).sentences)
        else:
            found = ArticleResponse.model_validate_json(answer).sentences
            expected = tag_article(tagger, ArticleRequest.model_validate_json(shot.body).text)
        # On a GPU the last digits of a score may depend on what is computed with it.
        exact = "cuda" not in tagger.runs_as
        wrong += found != expected if exact else [*map(_without_scores, found)] != [*map(_without_scores, expected)]
    return wrong


def _without_scores(record: TagRecord) -> object:
    spans = [(role.start, role.end) if role else None for role in (record.source, record.target, record.issue)]
    return record.label, spans
