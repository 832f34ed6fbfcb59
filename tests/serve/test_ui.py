"""The page's files, headers and reviews, in process."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from labels.review import Review, digest
from serve import reviews
from serve.http.settings import Settings
from serve.http_errors import Message, Receive, Scope, Send
from serve.ui import FOLDER, MAX_REVIEW_BYTES, Page, read_files
from tests.labels.test_review import TEXT, correction

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"inner {Request(scope).url.path}")(scope, receive, send)


def settings() -> Settings:
    """As a test has set the environment."""
    return Settings.from_environment(os.environ)


@pytest.fixture
def client() -> TestClient:
    return TestClient(Page(inner, settings), follow_redirects=False)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "reviews.jsonl"
    monkeypatch.setenv(reviews.VARIABLE, str(file))
    return file


@pytest.fixture(autouse=True)
def _kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(reviews.VARIABLE, raising=False)


def refusal(answer: Any) -> tuple[int, str, list[str]]:
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert answer.headers["content-security-policy"] == POLICY
    return answer.status_code, error["code"], [f"{field['path']}: {field['message']}" for field in error["fields"]]


def test_the_service_has_the_page_before_its_errors_are_rewritten() -> None:
    from serve.service import service

    assert [kind.__name__ for kind, _ in service.middlewares].index("Page") < [
        kind.__name__ for kind, _ in service.middlewares
    ].index("OneErrorShape")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/ui", "text/html; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/base.css", "text/css; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml"),
        ("/ui/settings.json", "application/json"),
    ],
)
def test_a_file_is_sent_with_strict_headers(client: TestClient, path: str, media_type: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(path)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(answer.content)))


def test_every_file_that_the_page_names_is_there_and_nothing_comes_from_elsewhere() -> None:
    files = read_files()
    named: set[str] = set()
    for path in FOLDER.iterdir():
        source = path.read_text(encoding="utf-8")
        named |= {f"/{name}" for name in re.findall(r'(?:src|href)="(ui/[^"]+)"', source)}
        named |= {f"/ui/{name}" for name in re.findall(r' from "\./([^"]+)"', source)}
        assert set(re.findall(r"https?://[^\s\"'<]+", source)) <= {"http://www.w3.org/2000/svg"}
    assert named == set(files) - {"/ui"}
    assert len(named) > 15


def test_no_markup_has_script_or_style_that_the_policy_would_refuse() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
    assert re.findall(r"<script[^>]*>([^<]+)</script>", page) == []


def test_what_is_not_of_the_page_is_passed_on_or_refused(client: TestClient) -> None:
    assert client.get("/uix").text == "inner /uix"
    assert client.get("/tag").text == "inner /tag"
    slash = client.get("/ui/")
    assert (slash.status_code, slash.headers["location"]) == (308, "../ui")
    for path in ("/ui/none.js", "/ui/index.html", "/ui/..%2fservice.py", "/ui/%2e%2e/ui.py"):
        assert refusal(client.get(path)) == (404, "not_found", [])
    other = client.post("/ui/app.js")
    assert (refusal(other), other.headers["allow"]) == ((405, "method_not_allowed", []), "GET, HEAD")
    other = client.get("/ui/reviews")
    assert (refusal(other), other.headers["allow"]) == ((405, "method_not_allowed", []), "POST")


def test_a_correction_is_appended(client: TestClient, kept: Path) -> None:
    assert client.get("/ui/settings.json").json() == {"reviews": True, "max_article_characters": 100_000}
    before = "what stood there before\n"
    kept.write_text(before)
    for label in ("accuses", "denies"):
        answer = client.post("/ui/reviews", json=correction(label=label))
        assert answer.status_code == 201
        assert answer.json()["sha256"] == digest(TEXT)
        assert answer.headers["cache-control"] == "no-store"
    first, *lines = kept.read_text(encoding="utf-8").splitlines()
    assert f"{first}\n" == before
    found = [Review.model_validate_json(line) for line in lines]
    assert [(review.label, review.was.label, review.reviewer) for review in found] == [
        ("accuses", "neutral", "Ada"),
        ("denies", "neutral", "Ada"),
    ]
    assert json.loads(lines[0])["roles"] == correction()["roles"]


def test_a_new_file_is_its_owners_alone(client: TestClient, kept: Path) -> None:
    assert client.post("/ui/reviews", json=correction()).status_code == 201
    assert kept.stat().st_mode & 0o077 == 0


def test_without_a_file_no_correction_is_taken(client: TestClient) -> None:
    assert client.get("/ui/settings.json").json()["reviews"] is False
    answer = client.post("/ui/reviews", json=correction())
    assert refusal(answer) == (403, "forbidden", [])
    assert "set STANCE_REVIEWS" in answer.json()["error"]["message"]


def test_a_bad_correction_is_refused_and_leaves_no_trace(client: TestClient, kept: Path) -> None:
    def post(body: bytes, media_type: str = "application/json") -> Any:
        return client.post("/ui/reviews", content=body, headers={"content-type": media_type})

    good = json.dumps(correction()).encode()
    bad = json.dumps(correction(roles=[{"role": "target", "start": 20, "end": 25}])).encode()
    assert refusal(post(bad)) == (422, "invalid", [": the target span [20, 25) cuts a word: 'Norve'"])
    assert refusal(post(b"{}"))[:2] == (422, "invalid")
    assert refusal(post(good[:-1])) == (400, "not_json", [])
    assert refusal(post(b"\xff")) == (400, "not_json", [])
    # Half of a character beyond the basic plane, which cannot be written as UTF-8.
    assert refusal(post(good.replace(b"accused", b"\\ud800"))) == (422, "invalid", [])
    assert refusal(post(good, "text/plain")) == (415, "unsupported_media_type", [])
    assert refusal(client.post("/ui/reviews", content=good)) == (415, "unsupported_media_type", [])
    assert refusal(post(b" " * (MAX_REVIEW_BYTES + 1))) == (413, "too_large", [])
    assert not kept.exists()


def test_a_correction_that_does_not_come_is_not_waited_for(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_BODY_SECONDS", "0.05")
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(2)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/ui/reviews", "headers": headers, "query_string": b""}
    asyncio.run(Page(inner, settings)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_file_that_cannot_be_written_is_said_without_its_name(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(reviews.VARIABLE, str(tmp_path / "none" / "reviews.jsonl"))
    answer = client.post("/ui/reviews", json=correction())
    assert refusal(answer) == (503, "not_kept", [])
    assert str(tmp_path) not in answer.text
    assert "none/reviews.jsonl, which STANCE_REVIEWS names: No such file or directory" in caplog.text


def test_a_write_that_was_cut_short_costs_no_other_correction(
    client: TestClient, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, line: whole(handle, line[:40]))
        assert refusal(client.post("/ui/reviews", json=correction())) == (503, "not_kept", [])
    assert kept.stat().st_size == 40
    for _ in range(2):
        assert client.post("/ui/reviews", json=correction()).status_code == 201
    _, *lines = kept.read_text(encoding="utf-8").splitlines()
    assert [Review.model_validate_json(line).label for line in lines] == [correction()["label"]] * 2


def test_a_full_file_is_not_appended_to(client: TestClient, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.reviews.MAX_FILE_BYTES", 1000)
    kept.write_bytes(b"x" * 990)
    assert refusal(client.post("/ui/reviews", json=correction())) == (503, "not_kept", [])
    assert kept.stat().st_size == 990
