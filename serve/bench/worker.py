"""One system in a process of its own, so that its memory is its own and nothing is shared but the cores."""

import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from labels.errors import UserError
from labels.scheme import Stance
from serve.bench.systems import SPECS


@dataclass(frozen=True)
class Answered:
    """What one pass over some sentences gave."""

    seconds: float
    labels: list[Stance]
    peak_bytes: int
    """Most memory that the process has had so far."""


class Worker:
    """A process that has loaded a system and answers one list of sentences after the other."""

    def __init__(self, system: str, folder: Path, threads: int) -> None:
        # Spawned, for a forked child would have the parent's threads and memory.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, system, folder, threads), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        self._receive()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()

    def answer(self, sentences: Sequence[str]) -> Answered:
        """Label `sentences`.

        Raises:
            UserError: the system cannot be loaded from this model folder.
        """
        self._pipe.send(list(sentences))
        answered = self._receive()
        if answered is None:
            raise RuntimeError("a system answered nothing")
        return answered

    def _receive(self) -> Answered | None:
        try:
            received: Answered | UserError | None = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a system died; its message stands above") from None
        if isinstance(received, UserError):
            raise received
        return received


def _serve(pipe: Connection, system: str, folder: Path, threads: int) -> None:
    try:
        loaded = SPECS[system].build(folder, threads)
    except UserError as error:
        pipe.send(error)
        return
    pipe.send(None)
    while True:
        sentences = pipe.recv()
        start = time.perf_counter()
        labels = loaded.labels(sentences)
        seconds = time.perf_counter() - start
        # In kilobytes on Linux.
        pipe.send(Answered(seconds, labels, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
