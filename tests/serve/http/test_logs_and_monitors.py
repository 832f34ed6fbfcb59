"""What logs and monitors are told of requests: never a text."""

import errno
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@pytest.fixture
def monitored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that BentoML writes what it monitors to, as if this process had not monitored anything yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bentoml._internal.monitoring.api._MONITOR_INSTANCES", {})
    yield tmp_path / "monitoring" / "stance"
    for name in ("bentoml_monitor_data", "bentoml_monitor_schema"):
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)
            handler.close()


# BentoML's monitor uses an old name of the formatter's.
@pytest.mark.filterwarnings("ignore:pythonjsonlogger.jsonlogger has been moved:DeprecationWarning")
def test_the_files_of_monitoring_hold_labels_and_scores_and_no_piece_of_a_text(
    start: Start, monitored: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sentences = ["“Zyx Quokka accused Wolfram of hiding bones,” Zyx said.", "Quokka denies it."]
    client = start(monitor=True)
    tags = client.post("/tag", json={"sentences": sentences}).json()["tags"]
    tags += client.post("/tag_article", json={"text": " ".join(sentences)}).json()["sentences"]
    client.post("/tag_article", json={"text": " \n "})
    assert "duplicated" not in caplog.text
    assert "No data logged" not in caplog.text
    rows = [json.loads(line) for line in (monitored / "data" / "data.0.log").read_text().splitlines()]
    assert [(row["label"], row["score"]) for row in rows] == [(tag["label"], tag["score"]) for tag in tags]
    keys = {"label", "score", "characters", "timestamp", "request_id", "trace_id"}
    assert {key for row in rows for key in row} == keys
    written = [file.read_text().lower() for file in monitored.rglob("*") if file.is_file()]
    assert len(written) == 2
    for piece in ("zyx", "quokka", "wolfram", "hiding", "bones", "said"):
        assert not any(piece in content for content in written)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "It rained."), "OSError: No space left on device"),
        (ValueError("Unable to configure handler: It rained."), "ValueError: see BentoML's configuration"),
    ],
)
def test_tags_are_given_though_monitoring_fails(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    def failing(name: str) -> None:
        raise error

    monkeypatch.setattr("bentoml.monitor", failing)
    assert start(monitor=True).post("/tag", json={"sentences": ["It rained."]}).status_code == 200
    assert f"could not be monitored: {told}" in caplog.text
    assert "It rained." not in caplog.text
