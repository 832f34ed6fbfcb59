"""Connections as `python -m serve http` keeps them, with a small application in this process."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn

from serve.http.run import BoundedHeaders
from serve.http_errors import Receive, Scope, Send

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, a while after what is slow."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = scope["path"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def among_clients(talk: Callable[[Connection], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """`talk` over a connection to a server that waits 0.2 s for headers."""
    monkeypatch.setattr(BoundedHeaders, "seconds", 0.2)

    async def whole() -> None:
        config = uvicorn.Config(application, port=0, http=BoundedHeaders, lifespan="off", ws="none", log_config=None)
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


def test_a_second_head_that_never_ends_is_cut_off_though_it_came_with_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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

    among_clients(talk, monkeypatch)


def test_a_head_that_the_server_itself_does_not_read_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        writer.write(slow * 2 + b"GET /third HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"Host: a\r\n\r\n")
        assert (await reader.readuntil(b"/third")).count(b"200 OK") == 3

    among_clients(talk, monkeypatch)


def test_the_end_of_a_body_is_not_counted_as_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        size = 200_000
        writer.write(b"POST /first HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
        writer.write(b" " * size + b"GET /second HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"Host: a\r\n\r\n")
        assert (await reader.readuntil(b"/second")).count(b"200 OK") == 2

    among_clients(talk, monkeypatch)


def test_headers_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(connection: Connection) -> None:
        reader, writer = connection
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX-Name: ")
        await reader.readuntil(b"\r\n\r\n/")
        writer.write(b"x" * 70_000)
        assert (await reader.read(10_000)).startswith(b"HTTP/1.1 400 ")

    among_clients(talk, monkeypatch)
