"""`python -m serve`: tag files in bulk, serve over HTTP, measure."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from labels import atomic
from labels.command_line import run
from serve import service_commands

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(service_commands.http)
app.command()(service_commands.load)


@app.callback()
def serve() -> None:
    """Use a trained model."""


@app.command()
def tag(
    paths: Annotated[list[Path], typer.Argument(help="Text files (UTF-8), or folders of .txt files.")],
    out: Annotated[Path, typer.Option(help="JSONL to write, one record per sentence.")],
    model: Annotated[Path, typer.Option(help="Folder of the saved model.")] = Path("models/stance"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Tag every sentence of text files; exit with 1 if a file had to be skipped."""
    # Imported only now, for torch takes seconds and a misspelt option should not have to wait for it.
    from serve.bulk import find_documents, tag_documents
    from serve.tagger import Tagger

    documents = find_documents(paths)
    tagger = Tagger.load(model, device)
    columns = (
        TextColumn("tagging"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("documents, {task.fields[rate]} sentences/s, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("tag", total=len(documents), rate="…")
        done = 0

        def advance(sentences: int) -> None:
            nonlocal done
            done += sentences
            elapsed = progress.tasks[0].elapsed or 1e-9
            progress.update(task, advance=1, rate=f"{done / elapsed:.0f}")

        summary = tag_documents(tagger, documents, out, advance)
    for problem in summary.problems:
        print(problem, file=sys.stderr)
    skipped = f", {len(summary.problems)} skipped" if summary.problems else ""
    print(f"{summary.sentences} sentences of {summary.documents} documents{skipped} -> {out}", file=sys.stderr)
    raise typer.Exit(1 if summary.problems else 0)


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
