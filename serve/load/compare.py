"""Our service against the same model served by BentoML with a pipeline, all on this machine, by turns."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
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
#: What ours is compared with: name, service.
YARDSTICKS: Final = {
    "BentoML as documented": "tests.yardstick.service:AsDocumented",
    "the same in batches of 32": "tests.yardstick.service:InBatches",
}
#: Sentences that the tagger is given in this process.
_IN_PROCESS: Final = 1_024


class Yardstick(BaseModel):
    """What ours is compared with, in one case."""

    outcomes: list[Outcome]
    ratio: float
    """Sentences per second of ours to its in the same round, median over the rounds."""


class Case(BaseModel):
    """One way of using the service."""

    ours: list[Outcome]
    yardsticks: dict[str, Yardstick]
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
    """Measure all services with `model`, each case for `seconds` in each of `rounds`.

    Raises:
        ServerError: the yardsticks are not here, a server could not be started, or a yardstick answered nothing.
        ModelError: the model cannot be used.
    """
    if not (_ROOT / "tests/yardstick/service.py").is_file():
        raise ServerError("the yardstick is tests/yardstick/service.py of the source, which is not here; clone it")
    folder = str(model.resolve())
    tagger = Tagger.load(model)
    texts = fresh(sentences())
    rates: list[float] = []
    with ExitStack() as stack:
        servers = {"ours": stack.enter_context(running(["serve", "http"], {"STANCE_MODEL": folder}, _ROOT))}
        for name, service in YARDSTICKS.items():
            command = ["bentoml", "serve", service]
            servers[name] = stack.enter_context(running(command, {"YARDSTICK_MODEL": folder}, _ROOT))
        found: dict[str, dict[str, list[Outcome]]] = {case: {name: [] for name in servers} for case in CASES}
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}: the tagger in this process")
            rates.append(_rate(tagger, texts))
            for case, (clients, mix) in CASES.items():
                for name, server in servers.items():
                    say(f"round {number} of {rounds}: {case}, {name}")
                    load = closed_loop(server.url, shots(texts, mix), clients, seconds)
                    found[case][name].append(asyncio.run(load))
    return Comparison(
        tagger_sentences_per_second=rates,
        cases={case: _case(outcomes.pop("ours"), outcomes, rates) for case, outcomes in found.items()},
    )


def _rate(tagger: Tagger, texts: Iterator[str]) -> float:
    given = list(islice(texts, _IN_PROCESS))
    begun = time.perf_counter()
    tagger.tag(given)
    return len(given) / (time.perf_counter() - begun)


def _case(ours: list[Outcome], others: dict[str, list[Outcome]], rates: list[float]) -> Case:
    for name, outcomes in others.items():
        if not all("200" in outcome.statuses for outcome in outcomes):
            raise ServerError(f"{name} answered nothing in a round, so there is nothing to compare with")

    def ratio(rates: Sequence[float]) -> float:
        return statistics.median(one.sentences_per_second / other for one, other in zip(ours, rates, strict=True))

    return Case(
        ours=ours,
        yardsticks={
            name: Yardstick(outcomes=outcomes, ratio=ratio([outcome.sentences_per_second for outcome in outcomes]))
            for name, outcomes in others.items()
        },
        of_tagger=ratio(rates),
    )
