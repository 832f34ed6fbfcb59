"""The application that stands before BentoML's: it answers what matters itself and passes the rest on.

BentoML pays for tracing, forms and schemas on every request, some four milliseconds, and here none of it is done.
BentoML's methods call the same desk, so an answer is the same whichever way it takes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from labels.errors import UserError
from serve.http.body import ClientGone, Room, announced, read_body
from serve.http.desk import Desk
from serve.http.information import information
from serve.http.origins import Origins
from serve.http.outgoing import Outgoing
from serve.http.passing_on import pass_on
from serve.http.problems import Problem, Reply, invalid
from serve.http_errors import Application, Receive, Scope, Send, told_without_text
from serve.messages import ArticleRequest, ArticleResponse, Reloaded, TagRequest, TagResponse

_log = logging.getLogger("bentoml.stance")

Request = TypeVar("Request", bound=BaseModel)
Headers = dict[bytes, bytes]
#: Answers one request, given its headers and whose it is.
Handler = Callable[[Headers, str, Receive], Awaitable[Reply]]

#: What anyone may ask without a key.
_OPEN: Final = frozenset({"/livez", "/readyz"})
_PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"


class Front:
    """ASGI application around `app`."""

    def __init__(self, app: Application, desk: Callable[[], Desk], openapi: Callable[[], bytes]) -> None:
        """Stand before `app`; `desk` is asked for when the service is started, `openapi` when someone reads it."""
        self._app = app
        self._find_desk = desk
        self._desk: Desk
        self._openapi = openapi
        self._inside = 0
        self._room: Room
        self._origins: Origins
        self._routes: dict[str, tuple[str, Handler]] = {
            "/tag": ("POST", self._tag),
            "/tag_article": ("POST", self._tag_article),
            "/admin/reload": ("POST", self._reload),
            "/livez": ("GET", self._livez),
            "/readyz": ("GET", self._readyz),
            "/metrics": ("GET", self._metrics),
            "/info": ("GET", self._info),
            "/openapi.json": ("GET", self._describe),
            "/docs.json": ("GET", self._describe),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, partial(self._started, send))
        elif scope["type"] == "http":
            await self._enter(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _started(self, send: Send, message: Any) -> None:
        if message["type"] == "lifespan.startup.complete":
            self._desk = self._find_desk()
            self._room = Room(self._desk.settings.max_bytes_inside)
            self._origins = Origins(self._desk.settings.cors_origins)
        await send(message)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        desk = self._desk
        headers: Headers = dict(scope["headers"])
        outgoing = Outgoing(self._origins.told(scope, send), headers, scope["method"])
        known = self._routes.get(scope["path"])
        self._inside += 1
        try:
            reply = self._origins.asked(scope) or await self._reply(desk, known, scope, headers, receive)
            if reply is not None:
                await outgoing.reply(reply)
            elif known is None:
                await pass_on(self._app, scope, receive, outgoing)
        finally:
            self._inside -= 1
            seconds = time.perf_counter() - begun
            # A path that is not ours may be anything, and so is no label and not for the log.
            path = scope["path"] if known is not None else "other"
            desk.measures.request(path, outgoing.status, seconds)
            if desk.settings.request_log:
                line = "%s %s %d, %d sentences, %.1f ms, id %s"
                counted = (outgoing.status, outgoing.sentences, seconds * 1000, outgoing.request_id)
                _log.info(line, scope["method"] if known is not None else "-", path, *counted)

    async def _reply(
        self, desk: Desk, known: tuple[str, Handler] | None, scope: Scope, headers: Headers, receive: Receive
    ) -> Reply | None:
        """The answer, or None if BentoML is to give it, or if there is nobody left to take it."""
        try:
            client = self._admit(desk, scope, headers)
            if known is None:
                return None
            method, handler = known
            _check_method(scope["method"], method)
            return await self._caught(scope["path"], handler(headers, client, receive))
        except Problem as problem:
            return problem.reply
        except ClientGone:
            return None

    def _admit(self, desk: Desk, scope: Scope, headers: Headers) -> str:
        """Whose request it is.

        Raises:
            Problem: nobody's who may ask, or there are too many.
        """
        path, address = scope["path"], scope["client"][0] if scope["client"] else "local"
        if path in _OPEN:
            return address
        if self._inside > desk.settings.max_requests:
            raise Problem(429, "overloaded", "too many requests at a time; send it again", retry_after=1, closes=True)
        guarded = scope["method"] not in ("GET", "HEAD", "OPTIONS") or path in ("/metrics", "/info")
        if not desk.keys.required:
            if path == "/admin/reload":
                raise Problem(403, "forbidden", "set STANCE_API_KEYS to be able to do this over HTTP", closes=True)
            return address
        name = desk.keys.name_of(headers.get(b"authorization", b""))
        if name is None and guarded:
            challenge = ((b"www-authenticate", b"Bearer"),)
            message = "send one of the service's keys as `Authorization: Bearer KEY`"
            raise Problem(401, "unauthorized", message, headers=challenge, closes=True)
        return name or address

    async def _caught(self, path: str, work: Awaitable[Reply]) -> Reply:
        """What comes of `work`; a fault of ours is logged without a client's text and answered with 500."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        failure = task.exception()
        if failure is None or isinstance(failure, Problem | ClientGone):
            return task.result()
        _log.error("Exception on %s: %s", path, told_without_text(type(failure), failure.__traceback__))
        raise Problem(500, "internal", "the request could not be answered")

    async def _tag(self, headers: Headers, client: str, receive: Receive) -> Reply:
        desk = self._desk

        async def work(body: bytes) -> Reply:
            response: TagResponse = await desk.tag(await _parsed(desk, TagRequest, body), client)
            return Reply(200, await _written(desk, response, len(body)), sentences=len(response.tags))

        return await self._tagged(desk, headers, receive, work)

    async def _tag_article(self, headers: Headers, client: str, receive: Receive) -> Reply:
        desk = self._desk

        async def work(body: bytes) -> Reply:
            response: ArticleResponse = await desk.tag_article(await _parsed(desk, ArticleRequest, body), client)
            return Reply(200, await _written(desk, response, len(body)), sentences=len(response.sentences))

        return await self._tagged(desk, headers, receive, work)

    async def _tagged(
        self, desk: Desk, headers: Headers, receive: Receive, work: Callable[[bytes], Coroutine[Any, Any, Reply]]
    ) -> Reply:
        settings = desk.settings
        with self._room.taken(announced(headers, settings.max_body_bytes)) as keep:
            body = await read_body(receive, headers, settings.max_body_bytes, settings.body_seconds)
            keep(len(body))
            try:
                async with asyncio.timeout(settings.deadline_seconds):
                    return await _unless_gone(work(body), receive)
            except TimeoutError:
                message = "the request took longer than the service allows; send less at a time"
                raise Problem(504, "timeout", message) from None

    async def _reload(self, headers: Headers, client: str, receive: Receive) -> Reply:
        try:
            model = await self._desk.change_model()
        except UserError as error:
            raise Problem(409, "model_refused", f"the present model goes on: {error}") from error
        return _model(Reloaded(model=model))

    async def _livez(self, headers: Headers, client: str, receive: Receive) -> Reply:
        return Reply(200, b'{"status":"alive"}')

    async def _readyz(self, headers: Headers, client: str, receive: Receive) -> Reply:
        _ = self._desk.ready
        return Reply(200, b'{"status":"ready"}')

    async def _metrics(self, headers: Headers, client: str, receive: Receive) -> Reply:
        return Reply(200, self._desk.measures.text(), _PROMETHEUS)

    async def _info(self, headers: Headers, client: str, receive: Receive) -> Reply:
        desk = self._desk
        return _model(information(desk.ready, desk.settings))

    async def _describe(self, headers: Headers, client: str, receive: Receive) -> Reply:
        return Reply(200, self._openapi())


def _check_method(method: str, taken: str) -> None:
    if method != taken and (method, taken) != ("HEAD", "GET"):
        allow = ((b"allow", taken.encode()),)
        raise Problem(405, "method_not_allowed", f"this path takes {taken}", headers=allow)


async def _parsed(desk: Desk, kind: type[Request], body: bytes) -> Request:
    try:
        return await desk.aside(len(body), lambda: kind.model_validate_json(body))
    except ValidationError as error:
        raise invalid(error, body) from None


async def _written(desk: Desk, response: BaseModel, size: int) -> bytes:
    return await desk.aside(size, lambda: response.model_dump_json().encode())


def _model(found: BaseModel) -> Reply:
    return Reply(200, found.model_dump_json().encode())


async def _unless_gone(work: Coroutine[Any, Any, Reply], receive: Receive) -> Reply:
    """What comes of `work`, which is given up if the client closes the connection.

    Raises:
        ClientGone: it did.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
