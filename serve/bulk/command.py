"""`python -m serve tag`."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from labels.errors import UserError
from serve.bulk.options import Columns, ReadOptions
from serve.bulk.plan import SHARD_DOCUMENTS

STANDARD_OUTPUT = Path("-")


def tag(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of them, or - for standard input.")],
    out: Annotated[Path, typer.Option(help="File to write, one record per sentence; - is standard output.")],
    output: Annotated[str | None, typer.Option("--format", help="jsonl, csv or parquet; else by the suffix.")] = None,
    input_format: Annotated[
        str | None, typer.Option(help="txt, html, jsonl, csv, parquet or warc: of - and of files named.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column of the text, in formats with rows.")] = "text",
    id_column: Annotated[str, typer.Option(help="Column of the document's identifier.")] = "id",
    title_column: Annotated[str, typer.Option(help="Column passed on as title.")] = "title",
    date_column: Annotated[str, typer.Option(help="Column passed on as date.")] = "date",
    outlet_column: Annotated[str, typer.Option(help="Column passed on as outlet.")] = "outlet",
    url_column: Annotated[str, typer.Option(help="Column passed on as url.")] = "url",
    delimiter: Annotated[str, typer.Option(help="Between the fields of a CSV.")] = ",",
    model: Annotated[Path, typer.Option(help="Folder of the saved model.")] = Path("models/stance"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    backend: Annotated[str, typer.Option(help="auto, torch, onnx, onnx-int8 or openvino-int8.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of a tagger; all cores if left out.")] = None,
    cascade: Annotated[
        bool, typer.Option("--cascade/--no-cascade", help="Let the linear model answer what it is sure of.")
    ] = False,
    engine: Annotated[str, typer.Option(help="local, or ray: the machines of a Ray cluster.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(help="The cluster, such as HOST:6379; else one on this machine alone.")
    ] = None,
    actors: Annotated[int | None, typer.Option(min=1, help="Taggers in the cluster; as many as it takes.")] = None,
    shard_documents: Annotated[int, typer.Option(min=1, help="Documents done as one.")] = SHARD_DOCUMENTS,
    restart: Annotated[bool, typer.Option("--restart", help="Throw an unfinished output away.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but what went wrong.")] = False,
) -> None:
    """Tag every sentence of documents; exit with 1 if some have an error instead of tags.

    A run that was broken off goes on where it was when the same command is given again.
    """
    # Imported only now, for what tags takes seconds and a misspelt option should not have to wait for it.
    from serve.bulk.engine import Load, open_engine
    from serve.bulk.errors import BulkError, StreamError
    from serve.bulk.formats import output_format
    from serve.bulk.job import Job, check_free, tag_to_file, tag_to_stream
    from serve.bulk.manifest import ModelIdentity
    from serve.bulk.progress import Meter
    from serve.bulk.sources import Sources
    from serve.bulk.work_folder import parts_of

    if len(delimiter) != 1:
        raise BulkError(f"the delimiter is one character, not {delimiter!r}")
    if engine != "ray" and (ray_address is not None or actors is not None):
        raise BulkError(f"--ray-address and --actors are for the engine ray, not {engine}; add --engine ray")
    columns = Columns(
        text=text_column, id=id_column, title=title_column, date=date_column, outlet=outlet_column, url=url_column
    )
    to_stream = out == STANDARD_OUTPUT
    sources = Sources(paths, input_format, () if to_stream else (out, parts_of(out)))
    reading = ReadOptions(input_format=input_format, columns=columns, delimiter=delimiter)
    job = Job(sources, reading, output_format(out, output), shard_documents)
    if not to_stream:
        check_free(out, overwrite)
    identity = ModelIdentity.of(model)
    load = Load(model, device, backend, threads, cascade)
    standard_output = sys.stdout  # for the engine ray puts another in its place
    try:
        with open_engine(engine, load, ray_address, actors) as tagging, Meter(quiet) as meter:
            if not quiet:
                print(f"{identity.info.name} {identity.info.version}, {tagging.runs_as}", file=sys.stderr, flush=True)
            if to_stream:
                counts = tag_to_stream(tagging, job, standard_output.buffer, meter)
            else:
                counts = tag_to_file(tagging, job, identity, out, meter, restart, overwrite)
    except KeyboardInterrupt:
        kept = "" if to_stream else "; the same command goes on where it was"
        print(f"interrupted{kept}", file=sys.stderr)
        _end(130, sources.has_stream)
    except StreamError as error:
        # Python would write once more when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error.__cause__, BrokenPipeError):  # whoever read has enough
            _end(0, sources.has_stream)
        _fail(error, sources.has_stream)
    except UserError as error:
        _fail(error, sources.has_stream)
    except OSError as error:
        _fail(BulkError(f"cannot go on: {error}"), sources.has_stream)
    if not quiet:
        print(f"{counts.sentences} sentences of {counts.documents} documents -> {out}", file=sys.stderr)
    if counts.errors:
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(counts.errors.items()))
        print(f"{counts.errors.total()} documents with an error instead: {kinds}", file=sys.stderr)
        raise typer.Exit(1)


def _fail(error: UserError, at_once: bool) -> NoReturn:
    if not at_once:
        raise error
    with suppress(BrokenPipeError):
        print(error, file=sys.stderr)
    _end(2, at_once)


def _end(code: int, at_once: bool) -> NoReturn:
    """End with `code`, `at_once` if a thread may be waiting for a stream: Python would first wait for the thread."""
    if at_once:
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)
