"""The comparison as a table."""

from rich.console import Console
from rich.table import Table

from serve.bench.compare import BATCH, Comparison
from serve.bench.scale import Scale


def print_comparison(found: Comparison) -> None:
    """One row per system, and a line about what the machine could do at best."""
    table = Table(title=f"{found.model}, {found.threads} threads, median of {found.rounds} rounds")
    table.add_column("system")
    columns = (
        *("sentences/s", "times", f"p50 ms/{BATCH}", f"p99 ms/{BATCH}", "peak MiB", "labels as torch", "macro-F1"),
        *("wire copy/s", "times", "of roofline"),
    )
    for column in columns:
        table.add_column(column, justify="right")
    for name, measured in found.systems.items():
        table.add_row(
            name,
            f"{measured.sentences_per_second:.0f}",
            f"{measured.against_pipeline:.1f}",
            f"{measured.p50_ms:.0f}",
            f"{measured.p99_ms:.0f}",
            f"{measured.peak_mib:.0f}",
            f"{measured.label_agreement:.2%}",
            f"{measured.macro_f1:.3f}",
            _or_nothing(measured.wire_copy_sentences_per_second, ".0f"),
            _or_nothing(measured.wire_copy_against_pipeline, ".1f"),
            _or_nothing(measured.share_of_roofline, ".0%"),
        )
    console = Console(width=160)
    console.print(table)
    best = [rate * 1e3 / found.mflop_per_sentence for rate in (found.float32_gflops, found.int8_gops)]
    console.print(
        f"roofline: matrix products run at {found.float32_gflops:.0f} GFLOP/s in float32 and {found.int8_gops:.0f} "
        f"GOP/s in eight bits here; a sentence of {found.mean_tokens:.1f} tokens needs "
        f"{found.mflop_per_sentence:.0f} MFLOP, so at most {best[0]:.0f} and {best[1]:.0f} sentences/s"
    )


def print_scale(found: Scale) -> None:
    """One row per size."""
    table = Table(title=f"{found.model}, {found.runs_as}, {found.format}, {found.duplicates:.0%} duplicates")
    for column in ("sentences", "seconds", "µs/sentence", "sentences/s", "peak MiB", "memory, times the least"):
        table.add_column(column, justify="right")
    least = min(grown.peak_mib for grown in found.sizes)
    for grown in found.sizes:
        table.add_row(
            f"{grown.sentences:,}",
            f"{grown.seconds:.1f}",
            f"{grown.microseconds_per_sentence:.0f}",
            f"{grown.sentences / grown.seconds:.0f}",
            f"{grown.peak_mib:.0f}",
            f"{grown.peak_mib / least:.2f}",
        )
    Console(width=120).print(table)


def _or_nothing(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
