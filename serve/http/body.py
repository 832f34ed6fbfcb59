"""Reading the body of a request: of one type, of bounded size, in bounded time."""

import asyncio
from collections.abc import Mapping

from serve.http.problems import JSON, Problem
from serve.http_errors import Receive


class ClientGone(Exception):  # noqa: N818 - it is no fault
    """The client closed the connection before its request was whole."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], most_bytes: int, most_seconds: float) -> bytes:
    """The whole body.

    Raises:
        Problem: it is not JSON, larger than `most_bytes`, or took longer than `most_seconds`.
        ClientGone: there is nobody left to answer.
    """
    if headers.get(b"content-type", JSON).split(b";")[0].strip().lower() != JSON:
        raise Problem(415, "unsupported_media_type", "the body must be application/json", closes=True)
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > most_bytes:
        raise _too_large(most_bytes)
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
    message = f"the body is larger than {most_bytes} bytes; send fewer sentences at a time"
    return Problem(413, "too_large", message, closes=True)
