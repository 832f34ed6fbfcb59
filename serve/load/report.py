"""Figures of a load as tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from serve.load.drive import Outcome

if TYPE_CHECKING:
    from serve.load.compare import Comparison


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
    """Every round of both services, and what they come to."""
    for name, case in comparison.cases.items():
        rows = [(f"ours, round {number}", outcome) for number, outcome in enumerate(case.ours, 1)]
        rows += [(f"the yardstick, round {number}", outcome) for number, outcome in enumerate(case.yardstick, 1)]
        print(f"{name}: {case.ratio:.1f} times the yardstick, {case.of_tagger:.0%} of the tagger without a server")
        print_outcomes(rows)
    rates = ", ".join(f"{rate:.0f}" for rate in comparison.tagger_sentences_per_second)
    print(f"the tagger without a server: {rates} sentences/s")
