"""Bounds on rates, requests, bytes and time, and requests that nobody waits for."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve.answers import Answer
from serve.encode import Encoding
from serve.http.body import Room
from serve.http.scheduler import Overloaded, Scheduler
from serve.http_errors import Message, Receive, Scope
from serve.messages import ErrorResponse
from serve.tagger import Tagger
from tests.conftest import SENTENCES
from tests.serve.http.conftest import Start


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


def test_an_article_that_finds_no_room_is_not_split(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def full(_: Scheduler, tokens: int, client: str) -> None:
        asked.append((tokens, client))
        raise Overloaded(3)

    client = start(sentences_per_minute=2)
    with monkeypatch.context() as patched:
        patched.setattr(Scheduler, "check_room", full)
        patched.setattr("serve.http.desk.split_sentences", lambda text: pytest.fail("it was split"))
        answer = client.post("/tag_article", json={"text": "It rained. " * 8})
        assert (answer.json()["error"]["code"], answer.headers["retry-after"]) == ("overloaded", "3")
    assert asked == [(11, "192.0.2.7")]
    assert client.post("/tag_article", json={"text": "It rained. It snowed."}).status_code == 200


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


@pytest.mark.parametrize(("too_many", "status"), [(0, 200), (1, 413)])
def test_a_body_that_announces_no_length_is_read_as_far_as_is_allowed(start: Start, too_many: int, status: int) -> None:
    body = b'{"sentences":["It rained."]}'
    client = start(max_body_bytes=len(body) - too_many)
    # After the fault, more would come.
    rest = [b"", b" ", b" "] if too_many else [b""]
    pieces = [body[:10], body[10:], *rest]

    async def receive() -> Message:
        if not pieces:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    head, answer = sent_to(client, receive)
    assert head["status"] == status
    if too_many:
        assert ErrorResponse.model_validate_json(answer["body"]).error.code == "too_large"
        assert (b"connection", b"close") in head["headers"]
        assert pieces == rest, "what is too much is not read"
    assert client.app._room.bytes == 0  # type: ignore[attr-defined]
