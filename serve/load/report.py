"""Figures of a load as tables."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from serve.load.drive import Outcome

if TYPE_CHECKING:
    from serve.load.compare import Comparison
    from serve.load.floor import Floor


def print_outcomes(outcomes: Sequence[tuple[str, Outcome]]) -> None:
    """One row for each."""
    table = Table()
    table.add_column("load")
    for column in ("requests/s", "sentences/s", "p50 ms", "p95 ms", "p99 ms", "statuses"):
        table.add_column(column, justify="right")
    for name, outcome in outcomes:
        latencies = (outcome.p50_ms, outcome.p95_ms, outcome.p99_ms)
        table.add_row(
            name,
            f"{outcome.requests_per_second:.1f}",
            f"{outcome.sentences_per_second:.0f}",
            *("-" if latency is None else f"{latency:.0f}" for latency in latencies),
            ", ".join(f"{count} of {status}" for status, count in outcome.statuses.items()),
        )
    Console(width=120).print(table)


def print_comparison(comparison: "Comparison") -> None:
    """Every round of all services, and what they come to."""
    for name, case in comparison.cases.items():
        services = {"ours": case.ours} | {other: yardstick.outcomes for other, yardstick in case.yardsticks.items()}
        ratios = ", ".join(f"{yardstick.ratio:.1f} times {other}" for other, yardstick in case.yardsticks.items())
        print(f"{name}: {ratios}; {case.of_tagger:.0%} of the tagger without a server")
        print_outcomes(
            [
                (f"{service}, round {number}", outcome)
                for service, outcomes in services.items()
                for number, outcome in enumerate(outcomes, 1)
            ]
        )
    rates = ", ".join(f"{rate:.0f}" for rate in comparison.tagger_sentences_per_second)
    print(f"the tagger without a server: {rates} sentences/s")


def print_floor(found: "Floor") -> None:
    """Every round of both servers, the medians, and what they come to."""
    print_outcomes(
        [
            (f"{name}, round {number}", turn.outcome)
            for name, turns in (("bare", found.bare), ("ours", found.ours))
            for number, turn in enumerate(turns, 1)
        ]
    )
    for name, turns in (("bare", found.bare), ("ours", found.ours)):
        rate = statistics.median(turn.outcome.requests_per_second for turn in turns)
        server = statistics.median(turn.server_ms for turn in turns)
        clients = statistics.median(turn.clients_ms for turn in turns)
        print(f"{name}: {rate:.0f} requests/s; {server:.3f} ms of processor time each, the clients {clients:.3f} ms")
    print(f"ours without a network does {found.ratio:.0%} of the requests of a bare server")
