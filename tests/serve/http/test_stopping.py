"""The service stopped and killed under load: what was accepted, what is lost, and what starts it again."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil
import pytest

from serve.load.servers import free_port, running
from serve.tagger import Tagger
from tests.conftest import ROOT
from tests.serve.http.conftest import each_as_json, texts

pytestmark = pytest.mark.slow

OURS: Final = ["serve", "http"]
BENTOML: Final = ["bentoml", "serve", "serve.service:StanceService"]
#: Seconds within which a service must be back, on a machine that is busy with other things.
BACK: Final = 60


@dataclass
class Seen:
    """What clients got."""

    answers: list[tuple[list[str], Any]] = field(default_factory=list)
    """Sentences that were sent, and their tags."""
    failures: Counter[str] = field(default_factory=Counter)

    async def more(self, answers: int) -> None:
        """Wait for so many more of them."""
        wanted = len(self.answers) + answers
        async with asyncio.timeout(BACK):
            while len(self.answers) < wanted:
                await asyncio.sleep(0.02)

    def check(self, tagger: Tagger) -> None:
        """Every answer is the tagger's, and nothing failed but connections."""
        asked = [sentences for sentences, _ in self.answers]
        assert [tags for _, tags in self.answers] == each_as_json(tagger, asked)
        assert set(self.failures) == {"no connection"}


@asynccontextmanager
async def traffic(url: str, clients: int = 6) -> AsyncIterator[Seen]:
    """Clients that send one request after the other, until the block is left."""
    seen = Seen()
    numbers = count()

    async def client(session: aiohttp.ClientSession) -> None:
        while True:
            sentences = texts(next(numbers), 5)
            try:
                async with session.post("/tag", json={"sentences": sentences}) as answer:
                    found = await answer.json()
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                # The latter where it ended within an answer.
                seen.failures["no connection"] += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status == 200:
                seen.answers.append((sentences, found["tags"]))
            else:
                seen.failures[str(answer.status)] += 1

    async with aiohttp.ClientSession(url) as session:
        tasks = [asyncio.create_task(client(session)) for _ in range(clients)]
        try:
            yield seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            task.result()


@pytest.mark.parametrize("command", [OURS, BENTOML], ids=["ours", "bentoml"])
def test_what_was_accepted_is_answered_before_the_service_stops(
    command: list[str], model_folder: Path, tagger: Tagger
) -> None:
    with running(command, {"STANCE_MODEL": str(model_folder)}, ROOT) as server:

        async def load() -> list[Any]:
            async def metrics(session: aiohttp.ClientSession) -> str:
                async with session.get("/metrics") as answer:
                    return await answer.text()

            async def one(session: aiohttp.ClientSession, number: int) -> Any:
                try:
                    async with session.post("/tag", json={"sentences": texts(number, 40)}) as answer:
                        return (await answer.json())["tags"]
                except aiohttp.ClientConnectionError:
                    return "not accepted"

            async with aiohttp.ClientSession(server.url) as session:
                early = [asyncio.create_task(one(session, number)) for number in range(20)]
                async with asyncio.timeout(BACK):
                    while "stance_queue_tokens 0.0" in (await metrics(session)):
                        await asyncio.sleep(0.01)
                server.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.3)
                late = asyncio.create_task(one(session, 99))
                return [await task for task in (*early, late)]

        *early, late = asyncio.run(load())
        assert early == each_as_json(tagger, [texts(number, 40) for number in range(20)])
        assert late == "not accepted"
        assert server.process.wait(30) in (0, -signal.SIGTERM)


def test_a_worker_of_bentomls_that_is_killed_is_started_again(model_folder: Path, tagger: Tagger) -> None:
    with running(BENTOML, {"STANCE_MODEL": str(model_folder)}, ROOT) as server:

        def workers() -> list[psutil.Process]:
            children = psutil.Process(server.process.pid).children(recursive=True)
            return [child for child in children if "_bentoml_impl.worker.service" in child.cmdline()]

        async def kill() -> Seen:
            async with traffic(server.url) as seen:
                await seen.more(20)
                (worker,) = workers()
                worker.kill()
                await asyncio.to_thread(worker.wait, 10)
                # More than may have been on their way.
                await seen.more(50)
                (other,) = workers()
                assert other.pid != worker.pid
            return seen

        seen = asyncio.run(kill())
        seen.check(tagger)
        # What the worker had in hand; what comes while there is none waits for the next.
        assert seen.failures["no connection"] <= 6


def test_our_service_that_is_killed_ends_and_can_be_started_again_in_its_place(
    model_folder: Path, tagger: Tagger
) -> None:
    """Nothing of ours starts it again: systemd does, by the unit, whose words are in tests/serve/test_deploy.py."""
    settings, port = {"STANCE_MODEL": str(model_folder)}, free_port()
    with ExitStack() as stack:
        server = stack.enter_context(running(OURS, settings, ROOT, port=port))

        async def kill() -> Seen:
            async with traffic(server.url) as seen:
                await seen.more(20)
                server.process.kill()
                assert await asyncio.to_thread(server.process.wait, 10) == -signal.SIGKILL
                async with asyncio.timeout(BACK):
                    await asyncio.to_thread(stack.enter_context, running(OURS, settings, ROOT, port=port))
                await seen.more(50)
            return seen

        asyncio.run(kill()).check(tagger)
