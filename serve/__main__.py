"""`python -m serve`: tag files in bulk."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labels import atomic
from labels.command_line import run
from serve.bulk.command import tag

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def serve() -> None:
    """Use a trained model."""


app.command()(tag)


@app.command()
def bench(
    model: Annotated[Path, typer.Option(help="Folder of the saved model.")] = Path("models/stance"),
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each system; all cores if left out.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns that every system takes.")] = 5,
    sentences: Annotated[int, typer.Option(min=32, help="Sentences of the test split in a turn.")] = 256,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but the table.")] = False,
) -> None:
    """Compare the usual ways to run this model with ours: speed, memory and rightness, in one run."""
    from serve.bench.compare import compare
    from serve.bench.report import print_comparison
    from serve.cores import available_cores

    found = compare(model, threads or available_cores(), rounds, sentences, _saying(quiet))
    print_comparison(found)
    if json_out is not None:
        atomic.write_text(json_out, found.model_dump_json(indent=2) + "\n")


def _saying(quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if quiet else (lambda line: print(line, file=sys.stderr, flush=True))


if __name__ == "__main__":
    run(app)
