"""Connections as `python -m serve http` keeps them, with a small application in this process."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from serve.errors import SettingsError
from serve.http.connection import BoundedConnection
from serve.http.run import configuration, run
from serve.http.settings import Settings
from serve.http_errors import Receive, Scope, Send
from serve.messages import ErrorResponse

#: More than a kernel takes for a client that reads nothing.
LARGE = 32 * 1024 * 1024
#: Takes a client that reads slowly longer than the server waits for one that does not.
SOME = 512 * 1024
#: Seconds that the server waits for headers, and for something to be read.
PATIENCE = 0.3
new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, a while after what is slow, or with the client's address, or with very much."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = (scope["client"][0] if scope["path"] == "/address" else scope["path"]).encode()
    if scope["path"].startswith("/size/"):
        body = b"a" * int(scope["path"].removeprefix("/size/"))
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def among_clients(
    talk: Callable[[Connection], Coroutine[Any, Any, None]], trusted_proxies: str = "", patience: float = PATIENCE
) -> None:
    """`talk` over a connection to a server that waits `patience` for headers."""
    settings = Settings.model_validate({"header_seconds": patience, "trusted_proxies": trusted_proxies})

    async def whole() -> None:
        config = configuration(application, "127.0.0.1", 0, settings)
        config.lifespan = "off"
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        listening = socket.create_server(("127.0.0.1", 0))
        # Handed down to connections: else the kernel would take whole answers at once.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        await server.startup(sockets=[listening])
        try:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            async with asyncio.timeout(10):
                await talk((reader, writer))
            writer.close()
        finally:
            await server.shutdown(sockets=[listening])

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(whole())


@pytest.fixture(autouse=True, params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of event loop, for they part what is written differently."""
    monkeypatch.setattr(sys.modules[__name__], "new_loop", request.param)
    monkeypatch.setattr(BoundedConnection, "reading_seconds", PATIENCE)


def test_a_second_head_that_never_ends_is_cut_off_though_it_came_with_the_first() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        begun = time.monotonic()
        writer.write(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nX-Name: ")
        answers = b""
        while True:
            try:
                async with asyncio.timeout(0.05):
                    some = await reader.read(10_000)
            except TimeoutError:
                writer.write(b"x")
                continue
            except ConnectionResetError:
                break
            if not some:
                break
            answers += some
        assert answers.endswith(b"/first")
        assert time.monotonic() - begun < 1

    among_clients(talk)


def test_many_heads_that_never_end_keep_nobody_waiting_and_are_cut_off() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        address = writer.get_extra_info("peername")
        slow = [await asyncio.open_connection(*address) for _ in range(200)]
        for _, waiting in slow:
            waiting.write(b"GET /never HTTP/1.1\r\nX-Name: ")
        writer.write(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"/first")
        assert not any(waiting.at_eof() for waiting, _ in slow), "the good one had to wait until they were gone"
        ends = await asyncio.gather(*(waiting.read() for waiting, _ in slow), return_exceptions=True)
        assert all(end == b"" or isinstance(end, ConnectionResetError) for end in ends)
        for _, waiting in slow:
            waiting.close()

    # Enough for a busy machine to open them all.
    among_clients(talk, patience=2)


def test_a_head_that_the_server_itself_does_not_read_yet_is_waited_for() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        writer.write(slow * 2 + b"GET /third HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"Host: a\r\n\r\n")
        assert (await reader.readuntil(b"/third")).count(b"200 OK") == 3

    among_clients(talk)


def test_the_end_of_a_body_is_not_counted_as_headers() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        size = 200_000
        writer.write(b"POST /first HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
        writer.write(b" " * size + b"GET /second HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"Host: a\r\n\r\n")
        assert (await reader.readuntil(b"/second")).count(b"200 OK") == 2

    among_clients(talk)


def test_headers_without_end_are_refused() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX-Name: ")
        await reader.readuntil(b"\r\n\r\n/")
        writer.write(b"x" * 70_000)
        answer = await reader.read(10_000)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"code":"not_http"' in answer

    among_clients(talk)


def test_what_is_no_http_is_refused_in_the_one_error_shape() -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        writer.write(b"good morning\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"content-length: %d" % len(body) in head
        assert ErrorResponse.model_validate_json(body).error.code == "not_http"

    among_clients(talk)


async def received(client: socket.socket, size: int = LARGE, pause: float = 0) -> int:
    """Bytes until the connection ends, or `size` are there."""
    loop = asyncio.get_running_loop()
    count = 0
    while count < size:
        try:
            some = await loop.sock_recv(client, 1_000_000)
        except ConnectionResetError:
            break
        if not some:
            break
        count += len(some)
        await asyncio.sleep(pause)
    return count


@contextmanager
def asking(writer: asyncio.StreamWriter, size: int, last: bool = False) -> Iterator[socket.socket]:
    """A connection to where `writer` has one, over which `size` bytes were asked for, perhaps as the last answer."""
    with socket.socket() as client:
        # Else the kernel would take much for a client that reads nothing.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(writer.get_extra_info("peername"))
        head = b"GET /size/%d HTTP/1.1\r\nHost: a\r\n%s\r\n" % (size, b"Connection: close\r\n" if last else b"")
        client.sendall(head)
        client.setblocking(False)
        yield client


def test_who_does_not_read_is_cut_off_and_who_reads_slowly_is_not() -> None:
    async def talk(connection: Connection) -> None:
        with asking(connection[1], LARGE) as idle, asking(connection[1], SOME) as slow:
            begun = time.monotonic()
            assert await received(slow, SOME, 0.01) >= SOME
            assert time.monotonic() - begun > 2 * PATIENCE, "it was not slow"
            # What the kernel had taken for it, and no more.
            assert await received(idle) < LARGE

    among_clients(talk)


def test_who_reads_may_send_the_next_request_meanwhile() -> None:
    async def talk(connection: Connection) -> None:
        with asking(connection[1], SOME) as slow:
            reading = asyncio.create_task(received(slow, SOME, 0.01))
            await asyncio.sleep(PATIENCE / 2)
            await asyncio.get_running_loop().sock_sendall(slow, b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await reading >= SOME

    among_clients(talk)


def test_the_end_of_the_last_answer_is_not_waited_for_for_ever() -> None:
    """It is short, and nobody tells the server that it is not read."""

    async def talk(connection: Connection) -> None:
        with asking(connection[1], LARGE) as idle:
            await asyncio.sleep(3 * PATIENCE)
            taken = await received(idle)
        size = taken + 30_000
        with asking(connection[1], size, last=True) as idle:
            await asyncio.sleep(3 * PATIENCE)
            assert 0 < await received(idle, size) < size

    among_clients(talk)


@pytest.mark.parametrize(("trusted", "address"), [("", b"127.0.0.1"), ("127.0.0.0/8", b"192.0.2.9")])
def test_an_address_is_taken_from_a_proxy_only_if_it_is_trusted(trusted: str, address: bytes) -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        writer.write(b"GET /address HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n")
        assert (await reader.readuntil(address)).startswith(b"HTTP/1.1 200 ")

    among_clients(talk, trusted)


def test_a_stopping_service_waits_as_long_as_a_request_may_take() -> None:
    settings = Settings(body_seconds=1.5, deadline_seconds=2)
    assert configuration(application, "127.0.0.1", 0, settings).timeout_graceful_shutdown == 4


def test_a_hangup_before_there_is_a_model_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGHUP)
    monkeypatch.setenv("STANCE_THREADS", "none")
    try:
        with pytest.raises(SettingsError, match="STANCE_THREADS"):
            run("127.0.0.1", 3000)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
