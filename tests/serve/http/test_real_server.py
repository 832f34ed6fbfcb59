"""The service as a process of its own, among clients good and bad."""

import asyncio
import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from serve.load.servers import Running, running
from serve.tagger import Tagger
from serve.weights import save
from tests.conftest import ROOT, SENTENCES, manifest, tiny_network, tiny_tokenizer
from tests.serve.http.conftest import as_json, each_as_json, texts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(model_folder: Path) -> Iterator[Running]:
    settings = {"STANCE_MODEL": str(model_folder), "STANCE_BODY_SECONDS": "1", "STANCE_HEADER_SECONDS": "1"}
    with running(["serve", "http"], settings, ROOT) as server:
        yield server


def connect(server: Running) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


HEAD = b"POST /tag HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def test_good_answers_are_the_taggers_whoever_else_is_there(server: Running, tagger: Tagger) -> None:
    good = [texts(number, 1 + number % 30) for number in range(60)]

    async def bad(session: aiohttp.ClientSession, number: int) -> None:
        bodies = [b"not json", b'{"sentences": [""]}', json.dumps({"sentences": ["a" * 2_001]}).encode()]
        async with session.post("/tag", data=bodies[number % 3]) as answer:
            assert answer.status in (400, 422)

    async def cancelled(session: aiohttp.ClientSession, number: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.03), session.post("/tag", json={"sentences": texts(1_000 + number, 256)}):
                pass

    async def huge(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post("/tag", json={"sentences": ["word " * 400] * 256}) as answer:
            assert answer.status in (200, 429)

    async def slowly(body: bytes) -> AsyncIterator[bytes]:
        for begin in range(0, len(body), 1 + len(body) // 5):
            yield body[begin : begin + 1 + len(body) // 5]
            await asyncio.sleep(0.1)

    async def one(session: aiohttp.ClientSession, number: int) -> Any:
        whole = json.dumps({"sentences": good[number]}).encode()
        while True:
            # One in ten comes in pieces.
            async with session.post("/tag", data=slowly(whole) if number % 10 == 0 else whole) as answer:
                if answer.status != 429:
                    assert answer.status == 200
                    return (await answer.json())["tags"]
            await asyncio.sleep(0.2)

    async def never_whole(session: aiohttp.ClientSession, number: int) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"sentences": ["'
            while True:
                await asyncio.sleep(0.1)
                yield b"a"

        async with session.post("/tag", data=body()) as answer:
            assert answer.status == 408

    async def everyone() -> list[Any]:
        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(server.url, headers=headers) as session:
            others = [kind(session, n) for n in range(3) for kind in (bad, cancelled, huge, never_whole)]
            answers = await asyncio.gather(*(one(session, n) for n in range(len(good))), *others)
        return list(answers[: len(good)])

    assert asyncio.run(everyone()) == each_as_json(tagger, good)
    metrics = httpx.get(f"{server.url}/metrics").text
    assert "stance_queue_tokens 0.0" in metrics
    assert 'status="500"' not in metrics
    assert "Part 1" not in server.log.read_text()


def test_slow_clients_are_cut_off_and_half_closed_ones_do_no_harm(server: Running, tagger: Tagger) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        slow_bodies, slow_heads, half = (
            [stack.enter_context(connect(server)) for _ in range(count)] for count in (40, 40, 5)
        )
        for slow in slow_bodies:
            slow.sendall(HEAD % 100 + b'{"sent')
        for slow in slow_heads:
            slow.sendall(b"POST /tag HTT")
        body = json.dumps({"sentences": SENTENCES}).encode()
        for closing in half:
            closing.sendall(HEAD % len(body) + body)
            closing.shutdown(socket.SHUT_WR)
        quick = httpx.post(f"{server.url}/tag", json={"sentences": SENTENCES})
        assert quick.json()["tags"] == as_json(tagger, SENTENCES)
        for slow in slow_bodies:
            answer = slow.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"code":"body_timeout"' in answer + slow.recv(10_000)
        assert {slow.recv(10_000) for slow in slow_heads} == {b""}
        # Who says that nothing more will come is taken for one who has left, unless the answer was there already.
        assert all(got == b"" or got.startswith(b"HTTP/1.1 200 ") for got in (end.recv(10_000) for end in half))
        assert time.monotonic() - begun < 8
    assert httpx.get(f"{server.url}/readyz").status_code == 200


#: By version of the model: sentences that were sent, and their tags.
Seen = dict[str, list[tuple[list[str], Any]]]


def test_the_model_is_exchanged_under_load(tmp_path: Path) -> None:
    """On a server of its own, and begun anew however often it is repeated."""
    folder = tmp_path / "stance"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    with running(["serve", "http"], {"STANCE_MODEL": str(folder)}, ROOT) as server:
        seen = asyncio.run(exchanged(server, folder))
    assert set(seen) == {"1", "2", "3"}
    for version, answers in seen.items():
        # The first was saved with another seed than its version.
        network = tiny_network() if version == "1" else tiny_network(int(version))
        save(folder, network, tiny_tokenizer(), manifest(version=version), "# card\n")
        offline = Tagger.load(folder, "cpu")
        assert [tags for _, tags in answers] == each_as_json(offline, [sentences for sentences, _ in answers])


async def exchanged(server: Running, folder: Path) -> Seen:
    """What clients get while two models come after the first, and a broken one after these."""

    async def load(stop: asyncio.Event, seen: Seen) -> None:
        async with aiohttp.ClientSession(server.url) as session:
            while not stop.is_set():
                sentences = texts(time.monotonic_ns(), 3)
                async with session.post("/tag", json={"sentences": sentences}) as answer:
                    assert answer.status == 200
                    tags = (await answer.json())["tags"]
                (version,) = {tag["model"]["version"] for tag in tags}
                seen.setdefault(version, []).append((sentences, tags))

    stop = asyncio.Event()
    seen: Seen = {}
    clients = [asyncio.create_task(load(stop, seen)) for _ in range(4)]
    for version in ("2", "3"):
        await asyncio.to_thread(
            save, folder, tiny_network(int(version)), tiny_tokenizer(), manifest(version=version), "#"
        )
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(30):
            while version not in seen:
                await asyncio.sleep(0.05)
    (folder / "model.safetensors").write_bytes(b"broken")
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(30):
        while "is refused, the present one goes on" not in server.log.read_text():
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*clients)
    return seen


def of_the_readme(language: str, about: str) -> str:
    """The one block of code in `language` that has `about` in it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (found,) = [block for block in blocks if about in block]
    return str(found)


@pytest.mark.parametrize(
    ("about", "printed"), [("StanceClient", [r"\w+ .*", r"\{'accuses': .*"]), ("SyncHTTPClient", [r"\w+ 0\.\d+"])]
)
def test_the_readmes_examples_in_python_run(server: Running, about: str, printed: list[str]) -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        exec(of_the_readme("python", about).replace("http://127.0.0.1:3000", server.url), {})  # noqa: S102 - our own
    lines = output.getvalue().splitlines()
    assert len(lines) == len(printed)
    assert all(re.fullmatch(wanted, line) for wanted, line in zip(printed, lines, strict=True))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_readmes_examples_with_curl_run(tagger: Tagger, model_folder: Path) -> None:
    settings = {"STANCE_MODEL": str(model_folder), "STANCE_API_KEYS": "correct-horse-battery"}
    with running(["serve", "http"], settings, ROOT) as server:

        def told(about: str) -> Any:
            command = of_the_readme("sh", about).replace("http://127.0.0.1:3000", server.url)
            # The first one in the README is for a service without keys.
            command = command.replace(
                "curl -s http", "curl -s -H 'Authorization: Bearer correct-horse-battery' http", 1
            )
            return json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)  # noqa: S603, S607

        (tag,) = told("curl -s http://127.0.0.1:3000/tag")["tags"]
        sentence = "The dockers' union accused Norvex Shipping of hiding inspection reports."
        assert [tag] == as_json(tagger, [sentence])
        assert told("admin/reload")["model"] == tag["model"]


def test_bentomls_own_client_gets_the_same(server: Running, tagger: Tagger) -> None:
    import bentoml

    with bentoml.SyncHTTPClient(server.url) as client:
        found = client.tag({"sentences": SENTENCES})
    tags = found["tags"] if isinstance(found, dict) else [tag.model_dump(mode="json") for tag in found.tags]
    assert tags == as_json(tagger, SENTENCES)


def test_a_wrong_setting_keeps_it_from_starting(model_folder: Path) -> None:
    from subprocess import run

    for command in (["serve", "http"], ["bentoml", "serve", "serve.service:StanceService"]):
        environment = {**os.environ, "STANCE_QUEUE_TOKEN": "5", "STANCE_MODEL": str(model_folder)}
        ended = run([sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, timeout=60)  # noqa: S603
        assert ended.returncode == 2
        assert b"STANCE_QUEUE_TOKEN is no setting; did you mean STANCE_QUEUE_TOKENS?" in ended.stderr
        assert b"Traceback" not in ended.stderr
