"""How far a bulk run is: a bar on a terminal, else a line a minute."""

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from serve.bulk.formats import Counts

_LINE_SECONDS: Final = 60.0
#: The bar is not drawn more often than can be seen.
_BAR_SECONDS: Final = 0.2


class Meter:
    """Counts sentences and documents, and shows them on standard error.

    Args:
        quiet: show nothing.
        terminal: whether standard error is one; looked up if None.
    """

    def __init__(self, quiet: bool = False, terminal: bool | None = None) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._terminal = self._console.is_terminal if terminal is None else terminal
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._counts = Counts()
        self._tagged = 0
        self._bytes_read, self._bytes_before, self._bytes_total = 0, 0, 0
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, done: Counts, bytes_read: int, bytes_total: int | None) -> None:
        """What was done before; the total is None where it cannot be known."""
        self._counts = Counts(done.documents, done.sentences, done.errors.copy())
        self._bytes_read = self._bytes_before = bytes_read
        self._bytes_total = bytes_total or 0
        self._started = self._shown = time.monotonic()
        if self._terminal and not self._quiet:
            columns = (TextColumn("tagging"), BarColumn(), TextColumn("{task.fields[said]}, left"))
            self._bar = Bar(*columns, TimeRemainingColumn(), console=self._console)
            self._task = self._bar.add_task("tag", total=bytes_total, completed=bytes_read, said="…")
            self._bar.start()

    def sentences(self, number: int) -> None:
        """Some more records are written."""
        self._tagged += number
        every = _LINE_SECONDS if self._bar is None else _BAR_SECONDS
        if not self._quiet and time.monotonic() - self._shown >= every:
            self._show()

    def shard(self, counts: Counts, bytes_read: int) -> None:
        """A shard is done, with so many bytes of the input up to its end."""
        self._counts.documents += counts.documents
        self._counts.errors.update(counts.errors)
        self._bytes_read = max(self._bytes_read, bytes_read)

    def _show(self) -> None:
        self._shown = time.monotonic()
        seconds = max(self._shown - self._started, 1e-9)
        documents = self._counts.documents + self._counts.errors.total()
        said = f"{documents} documents, {self._tagged / seconds:.0f} sentences/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._bytes_read, said=said)
            return
        left = self._seconds_left(seconds)
        ending = "" if left is None else f", {left / 60:.0f} minutes left"
        print(f"tagging: {said}{ending}", file=sys.stderr, flush=True)

    def _seconds_left(self, seconds: float) -> float | None:
        read = self._bytes_read - self._bytes_before
        if not self._bytes_total or not read:
            return None
        return seconds / read * (self._bytes_total - self._bytes_read)
