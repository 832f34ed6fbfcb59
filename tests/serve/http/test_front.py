"""What the front answers, in process."""

import asyncio
import errno
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from labels.scheme import STANCES
from serve.answers import Answer
from serve.encode import Encoding
from serve.http.body import Room
from serve.http.scheduler import Overloaded, Scheduler
from serve.http_errors import Message, Receive, Scope, Send
from serve.messages import Info
from serve.prediction import Prediction
from serve.reference import Reference, stability
from serve.tagger import Tagger
from serve.ui import Page
from serve.weights import save
from tests.conftest import SENTENCES, manifest, tiny_network, tiny_tokenizer
from tests.labels.test_review import correction
from tests.serve.http.conftest import Start

KEY = "correct-horse-battery"
GOOD = {"Authorization": f"Bearer {KEY}"}


def test_answers_are_those_of_the_tagger_repeated_or_not(start: Start, tagger: Tagger) -> None:
    client = start()
    expected = [json.loads(record.model_dump_json()) for record in tagger.tag(SENTENCES * 2)]
    for _ in range(2):
        assert client.post("/tag", json={"sentences": SENTENCES * 2}).json()["tags"] == expected
    text = client.get("/metrics").text
    assert "stance_sentences_total 20.0" in text
    assert "stance_sentences_known_total 15.0" in text


