"""The page at /ui: its files, its settings, and the corrections that it sends.

An ASGI middleware that answers everything below /ui and passes the rest on. It stands outside `OneErrorShape`, whose
rewriting is for BentoML's errors, and answers in the same shape itself.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labels.review import Correction
from serve.http.body import ClientGone, read_body
from serve.http.problems import Problem, invalid
from serve.http.settings import Settings
from serve.http_errors import Application, Receive, Scope, Send
from serve.messages import MAX_ARTICLE_CHARACTERS
from serve.reviews import VARIABLE, ReviewsError, append

FOLDER: Final = Path(__file__).parent / "page"
ROOT: Final = "/ui"

#: When to send a correction again that could not be kept, for the disk is full or the like.
_RETRY_SECONDS: Final = 30
#: More than the largest valid correction in its most wasteful JSON.
MAX_REVIEW_BYTES: Final = 128 * 1024

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: Nothing is loaded or sent but from and to the page's own origin, and no script or style stands in the markup.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class PageFile:
    """A file of the page, ready to be sent."""

    media_type: str
    content: bytes
    etag: str

    @classmethod
    def read(cls, path: Path) -> "PageFile":
        """The file at `path`, whose ending names its media type."""
        content = path.read_bytes()
        return cls(_MEDIA_TYPES[path.suffix], content, f'"{sha256(content).hexdigest()[:32]}"')


def read_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """The page's files by the path under which they are asked for; nothing else of the disk can be."""
    files = {
        f"{ROOT}/{path.name}": PageFile.read(path) for path in sorted(folder.iterdir()) if path.suffix in _MEDIA_TYPES
    }
    files[ROOT] = files.pop(f"{ROOT}/index.html")
    return files


class Page:
    """ASGI middleware around the service's application."""

    def __init__(self, app: Application, settings: Callable[[], Settings]) -> None:
        """Stand before `app`; `settings` are asked for with each request that needs them."""
        self._app = app
        self._settings = settings
        self._files: Mapping[str, PageFile] = read_files()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is asked of the page, and pass everything else on."""
        if scope["type"] != "http" or not (scope["path"] == ROOT or scope["path"].startswith(f"{ROOT}/")):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request, request.url.path)
        except Problem as problem:
            response = _refusal(problem)
        except ClientGone:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Response:
        """What the page is asked for.

        Raises:
            Problem: there is no such thing, or a correction is not taken.
            ClientGone: there is nobody left to answer.
        """
        if path == f"{ROOT}/reviews":
            if request.method != "POST":
                raise _other_method("POST")
            return await _review(request, self._settings())
        if path == f"{ROOT}/":
            # Relative, for a proxy may have put the service below a path of its own.
            return Response(status_code=308, headers={**SECURITY_HEADERS, "Location": "../ui"})
        file = _settings_file(self._settings()) if path == f"{ROOT}/settings.json" else self._files.get(path)
        if file is None:
            raise Problem(404, "not_found", f"the page has no such file; open {ROOT}")
        if request.method not in {"GET", "HEAD"}:
            raise _other_method("GET, HEAD")
        # Asked about each time, so that page and service are always of one version.
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache", "ETag": file.etag}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        # Starlette sends the content of a HEAD too, unless it is told its length alone.
        content = file.content if request.method == "GET" else b""
        headers["Content-Length"] = str(len(file.content))
        return Response(content, headers=headers, media_type=file.media_type)


def _settings_file(settings: Settings) -> PageFile:
    """What the page must know of the service."""
    known = {"reviews": settings.reviews is not None, "max_article_characters": MAX_ARTICLE_CHARACTERS}
    content = json.dumps(known).encode()
    return PageFile("application/json", content, f'"{sha256(content).hexdigest()[:32]}"')


async def _review(request: Request, settings: Settings) -> Response:
    if settings.reviews is None:
        message = f"no corrections are kept here; set {VARIABLE} to a file that shall hold them"
        raise Problem(403, "forbidden", message, closes=True)
    headers = dict(request.scope["headers"])
    # A form of another site cannot send this type, and a script of one not without being asked about.
    if b"content-type" not in headers:
        raise Problem(415, "unsupported_media_type", "the body must be application/json", closes=True)
    body = await read_body(request.receive, headers, MAX_REVIEW_BYTES, settings.body_seconds)
    try:
        correction = Correction.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error, body) from None
    try:
        review = await run_in_threadpool(append, settings.reviews, correction)
    except ReviewsError as error:
        raise Problem(503, "not_kept", str(error), retry_after=_RETRY_SECONDS) from error
    kept = json.dumps({"time": review.time.isoformat(), "sha256": review.sha256}).encode()
    return Response(kept, 201, {**SECURITY_HEADERS, "Cache-Control": "no-store"}, "application/json")


def _other_method(allowed: str) -> Problem:
    message = f"this path takes {allowed}"
    return Problem(405, "method_not_allowed", message, headers=((b"allow", allowed.encode()),))


def _refusal(problem: Problem) -> Response:
    reply = problem.reply
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    headers |= {**SECURITY_HEADERS, "Cache-Control": "no-store"}
    return Response(reply.body, reply.status, headers, "application/json")
