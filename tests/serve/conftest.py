"""A browser, and a server with the page in front of a stub that answers as the service would."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.requests import Request
from starlette.responses import Response

from serve.article import count_labels, pairs, tag_article
from serve.http.settings import Settings
from serve.http_errors import Application, Receive, Scope, Send
from serve.messages import ArticleRequest, ArticleResponse
from serve.reviews import VARIABLE
from serve.tagger import Tagger
from serve.ui import Page as PageMiddleware
from tests.serve.page_article import article

CHROMIUM: Final = shutil.which("chromium")

_ARGUMENTS: Final = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

OpenPage = Callable[..., Page]


def stub(tagger: Tagger) -> Application:
    """Answers the invented article as a good model would, and any other text by the tiny random one."""
    text, answer = article()

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        asked = ArticleRequest.model_validate_json(await Request(scope, receive).body())
        found = answer
        if asked.text != text:
            sentences = tag_article(tagger, asked.text)
            found = ArticleResponse(sentences=sentences, counts=count_labels(sentences), pairs=pairs(sentences))
        await Response(found.model_dump_json(), media_type="application/json")(scope, receive, send)

    return answered


@pytest.fixture(scope="module")
def page_server(tagger: Tagger) -> Iterator[str]:
    """Its address. It runs in this process, so that a test can set its environment."""
    app = PageMiddleware(stub(tagger), lambda: Settings.from_environment(os.environ))
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server has not started"
        time.sleep(0.02)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; `apt-get install chromium` brings it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The review file of the server, while this fixture is used."""
    file = tmp_path / "reviews.jsonl"
    monkeypatch.setenv(VARIABLE, str(file))
    return file


@pytest.fixture
def open_page(browser: Browser, page_server: str) -> Iterator[OpenPage]:
    """Opens the page. At the end nothing may have gone to another origin or wrong in a script or by the policy."""
    asked: list[str] = []
    wrong: list[str] = []
    contexts = []

    def opened(
        server: str = page_server, tolerated: str | tuple[str, ...] = "Failed to load resource", **options: object
    ) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url.removeprefix(server)))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # A request that failed is told here, too; those that should not fail are seen by what the page shows.
        page.on("console", lambda told: wrong.append(told.text) if not told.text.startswith(tolerated) else None)
        with page.expect_response("**/ui/settings.json"):
            page.goto(f"{server}/ui")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("/", "blob:"))] == []


def tag(page: Page, text: str | None = None) -> None:
    """Put the invented article, or `text`, into the field and have it tagged."""
    page.fill("#text", article()[0] if text is None else text)
    page.click("#submit")
    page.wait_for_selector("#article .sentence")


def refuse(page: Page, status: int, message: str = "as it is", **headers: str) -> None:
    """Let the page's requests for tags be answered with an error."""
    body = json.dumps({"error": {"code": "refused", "message": message, "fields": []}})
    page.route(
        "**/tag_article",
        lambda route: route.fulfill(status=status, body=body, headers={"Content-Type": "application/json", **headers}),
    )