def test_without_a_good_key_nothing_is_tagged(start: Start) -> None:
    client = start(api_keys=f"{KEY},another-key-of-some-length")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
        for answer in (
            client.post("/tag", json={"sentences": ["a"]}, headers=headers),
            client.get("/info", headers=headers),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/readyz").status_code == 200
    for key in (KEY, "another-key-of-some-length"):
        answer = client.post("/tag", json={"sentences": ["a"]}, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200


def test_a_file_of_keys_is_read_again_when_it_changes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("serve.http.keys._LOOK_EVERY", 0.0)
    file = tmp_path / "keys"
    file.write_text(f"# for the desk\n{KEY}\n")
    client = start(api_keys_file=file)

    def status() -> int:
        return client.post("/tag", json={"sentences": ["a"]}, headers=GOOD).status_code

    assert status() == 200
    file.write_text("")
    assert status() == 200, "a file without keys locks nobody out"
    assert "the keys stay as they are" in caplog.text
    file.write_text("a-key-that-is-another\n")
    assert status() == 401


def test_more_sentences_than_a_minute_allows_are_put_off(start: Start) -> None:
    client = start(sentences_per_minute=6)
    assert client.post("/tag", json={"sentences": ["a", "b", "c", "d"]}).status_code == 200
    answer = client.post("/tag", json={"sentences": ["a", "b", "c", "d"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert 15 <= int(answer.headers["retry-after"]) <= 20
    assert client.post("/tag", json={"sentences": ["a"]}).status_code == 200


def test_what_finds_no_room_in_the_queue_is_not_counted_as_sent(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> list[Answer]:
        raise Overloaded(3)

    client = start(sentences_per_minute=2)
    with monkeypatch.context() as patched:
        patched.setattr(Scheduler, "compute", full)
        for _ in range(3):
            answer = client.post("/tag", json={"sentences": ["a", "b"]})
            assert (answer.json()["error"]["code"], answer.headers["retry-after"]) == ("overloaded", "3")
    assert client.post("/tag", json={"sentences": ["a", "b"]}).status_code == 200


def test_a_full_house_says_so_before_it_reads_the_body(start: Start) -> None:
    client = start(max_requests=1, queue_tokens=1)
    client.app._inside = 1  # type: ignore[attr-defined]
    answer = client.post("/tag", content=b"not read", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert client.get("/livez").status_code == 200


def test_bodies_have_room_for_so_many_bytes_together(start: Start) -> None:
    client = start(max_bytes_inside=1_000, max_body_bytes=5_000)
    room = client.app._room  # type: ignore[attr-defined]

    def post(size: int) -> Any:
        return client.post("/tag", json={"sentences": ["a" * size]})

    with room.taken(900):
        answer = post(200)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
        # Nothing is announced, so it may be as large as any.
        chunked = client.post("/tag", content=iter([b'{"sentences":["a"]}']))
        assert chunked.status_code == 429
        assert post(10).status_code == 200
    assert post(200).status_code == 200
    assert post(1_500).status_code == 200, "one body that is larger than the room may come alone"
    assert room.bytes == 0


def test_a_body_takes_the_room_that_it_needs_once_it_is_read() -> None:
    room = Room(100)
    with room.taken(90) as keep:
        keep(10)
        with room.taken(90):
            assert room.bytes == 100
    assert room.bytes == 0


def test_a_request_that_takes_too_long_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start(deadline_seconds=0.05)
    whole = Tagger.compute

    def slow(tagger: Tagger, encodings: Sequence[Encoding]) -> list[Answer]:
        time.sleep(0.2)
        return whole(tagger, encodings)

    monkeypatch.setattr(Tagger, "compute", slow)
    answer = client.post("/tag", json={"sentences": ["It rained."]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


def sent_to(client: TestClient, receive: Receive) -> list[Message]:
    """What the application sends to a client of `/tag` from which `receive` comes."""
    sent: list[Message] = []

    async def ask() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {"type": "http", "method": "POST", "path": "/tag", "headers": [], "client": None}
        await client.app(scope, receive, send)

    assert client.portal is not None
    client.portal.call(ask)
    return sent


def test_what_a_client_no_longer_waits_for_is_given_up(start: Start) -> None:
    client = start()
    body = json.dumps({"sentences": SENTENCES}).encode()
    messages: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    assert sent_to(client, receive) == []
    text = client.get("/metrics").text
    assert 'stance_requests_total{path="/tag",status="499"} 1.0' in text
    assert "stance_queue_tokens 0.0" in text


def test_a_body_that_does_not_come_is_not_waited_for(start: Start) -> None:
    async def receive() -> Message:
        await asyncio.sleep(1)
        return {"type": "http.disconnect"}

    head, _ = sent_to(start(body_seconds=0.05), receive)
    assert head["status"] == 408
    assert (b"connection", b"close") in head["headers"]


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


def test_the_page_keeps_corrections_where_the_settings_say(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    assert start(reviews=file).post("/ui/reviews", json=correction()).status_code == 201
    assert len(file.read_text().splitlines()) == 1


def test_tags_are_given_though_monitoring_fails(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(name: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "It rained.")

    monkeypatch.setattr("bentoml.monitor", full)
    assert start(monitor=True).post("/tag", json={"sentences": ["It rained."]}).status_code == 200
    assert "could not be monitored: OSError: No space left on device" in caplog.text
    assert "It rained." not in caplog.text


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


def test_nobody_may_change_the_model_where_there_are_no_keys(start: Start) -> None:
    answer = start().post("/admin/reload")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_the_model_is_changed_for_a_good_one_only(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    client = start(api_keys=KEY, model=folder)
    assert client.post("/admin/reload").status_code == 401

    def version() -> str:
        tags = client.post("/tag", json={"sentences": ["It rained."]}, headers=GOOD).json()["tags"]
        return str(tags[0]["model"]["version"])

    save(folder, tiny_network(seed=1), tiny_tokenizer(), manifest(version="2"), "# card\n")
    assert version() == "1"
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["model"]["version"]) == (200, "2")
    assert version() == "2"
    (folder / "model.safetensors").write_bytes(b"broken")
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "model_refused")
    assert "damaged" in answer.json()["error"]["message"]
    assert version() == "2"
    assert client.get("/readyz").status_code == 200


def test_the_metrics_tell_what_was_answered_and_how_far_it_is_from_development(
    start: Start, tmp_path: Path, tagger: Tagger
) -> None:
    folder = tmp_path / "model"
    reference = Reference.of(tagger.predict(SENTENCES))
    save(folder, tiny_network(), tiny_tokenizer(), manifest(reference=reference), "# card\n")
    client = start(model=folder, drift_sentences=len(SENTENCES))
    client.post("/tag", json={"sentences": ["A sentence to be forgotten."]})
    client.post("/tag", json={"sentences": SENTENCES})
    client.post("/tag", json={"sentences": []})
    client.get("/a-secret-path")
    text = client.get("/metrics").text
    for line in (
        'stance_requests_total{path="/tag",status="200"} 2.0',
        'stance_requests_total{path="/tag",status="422"} 1.0',
        'stance_requests_total{path="other",status="404"} 1.0',
        "stance_sentences_total 6.0",
        "stance_queue_tokens 0.0",
        f"stance_drift_sentences {len(SENTENCES):.1f}",
        'stance_drift_stability{of="label"} 0.0',
        'stance_drift_stability{of="score"} 0.0',
        'stance_model_info{digest="',
        "stance_request_seconds_count",
        "stance_batch_fill_count",
        "stance_queue_seconds_count 6.0",
    ):
        assert line in text
    labels = [prediction.label for prediction in tagger.predict([*SENTENCES, "A sentence to be forgotten."])]
    for label in set(labels):
        assert f'stance_tags_total{{label="{label}"}} {labels.count(label):.1f}' in text
    assert "secret" not in text


def test_the_stability_index_grows_with_the_distance() -> None:
    assert stability([0.5, 0.5], [0.5, 0.5]) == 0
    assert stability([0.5, 0.5], [0.6, 0.4]) == pytest.approx(0.0405, abs=1e-3)
    assert 1 < stability([0.5, 0.5], [1.0, 0.0]) < 10


def test_the_reference_parts_scores_into_tenths() -> None:
    scores = [0.4 + n / 250 for n in range(100)]
    predictions = [Prediction(STANCES[n % 2], (score, 1 - score, 0.0, 0.0)) for n, score in enumerate(scores)]
    reference = Reference.of([p for p in predictions if p.scores[0] > 0.5])
    assert reference.score_shares == pytest.approx([0.1] * 10, abs=0.03)
    assert sum(reference.label_shares.values()) == pytest.approx(1)


def test_information_tells_the_model_and_the_limits(start: Start, tagger: Tagger) -> None:
    info = Info.model_validate(start(threads=1).get("/info").json())
    assert (info.model, info.temperature, info.abstain_below) == (tagger.info, 1.3, 0.4)
    assert (info.runs_as, info.threads, info.limits.sentences) == ("torch on cpu", 1, 256)


def test_every_answer_carries_headers_for_safety_and_an_id(start: Start) -> None:
    client = start()
    for path in ("/livez", "/nope", "/schema.json"):
        headers = client.get(path, headers={"x-request-id": "desk-7"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"] == "desk-7"
        assert "access-control-allow-origin" not in headers
    assert client.get("/livez", headers={"x-request-id": "a\tb"}).headers["x-request-id"] != "a\tb"


def test_pages_of_other_origins_may_call_only_if_they_are_named(start: Start) -> None:
    client = start(cors_origins="https://desk.example")
    assert client.get("/livez", headers={"Origin": "https://desk.example"}).headers["access-control-allow-origin"]
    assert (
        "access-control-allow-origin" not in client.get("/livez", headers={"Origin": "https://other.example"}).headers
    )


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


def test_a_wrong_method_is_told_the_right_one(start: Start) -> None:
    client = start()
    answer = client.delete("/tag")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.head("/livez").content == b""
