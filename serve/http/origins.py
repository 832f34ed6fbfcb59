"""Which other sites' pages may call the service (CORS)."""

from collections.abc import Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware

from serve.http.problems import Problem, Reply
from serve.http_errors import Message, Receive, Scope, Send

#: What starlette says of a body of its own, which is not sent, and what `told` says of every answer.
_NOT_KEPT = frozenset({b"content-length", b"content-type", b"vary"})


class Origins:
    """Starlette's rules, with refusals in the one error shape."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Let the pages of `origins` call; none if it is empty."""
        self._rules: CORSMiddleware | None = None
        if origins:
            self._rules = CORSMiddleware(
                _nothing,
                allow_origins=origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
                expose_headers=["Retry-After", "X-Request-ID"],
            )

    def told(self, scope: Scope, send: Send) -> Send:
        """`send`, which also tells the browser whether the page may read the answer."""
        if self._rules is None:
            return send
        headers = Headers(scope=scope)
        if "origin" in headers:
            return partial(self._rules.send, send=send, request_headers=headers)
        return partial(_varying, send)

    def asked(self, scope: Scope) -> Reply | None:
        """The answer to a browser that asks before it sends a page's request; None if this is none."""
        headers = Headers(scope=scope)
        asks = scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
        if self._rules is None or not asks:
            return None
        found = self._rules.preflight_response(headers)
        kept = tuple((name, value) for name, value in found.raw_headers if name not in _NOT_KEPT)
        if found.status_code == 200:
            return Reply(200, b"", headers=kept)
        message = "this page may not do that; STANCE_CORS_ORIGINS names those that may call, by GET and POST"
        return Problem(403, "origin_refused", message, headers=kept).reply


async def _varying(send: Send, message: Message) -> None:
    """Send `message`; a cache must not give the answer to a page, for it lacks what a page's has."""
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message.get("headers", ()), (b"vary", b"Origin")]}
    await send(message)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands where the middleware has an application; it is only asked for its rules."""
