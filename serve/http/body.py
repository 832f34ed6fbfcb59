"""Reading the body of a request: of one type, of bounded size alone and together, in bounded time."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from serve.http.problems import JSON, Problem
from serve.http_errors import Receive


class ClientGone(Exception):  # noqa: N818 - it is no fault
    """The client closed the connection before its request was whole."""


class Room:
    """An account of the bytes of all bodies that are being received or worked on."""

    def __init__(self, most_bytes: int) -> None:
        """Have room for `most_bytes`, or for one body that is larger."""
        self._most_bytes = most_bytes
        self.bytes = 0
        """That are taken at the moment."""

    @contextmanager
    def taken(self, count: int) -> Iterator[Callable[[int], None]]:
        """Take room for `count` bytes while the block runs, which may tell how many they really are.

        Raises:
            Problem: there is not so much.
        """
        if self.bytes and self.bytes + count > self._most_bytes:
            message = "too many bytes are being received already; send it again"
            raise Problem(429, "overloaded", message, retry_after=1, closes=True)
        held = count
        self.bytes += held

        def keep(really: int) -> None:
            nonlocal held
            self.bytes += really - held
            held = really

        try:
            yield keep
        finally:
            self.bytes -= held


def announced(headers: Mapping[bytes, bytes], most_bytes: int) -> int:
    """How many bytes the body is said to have, `most_bytes` if nothing is said.

    Raises:
        Problem: more than `most_bytes`.
    """
    length = headers.get(b"content-length")
    if length is None:
        return most_bytes
    if not length.isdigit() or int(length) > most_bytes:
        raise _too_large(most_bytes)
    return int(length)


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], most_bytes: int, most_seconds: float) -> bytes:
    """The whole body.

    Raises:
        Problem: it is not JSON, larger than `most_bytes`, or took longer than `most_seconds`.
        ClientGone: there is nobody left to answer.
    """
    if headers.get(b"content-type", JSON).split(b";")[0].strip().lower() != JSON:
        raise Problem(415, "unsupported_media_type", "the body must be application/json", closes=True)
    announced(headers, most_bytes)
    try:
        async with asyncio.timeout(most_seconds):
            return await _read(receive, most_bytes)
    except TimeoutError:
        message = f"the body was not whole after {most_seconds:g} seconds; send it faster"
        raise Problem(408, "body_timeout", message, closes=True) from None


async def _read(receive: Receive, most_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(most_bytes: int) -> Problem:
    message = f"the body is larger than {most_bytes} bytes; send less at a time"
    return Problem(413, "too_large", message, closes=True)
