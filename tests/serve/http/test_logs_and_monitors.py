"""What logs and monitors are told of requests: never a text."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from serve.http_errors import Receive, Scope, Send
from serve.ui import Page
from tests.serve.http.conftest import Start


def test_requests_are_logged_without_text_if_it_is_wanted(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = start(request_log=True)
    client.post("/tag", json={"sentences": ["The secret-name left.", "It rained."]}, headers={"x-request-id": "desk-7"})
    client.get("/secret-name")
    lines = [record.getMessage() for record in caplog.records if "ms, id" in record.getMessage()]
    assert [line.split(",")[:2] for line in lines] == [
        ["POST /tag 200", " 2 sentences"],
        ["- other 404", " 0 sentences"],
    ]
    assert lines[0].endswith("id desk-7")
    # The client of this test logs too.
    assert not any("secret-name" in record.getMessage() for record in caplog.records if "bentoml" in record.name)


@pytest.mark.parametrize("begun", [False, True])
def test_a_fault_of_what_the_front_passes_on_to_is_told_without_its_message(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    async def broken(page: Page, scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ArithmeticError("a secret-name")

    client = start()
    monkeypatch.setattr(Page, "__call__", broken)
    if not begun:
        answer = client.get("/ui")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    else:
        # An answer that has begun and does not end; the server closes its connection.
        assert client.get("/ui").status_code == 200
    assert "Exception on another path: ArithmeticError at " in caplog.text
    assert "secret-name" not in caplog.text


def test_monitoring_is_told_label_score_and_length_and_no_text(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, list[object]] = {}

    class Monitor:
        def log_batch(self, values: list[object], name: str, role: str, kind: str) -> None:
            told.setdefault(name, []).extend(values)

    @contextmanager
    def monitor(name: str) -> Iterator[Monitor]:
        yield Monitor()

    monkeypatch.setattr("bentoml.monitor", monitor)
    start().post("/tag", json={"sentences": ["It rained."]})
    assert told == {}
    tags = start(monitor=True).post("/tag", json={"sentences": ["It rained.", "No."]}).json()["tags"]
    assert told == {
        "label": [tag["label"] for tag in tags],
        "score": [tag["score"] for tag in tags],
        "characters": [10, 3],
    }


def test_tags_are_given_though_monitoring_fails(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(name: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "It rained.")

    monkeypatch.setattr("bentoml.monitor", full)
    assert start(monitor=True).post("/tag", json={"sentences": ["It rained."]}).status_code == 200
    assert "could not be monitored: OSError: No space left on device" in caplog.text
    assert "It rained." not in caplog.text
