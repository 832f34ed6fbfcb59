"""Passing a request on to an application whose faults are not to reach the client or the log with a text in them."""

import asyncio
import logging

from serve.http.problems import Problem
from serve.http_errors import Application, Message, Receive, Scope, Send, told_without_text

_log = logging.getLogger("bentoml.stance")


class Guarded:
    """ASGI middleware by which no fault gets out; BentoML's own would wait a minute for an answer after one."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer in the place of what fails."""
        if scope["type"] == "http":
            await pass_on(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def pass_on(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Let `app` answer; if it fails instead, answer with 500 in the one error shape, unless it had begun to answer."""
    held: list[Message] = []
    begun = False

    async def checked(message: Message) -> None:
        nonlocal begun
        # Starlette answers with a text of its own before it raises what went wrong.
        if held or (message["type"] == "http.response.start" and message["status"] == 500):
            held.append(message)
        else:
            begun = True
            await send(message)

    task = asyncio.ensure_future(app(scope, receive, checked))
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    failure = task.exception()
    if failure is None:
        for message in held:
            await send(message)
        return
    # Without the path, which may be anything.
    _log.error("Exception on another path: %s", told_without_text(type(failure), failure.__traceback__))
    if not begun:
        reply = Problem(500, "internal", "the request could not be answered").reply
        headers = [(b"content-type", reply.media_type), (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
