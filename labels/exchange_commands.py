"""The commands `export`, `import` and `queue`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from labels import corpus
from labels.exchange import WRITERS, Format, Source, corpus_tasks, import_answers
from labels.queue import describe, make_queue
from labels.splits import Split
from labels.tagged import read_tagged

FolderOption = Annotated[Path, typer.Option("--folder", "--corpus", help="Folder of the corpus files.")]
ToOption = Annotated[Format, typer.Option("--to", help="The tool to write for.")]
OutOption = Annotated[Path, typer.Option("--out", help="File to write; for hf, a new folder.")]


def export(
    to: ToOption,
    out: OutOption,
    split: Annotated[Split | None, typer.Option("--split", help="Only this split.")] = None,
    topic: Annotated[list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated.")] = None,
    folder: FolderOption = corpus.CORPUS,
) -> None:
    """Write the corpus, or a part of it, for an annotation tool or as a data set, spans included."""
    tasks = corpus_tasks(folder, split, topic or ())
    _say_written(len(tasks), WRITERS[to](tasks, out))


def import_(
    file: Annotated[Path, typer.Argument(help="What the tool exported; for hf, a folder.")],
    source: Annotated[Source, typer.Option("--from", help="The tool that it comes from; review: the page's file.")],
    out: Annotated[Path, typer.Option("--out", help="Corpus file to write.")],
    annotator: Annotated[str | None, typer.Option("--annotator", help="Whose answers count, if not all.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag of records without any; may be repeated.")] = None,
) -> None:
    """Turn what an annotation tool exported into rows of the corpus; print all faults and exit with 2 if it has any."""
    imported = import_answers(source, file, out, annotator, tag or ())
    if imported.incomplete:
        typer.echo(
            f"warning: {len(imported.incomplete)} contrast sets are not whole, which `labels check` would refuse;"
            f" the first is at {imported.incomplete[0]}",
            err=True,
        )
    _say_left_out(imported.left_out)
    _say_written(len(imported.sentences), [out])


def queue(
    source: Annotated[Path, typer.Option("--from", help="The tagger's output over files, as JSONL.")],
    to: ToOption,
    out: OutOption,
    count: Annotated[int, typer.Option("--count", min=1, help="How many sentences.")] = 200,
    baseline: Annotated[Path | None, typer.Option("--baseline", help="Another tagger's output over the same.")] = None,
    folder: FolderOption = corpus.CORPUS,
) -> None:
    """Pick what a person should label next from the tagger's output, its guess filled in to be corrected."""
    tagged = read_tagged(source)
    others = None if baseline is None else read_tagged(baseline)
    made = make_queue(tagged, count, others, corpus.read_corpus(folder))
    _say_left_out(made.left_out)
    _say_written(len(made.tasks), WRITERS[to](made.tasks, out))


def _say_written(number: int, paths: list[Path]) -> None:
    typer.echo(f"{number} sentences written to {', '.join(map(str, paths))}", err=True)


def _say_left_out(left_out: Mapping[str, int]) -> None:
    if left_out:
        typer.echo(f"left out: {describe(left_out)}", err=True)
