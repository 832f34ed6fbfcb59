"""One error shape for what BentoML itself refuses, and no text of a request in any log."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Final

from serve.messages import ErrorDetail, ErrorResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_CODES: Final = {404: "not_found", 405: "method_not_allowed", 503: "not_ready"}
_MESSAGES: Final = {
    404: "there is no such path; POST to /tag or /tag_article",
    405: "this path takes another method; POST to /tag or /tag_article",
    503: "the service is not ready: no usable model is loaded; its log says why",
}


class OneErrorShape:
    """ASGI middleware around BentoML's application: the paths that `serve.http.front` leaves to it."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and rewrite the answer if it is an error."""
        await self._app(scope, receive, _Rewriter(send) if scope["type"] == "http" else send)


class _Rewriter:
    """Passes a good answer through and puts our body in the place of an error's."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 200

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        if self._status < 400:
            await self._send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._refuse()

    async def _refuse(self) -> None:
        code = _CODES.get(self._status, "invalid" if self._status < 500 else "internal")
        told = _MESSAGES.get(self._status, "the request could not be answered")
        body = ErrorResponse(error=ErrorDetail(code=code, message=told)).model_dump_json().encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": self._status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


def told_without_text(kind: type[BaseException], trace: TracebackType | None) -> str:
    """An exception by its type and place, for its message may hold what a client sent."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown place"
    return f"{kind.__name__} at {place}"


class WithoutText(logging.Filter):
    """Keeps requests' text out of the log: exceptions are logged by their type and place, without their message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip `record` of its exception."""
        if record.exc_info and record.exc_info[0] is not None:
            record.msg = f"{record.getMessage()}: {told_without_text(record.exc_info[0], record.exc_info[2])}"
            record.args = ()
            record.exc_info = None
        return True
