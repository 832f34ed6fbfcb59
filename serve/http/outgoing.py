"""What every answer carries, whoever gave it: an id of the request and headers for safety."""

import re
import secrets
from collections.abc import Mapping
from typing import Final

from serve.http.problems import Reply
from serve.http_errors import Message, Send

#: Ids of a client's own that may be repeated in the log.
_PLAIN: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
#: Answers of ours are data for programs, of no use to a browser and not for its cache.
_OURS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Outgoing:
    """Sends one answer, and remembers what it was."""

    def __init__(self, send: Send, headers: Mapping[bytes, bytes], method: str) -> None:
        """Answer a request of `method` and `headers` by `send`."""
        self._send = send
        self._bodiless = method == "HEAD"
        given = headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if _PLAIN.fullmatch(given) else secrets.token_hex(8)
        """The client's, if it is a plain one."""
        self.status = 499
        """499, as nginx has it, if the client was gone before there was an answer."""
        self.sentences = 0

    async def reply(self, reply: Reply) -> None:
        """Send an answer of ours."""
        self.sentences = reply.sentences
        length = str(len(reply.body)).encode()
        headers = [(b"content-type", reply.media_type), (b"content-length", length), *reply.headers, *_OURS]
        await self({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self({"type": "http.response.body", "body": b"" if self._bodiless else reply.body})

    async def __call__(self, message: Message) -> None:
        """Send a message of an answer, with what its head lacks."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in _EVERYWHERE if name not in there]
            headers.append((b"x-request-id", self.request_id.encode()))
            message = {**message, "headers": headers}
        await self._send(message)
