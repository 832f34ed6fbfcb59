"""Our service against the same model served as BentoML's documentation has it, both on this machine, by turns."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from serve.load.drive import Outcome, closed_loop
from serve.load.servers import ServerError, running
from serve.load.traffic import Mix, fresh, sentences, shots
from serve.tagger import Tagger

#: What is measured: name, clients, what each sends.
CASES: Final[dict[str, tuple[int, Mix]]] = {
    "25-sentence articles, 8 clients": (8, "article"),
    "single sentences, 32 clients": (32, "sentence"),
}
_ROOT: Final = Path(__file__).parents[2]
_YARDSTICK: Final = "tests.yardstick.service:Yardstick"
#: Sentences that the tagger is given in this process.
_IN_PROCESS: Final = 1_024


class Case(BaseModel):
    """One way of using the service."""

    ours: list[Outcome]
    yardstick: list[Outcome]
    ratio: float
    """Sentences per second of ours to the yardstick's in the same round, median over the rounds."""
    of_tagger: float
    """Sentences per second of ours to the tagger's without a server, median over the rounds."""


class Comparison(BaseModel):
    """All that a run found."""

    tagger_sentences_per_second: list[float]
    cases: dict[str, Case]

    @property
    def passed(self) -> bool:
        """Whether ours answered, in every round, all that it took."""
        return all(outcome.passed for case in self.cases.values() for outcome in case.ours)


def compare(model: Path, seconds: float, rounds: int, say: Callable[[str], None]) -> Comparison:
    """Measure both services with `model`, each case for `seconds` in each of `rounds`.

    Raises:
        ServerError: the yardstick is not here, a server could not be started, or the yardstick answered nothing.
        ModelError: the model cannot be used.
    """
    if not (_ROOT / "tests/yardstick/service.py").is_file():
        raise ServerError("the yardstick is tests/yardstick/service.py of the source, which is not here; clone it")
    folder = str(model.resolve())
    tagger = Tagger.load(model)
    texts = fresh(sentences())
    rates: list[float] = []
    found: dict[str, tuple[list[Outcome], list[Outcome]]] = {name: ([], []) for name in CASES}
    yardstick = ["bentoml", "serve", _YARDSTICK]
    with (
        running(["serve", "http"], {"STANCE_MODEL": folder}, _ROOT) as our_server,
        running(yardstick, {"YARDSTICK_MODEL": folder}, _ROOT) as their_server,
    ):
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}: the tagger in this process")
            rates.append(_rate(tagger, texts))
            for name, (clients, mix) in CASES.items():
                for server, outcomes in zip((our_server, their_server), found[name], strict=True):
                    say(f"round {number} of {rounds}: {name}, {'ours' if server is our_server else 'the yardstick'}")
                    outcomes.append(asyncio.run(closed_loop(server.url, shots(texts, mix), clients, seconds)))
    return Comparison(
        tagger_sentences_per_second=rates,
        cases={name: _case(ours, theirs, rates) for name, (ours, theirs) in found.items()},
    )


def _rate(tagger: Tagger, texts: Iterator[str]) -> float:
    given = list(islice(texts, _IN_PROCESS))
    begun = time.perf_counter()
    tagger.tag(given)
    return len(given) / (time.perf_counter() - begun)


def _case(ours: list[Outcome], theirs: list[Outcome], rates: list[float]) -> Case:
    if not all("200" in outcome.statuses for outcome in theirs):
        raise ServerError("the yardstick answered nothing in a round, so there is nothing to compare with")

    def ratio(others: list[float]) -> float:
        return statistics.median(one.sentences_per_second / other for one, other in zip(ours, others, strict=True))

    return Case(
        ours=ours,
        yardstick=theirs,
        ratio=ratio([outcome.sentences_per_second for outcome in theirs]),
        of_tagger=ratio(rates),
    )
