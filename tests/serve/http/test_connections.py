"""Connections as `python -m serve http` keeps them, with a small application in this process."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn

from serve.errors import SettingsError
from serve.http.run import configuration, run
from serve.http.settings import Settings
from serve.http_errors import Receive, Scope, Send
from serve.messages import ErrorResponse

#: More than a kernel takes for a client that reads nothing.
LARGE = 32 * 1024 * 1024
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, a while after what is slow, or with the client's address, or with very much."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = (scope["client"][0] if scope["path"] == "/address" else scope["path"]).encode()
    if scope["path"] == "/large":
        body = b"a" * LARGE
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def among_clients(talk: Callable[[Connection], Coroutine[Any, Any, None]], trusted_proxies: str = "") -> None:
    """`talk` over a connection to a server that waits 0.2 s for headers."""
    settings = Settings.model_validate({"header_seconds": 0.2, "trusted_proxies": trusted_proxies})

    async def whole() -> None:
        config = configuration(application, "127.0.0.1", 0, settings)
        config.lifespan = "off"
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            host, port = server.servers[0].sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            async with asyncio.timeout(4):
                await talk((reader, writer))
            writer.close()
        finally:
            await server.shutdown()

    asyncio.run(whole())


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

    among_clients(talk)


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


def test_who_does_not_read_is_cut_off_and_who_reads_slowly_is_not() -> None:
    async def received(client: socket.socket, pause: float) -> int:
        """Bytes until the connection ends, or all are there."""
        loop = asyncio.get_running_loop()
        count = 0
        while count < LARGE:
            try:
                some = await loop.sock_recv(client, 1_000_000)
            except ConnectionResetError:
                break
            if not some:
                break
            count += len(some)
            await asyncio.sleep(pause)
        return count

    async def talk(connection: Connection) -> None:
        address = connection[1].get_extra_info("peername")
        with socket.create_connection(address) as idle, socket.create_connection(address) as slow:
            for one in (idle, slow):
                one.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                one.setblocking(False)
            begun = time.monotonic()
            assert await received(slow, 0.02) >= LARGE
            assert time.monotonic() - begun > 0.5, "it was not slow"
            # What the kernel had taken for it, and no more.
            assert await received(idle, 0) < LARGE

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
