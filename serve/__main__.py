"""`python -m serve`: tag files in bulk, serve over HTTP, measure."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labels import atomic
from labels.command_line import run
from serve import service_commands
from serve.bulk.command import tag

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(service_commands.http)
app.command()(service_commands.load)


@app.callback()
def serve() -> None:
    """Use a trained model."""


app.command()(tag)


@app.command()
def bench(
    model: Annotated[Path, typer.Option(help="Folder of the saved model.")] = Path("models/stance"),
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each system; all cores if left out.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns that every system takes.")] = 5,
    sentences: Annotated[int, typer.Option(min=32, help="Sentences of the test split in a turn.")] = 1024,
    scale: Annotated[bool, typer.Option("--scale", help="Measure bulk tagging at several sizes instead.")] = False,
    size: Annotated[
        list[int], typer.Option(min=1, help="Sentences of a size, for --scale; may be given several times.")
    ] = [10_000, 100_000, 1_000_000],  # noqa: B006 - typer reads it and changes nothing
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sentences that were there before, for --scale.")
    ] = 0.0,
    backend: Annotated[str, typer.Option(help="auto, torch, onnx, onnx-int8 or openvino-int8, for --scale.")] = "auto",
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but the table.")] = False,
) -> None:
    """Compare the usual ways to run this model with ours: speed, memory and rightness, in one run.

    With --scale: time per sentence and peak memory of bulk tagging, each size in a process of its own.
    """
    from serve.bench.report import print_comparison, print_scale
    from serve.cores import available_cores

    threads = threads or available_cores()
    if scale:
        from serve.bench.scale import measure_scale
        from serve.bulk.engine import Load

        grown = measure_scale(Load(model, "cpu", backend, threads), size, duplicates, _saying(quiet))
        print_scale(grown)
        report = grown.model_dump_json(indent=2)
    else:
        from serve.bench.compare import compare

        found = compare(model, threads, rounds, sentences, _saying(quiet))
        print_comparison(found)
        report = found.model_dump_json(indent=2)
    if json_out is not None:
        atomic.write_text(json_out, report + "\n")


def _saying(quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if quiet else (lambda line: print(line, file=sys.stderr, flush=True))


if __name__ == "__main__":
    run(app)
