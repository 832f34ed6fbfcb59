"""One error shape for every failed request, and no text of a request in any log.

BentoML answers a failed validation with 400 and a shape of its own, and logs it with a traceback that holds the input.
This middleware stands before it: it refuses what is too large or not JSON, and rewrites BentoML's error bodies.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from pydantic import ValidationError

from serve.messages import ErrorDetail, ErrorResponse, FieldError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: More than the longest valid request in its most wasteful JSON (twelve bytes a character beyond the basic plane).
MAX_BODY_BYTES: Final = 8 * 1024 * 1024

#: How BentoML names the requests when it says what failed validation.
REQUESTS: Final = ("TagRequestIODescriptor", "ArticleRequestIODescriptor")

#: Longest that a request may take; BentoML's own limit, which answers in another shape, is set above it.
TIMEOUT_SECONDS: Final = 60

_CODES: Final = {404: "not_found", 405: "method_not_allowed", 503: "not_ready"}
_MESSAGES: Final = {
    404: "there is no such path; POST to /tag or /tag_article",
    405: "this path takes another method; POST to /tag or /tag_article",
    503: "the service is not ready: no usable model is loaded; its log says why",
    504: "the request took longer than the service allows; send less at a time",
}


class OneErrorShape:
    """ASGI middleware around BentoML's application."""

    def __init__(self, app: Application, paths: frozenset[str]) -> None:
        self._app = app
        #: Those whose body is JSON.
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its body may be read, and rewrite the answer if it is an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rewriter = _Rewriter(send)
        if scope["path"] in self._paths and scope["method"] == "POST":
            headers = dict(scope["headers"])
            media_type = headers.get(b"content-type", b"application/json").split(b";")[0].strip().lower()
            if media_type != b"application/json":
                await _answer(send, 415, "unsupported_media_type", "the body must be application/json")
                return
            body = await _read_body(receive)
            if body is None:
                limit = f"the body is larger than {MAX_BODY_BYTES} bytes; send fewer sentences at a time"
                await _answer(send, 413, "too_large", limit)
                return
            receive = _replay(body, receive)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._app(scope, receive, rewriter)
        except TimeoutError:
            if not rewriter.started:
                await _answer(send, 504, "timeout", _MESSAGES[504])


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None if it is too large; the rest of a large one is not kept."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


class _Rewriter:
    """Passes a good answer through and holds back an error's body until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self._status = 200
        self._body = b""

    async def __call__(self, message: Message) -> None:
        self.started = True
        if message["type"] == "http.response.start":
            self._status = message["status"]
        if self._status < 400:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                status, detail = _translate(self._status, self._body)
                await _send_error(self._send, status, detail)


def _translate(status: int, body: bytes) -> tuple[int, ErrorDetail]:
    """BentoML's error as ours; its body is trusted only for the list of a failed validation."""
    try:
        failure = json.loads(body) if status == 400 else {}
        problems = failure.get("detail", [])
    except (ValueError, AttributeError):
        failure, problems = {}, []
    if problems and not failure["error"].endswith(REQUESTS):
        # A validation that failed within the service is its own fault, whatever BentoML makes of it.
        return 500, ErrorDetail(code="internal", message="the request could not be answered")
    if any(problem["type"] == "json_invalid" for problem in problems):
        return 400, ErrorDetail(code="not_json", message=f"the body is not JSON: {problems[0]['msg']}")
    if problems:
        fields = [FieldError(path=".".join(map(str, p["loc"])), message=p["msg"]) for p in problems]
        return 422, ErrorDetail(code="invalid", message=f"{len(fields)} fields are not valid", fields=fields)
    code = _CODES.get(status, "invalid" if status < 500 else "internal")
    return status, ErrorDetail(code=code, message=_MESSAGES.get(status, "the request could not be answered"))


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    await _send_error(send, status, ErrorDetail(code=code, message=message))


async def _send_error(send: Send, status: int, detail: ErrorDetail) -> None:
    body = ErrorResponse(error=detail).model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class WithoutText(logging.Filter):
    """Keeps requests' text out of the log: exceptions are logged by their type and place, without their message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip `record` of its exception; a client's mistake is not logged at all."""
        if record.exc_info and record.exc_info[0] is not None:
            kind, exception, trace = record.exc_info
            if isinstance(exception, ValidationError) and exception.title.endswith(REQUESTS):
                return False
            last = trace
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else "unknown place"
            record.msg = f"{record.getMessage()}: {kind.__name__} at {place}"
            record.args = ()
            record.exc_info = None
        return True
