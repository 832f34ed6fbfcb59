"""How bulk tagging grows with its input: time per sentence and peak memory, each size in a process of its own."""

import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from labels.corpus import CORPUS, read_corpus
from labels.errors import UserError
from labels.splits import by_split, read_held_out
from serve.bench.workload import single
from serve.bulk.engine import Load, open_engine
from serve.bulk.formats import Counts, OutputFormat
from serve.bulk.job import Job, tag_to_file
from serve.bulk.manifest import ModelIdentity
from serve.bulk.options import ReadOptions
from serve.bulk.progress import Meter
from serve.bulk.sources import Sources
from serve.model_folder import read_manifest

#: Sentences of a document.
_SENTENCES: Final = 20
#: How many sentences back a duplicate was there before.
_REPEATED_WITHIN: Final = 10_000


class Grown(BaseModel):
    """One size."""

    sentences: int
    seconds: float
    """From the first byte read to the whole output in its place; loading the model is left out."""
    microseconds_per_sentence: float
    peak_mib: float
    """Of the process, the model included."""


class Scale(BaseModel):
    """All that a run found."""

    model: str
    digest: str
    runs_as: str
    threads: int
    format: OutputFormat
    duplicates: float
    sizes: list[Grown]


@dataclass(frozen=True)
class _Task:
    load: Load
    rows: Path
    out: Path
    format: OutputFormat


def measure_scale(
    load: Load,
    sizes: Sequence[int],
    duplicates: float,
    say: Callable[[str], None],
    form: OutputFormat = "jsonl",
    corpus: Path = CORPUS,
) -> Scale:
    """Tag so many sentences of the varied test split, from a JSONL on disk to an output on disk.

    Args:
        load: the model, and how it is run.
        sizes: numbers of sentences.
        duplicates: share of the sentences that were there before, word for word.
        say: is told what is being done.
        form: format of the output.
        corpus: where the test split is.

    Raises:
        UserError: the model cannot be loaded or the corpus cannot be read.
    """
    manifest = read_manifest(load.model)
    texts = single(by_split(read_corpus(corpus), read_held_out(corpus))["test"]).sentences
    grown, runs_as = [], ""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.jsonl"
            say(f"writing {size:,} sentences")
            with rows.open("w", encoding="utf-8") as file:
                file.writelines(_documents(varied(texts, size, duplicates)))
            say(f"tagging {size:,} sentences")
            runs_as, found = _in_a_process(_Task(load, rows, Path(folder) / f"tags.{form}", form))
        grown.append(found)
        say(f"{size:,} sentences: {found.microseconds_per_sentence:.0f} µs each, {found.peak_mib:.0f} MiB at most")
    return Scale(
        model=f"{manifest.name} {manifest.version}",
        digest=manifest.info.digest,
        runs_as=runs_as,
        threads=load.threads or 0,
        format=form,
        duplicates=duplicates,
        sizes=grown,
    )


def varied(texts: Sequence[str], number: int, duplicates: float) -> Iterator[str]:
    """`number` sentences out of `texts`, taken round and round, each made another by the number it begins with.

    A duplicate is one of the ten thousand sentences before it, as wire copy comes back within a day or two.
    """
    draw = random.Random(0)  # noqa: S311 - a draw of sentences needs no secrecy
    written: deque[int] = deque(maxlen=_REPEATED_WITHIN)
    for position in range(number):
        chosen = draw.choice(written) if written and draw.random() < duplicates else position
        written.append(chosen)
        yield f"Item {chosen}: {texts[chosen % len(texts)]}"


def _documents(sentences: Iterator[str]) -> Iterator[str]:
    document: list[str] = []
    for sentence in sentences:
        document.append(sentence)
        if len(document) == _SENTENCES:
            yield json.dumps({"text": "\n".join(document)}) + "\n"
            document.clear()
    if document:
        yield json.dumps({"text": "\n".join(document)}) + "\n"


def _in_a_process(task: _Task) -> tuple[str, Grown]:
    # Spawned, for a forked child would have the parent's memory.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_tag, args=(theirs, task), daemon=True)
    process.start()
    theirs.close()
    try:
        received: tuple[str, Grown] | UserError = ours.recv()
    except EOFError:
        raise RuntimeError("the process that tags died; its message stands above") from None
    finally:
        process.join()
        ours.close()
    if isinstance(received, UserError):
        raise received
    return received


def _tag(pipe: Connection, task: _Task) -> None:
    try:
        with open_engine("local", task.load) as engine:
            job = Job(Sources([task.rows]), ReadOptions(), task.format)
            start = time.perf_counter()
            counts: Counts = tag_to_file(engine, job, ModelIdentity.of(task.load.model), task.out, Meter(quiet=True))
            seconds = time.perf_counter() - start
            runs_as = engine.runs_as
    except UserError as error:
        pipe.send(error)
        return
    # In kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    grown = Grown(
        sentences=counts.sentences,
        seconds=seconds,
        microseconds_per_sentence=seconds / counts.sentences * 1e6,
        peak_mib=peak,
    )
    pipe.send((runs_as, grown))
