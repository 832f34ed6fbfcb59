"""What the service costs without a network, against the least that can answer: bare uvicorn and a fixed answer."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import psutil
from pydantic import BaseModel

from serve.load.bare import ANSWER
from serve.load.drive import Outcome, closed_loop
from serve.load.instant import save_instant
from serve.load.servers import Running, running
from serve.load.traffic import Shot, fresh, sentences, shots

CLIENTS: Final = 32
#: As `serve.http.run` sets it up, where it makes a difference.
_BARE: Final = [
    *("uvicorn", "--factory", "serve.load.bare:application", "--http", "httptools", "--loop", "uvloop"),
    *("--lifespan", "off", "--ws", "none", "--no-access-log", "--no-server-header", "--log-level", "warning"),
]
#: Seconds until what is done once is done.
_WARM: Final = 1.0


class Turn(BaseModel):
    """One measurement of one server."""

    outcome: Outcome
    server_ms: float
    """Time on a processor for each answer."""
    clients_ms: float
    """That of the clients for each answer: what the machine cannot give to the server."""


class Floor(BaseModel):
    """All that a run found, turn by turn."""

    bare: list[Turn]
    ours: list[Turn]

    @property
    def ratio(self) -> float:
        """Requests per second of ours to those of the bare server in the same round, median over the rounds."""
        pairs = zip(self.ours, self.bare, strict=True)
        return statistics.median(
            ours.outcome.requests_per_second / bare.outcome.requests_per_second for ours, bare in pairs
        )

    @property
    def passed(self) -> bool:
        """Whether every request was answered with 200."""
        return all(set(turn.outcome.statuses) == {"200"} for turn in (*self.bare, *self.ours))


def floor(seconds: float, rounds: int, say: Callable[[str], None]) -> Floor:
    """Measure single sentences, none twice, at both for `seconds` in each of `rounds`, by turns.

    Raises:
        ServerError: a server could not be started.
    """
    texts = sentences()
    found = Floor(bare=[], ours=[])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "instant"
        save_instant(folder, texts)
        stream = shots(fresh(texts), "sentence")
        settings = {"STANCE_MODEL": str(folder), "STANCE_BACKEND": "onnx"}
        with running(["serve", "http"], settings) as our_server:
            # About as long as all of them.
            answer = httpx.post(f"{our_server.url}/tag", content=next(stream).body).text
            with running(_BARE, {ANSWER: answer}) as bare_server:
                for server in (bare_server, our_server):
                    _turn(server, stream, _WARM)
                for number in range(1, rounds + 1):
                    for name, server, turns in (("bare", bare_server, found.bare), ("ours", our_server, found.ours)):
                        say(f"round {number} of {rounds}: {name}")
                        turns.append(_turn(server, stream, seconds))
    return found


def _turn(server: Running, stream: Iterator[Shot], seconds: float) -> Turn:
    process = psutil.Process(server.process.pid)
    server_before, clients_before = _processor_seconds(process), time.process_time()
    outcome = asyncio.run(closed_loop(server.url, stream, CLIENTS, seconds))
    answered = max(1, outcome.statuses.get("200", 0))
    return Turn(
        outcome=outcome,
        server_ms=(_processor_seconds(process) - server_before) * 1000 / answered,
        clients_ms=(time.process_time() - clients_before) * 1000 / answered,
    )


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
