"""Measuring all systems in one run, by turns, so that what else the machine does falls on all of them alike."""

import json
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel

from labels.corpus import CORPUS, read_corpus
from labels.scheme import Stance
from labels.scores import confusion, macro_f1
from labels.splits import by_split, read_held_out
from serve.bench import roofline
from serve.bench.systems import DEFAULT_PIPELINE, SPECS, TORCH
from serve.bench.worker import Worker
from serve.bench.workload import Workload, single, wire_copy
from serve.encode import Encoder
from serve.errors import ModelError
from serve.model_folder import ENCODER_CONFIG, read_manifest, read_tokenizer

#: Sentences that a client sends at once, for the latencies.
BATCH: Final = 32


class Measured(BaseModel):
    """One system."""

    sentences_per_second: float
    """Median over the rounds."""
    against_pipeline: float
    """Times the rate of the default pipeline in the same round, median over the rounds."""
    p50_ms: float
    p99_ms: float
    """Milliseconds for 32 sentences."""
    peak_mib: float
    label_agreement: float
    """Share of the test split with the label that torch gives."""
    macro_f1: float
    wire_copy_sentences_per_second: float | None = None
    wire_copy_against_pipeline: float | None = None
    """Medians over the rounds, as above."""
    share_of_roofline: float | None = None


class Comparison(BaseModel):
    """All that a run found."""

    model: str
    digest: str
    threads: int
    rounds: int
    sentences: int
    mean_tokens: float
    float32_gflops: float
    int8_gops: float
    mflop_per_sentence: float
    systems: dict[str, Measured]


def compare(
    folder: Path,
    threads: int,
    rounds: int,
    sample: int,
    say: Callable[[str], None],
    corpus: Path = CORPUS,
    names: Sequence[str] = tuple(SPECS),
) -> Comparison:
    """Measure the systems `names` with the model of `folder`, `rounds` times over `sample` sentences of the test split.

    Raises:
        ModelError: the model lacks what a system needs.
        DataError: the corpus cannot be read.
    """
    manifest = read_manifest(folder)
    encoder = Encoder(read_tokenizer(folder, manifest), manifest.max_length)
    test = by_split(read_corpus(corpus), read_held_out(corpus))["test"]
    whole, copies = single(test), wire_copy(test)
    tokens = statistics.mean(len(encoding) for encoding in encoder.encode(whole.sentences))
    if DEFAULT_PIPELINE not in names or TORCH not in names:
        raise ModelError(f"the comparison needs {DEFAULT_PIPELINE} and {TORCH}; name them too")
    say("measuring the machine")
    limit = roofline.measure(json.loads((folder / ENCODER_CONFIG).read_text(encoding="utf-8")), tokens, threads)
    with ExitStack() as stack:
        workers = {}
        for name in names:
            say(f"loading {name}")
            workers[name] = stack.enter_context(Worker(name, folder, threads))
        rates, waits = _rounds(workers, whole.sentences[:sample], rounds, say)
        copying = {name: worker for name, worker in workers.items() if SPECS[name].wire_copy and copies.sentences}
        copied = _copy_rounds(copying, copies.sentences, rounds, say)
        measured = {}
        given = {name: _all_labels(worker, name, whole, say) for name, worker in workers.items()}
        for name, worker in workers.items():
            rate = statistics.median(rates[name])
            is_pipeline = "pipeline" in name
            measured[name] = Measured(
                sentences_per_second=rate,
                against_pipeline=_ratio(rates[name], rates[DEFAULT_PIPELINE]),
                p50_ms=float(np.quantile(waits[name], 0.5) * 1000),
                p99_ms=float(np.quantile(waits[name], 0.99) * 1000),
                peak_mib=worker.answer(whole.sentences[:1]).peak_bytes / 2**20,
                label_agreement=_agreement(given[name], given[TORCH]),
                macro_f1=float(macro_f1(confusion(whole.labels, given[name]))),
                wire_copy_sentences_per_second=statistics.median(copied[name]) if name in copied else None,
                wire_copy_against_pipeline=_ratio(copied[name], copied[DEFAULT_PIPELINE]) if name in copied else None,
                # What the cascade answers needs none of the network's operations.
                share_of_roofline=None if is_pipeline or "cascade" in name else limit.share(rate, "int8" in name),
            )
    return Comparison(
        model=f"{manifest.name} {manifest.version}",
        digest=manifest.info.digest,
        threads=threads,
        rounds=rounds,
        sentences=min(sample, len(whole.sentences)),
        mean_tokens=tokens,
        float32_gflops=limit.float32 / 1e9,
        int8_gops=limit.int8 / 1e9,
        mflop_per_sentence=limit.operations_per_sentence / 1e6,
        systems=measured,
    )


def _rounds(
    workers: dict[str, Worker], sentences: Sequence[str], rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Sentences per second of each round, and seconds of each batch."""
    rates: dict[str, list[float]] = {name: [] for name in workers}
    waits: dict[str, list[float]] = {name: [] for name in workers}
    for worker in workers.values():
        worker.answer(sentences[:BATCH])  # the first call allocates
    for number in range(1, rounds + 1):
        for name, worker in workers.items():
            say(f"round {number} of {rounds}: {name}")
            rates[name].append(len(sentences) / worker.answer(sentences).seconds)
            waits[name] += [
                worker.answer(sentences[start : start + BATCH]).seconds for start in range(0, len(sentences), BATCH)
            ]
    return rates, waits


def _copy_rounds(
    workers: dict[str, Worker], sentences: Sequence[str], rounds: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Sentences of the wire copy per second of each round."""
    rates: dict[str, list[float]] = {name: [] for name in workers}
    for number in range(1, rounds + 1):
        for name, worker in workers.items():
            say(f"wire copy, round {number} of {rounds}: {name}")
            rates[name].append(len(sentences) / worker.answer(sentences).seconds)
    return rates


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _all_labels(worker: Worker, name: str, workload: Workload, say: Callable[[str], None]) -> list[Stance]:
    say(f"the whole test split: {name}")
    return worker.answer(workload.sentences).labels


def _agreement(ours: Sequence[Stance], theirs: Sequence[Stance]) -> float:
    return sum(one == other for one, other in zip(ours, theirs, strict=True)) / len(theirs)
