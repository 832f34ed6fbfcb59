"""The client, against a service that does as it is told, and the README's example against a real one."""

import json
import time

import httpx
import pytest

from serve.client import ClientError, RefusedError, StanceClient, UnauthorizedError, UnavailableError
from serve.http.problems import Problem
from serve.tagger import Tagger
from tests.conftest import SENTENCES


def client(*answers: httpx.Response | Exception, deadline: float = 60.0) -> tuple[StanceClient, list[float]]:
    """One that gets `answers` one after the other, and the waits between them."""
    waits: list[float] = []
    coming = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        found = next(coming)
        if isinstance(found, Exception):
            raise found
        return found

    return StanceClient("http://desk.example/", "k" * 16, deadline, httpx.MockTransport(answer), waits.append), waits


def problem(status: int, retry_after: int | None = None) -> httpx.Response:
    reply = Problem(status, "code", "message", retry_after=retry_after).reply
    return httpx.Response(status, content=reply.body, headers=[(n.decode(), v.decode()) for n, v in reply.headers])


def good(tagger: Tagger) -> httpx.Response:
    return httpx.Response(
        200, json={"tags": [json.loads(record.model_dump_json()) for record in tagger.tag(SENTENCES)]}
    )


def test_it_waits_as_long_as_the_service_asks(tagger: Tagger) -> None:
    asking, waits = client(problem(429, 7), httpx.ConnectError("refused"), problem(503), good(tagger))
    assert asking.tag(SENTENCES) == tagger.tag(SENTENCES)
    assert waits == [7.0, 1.0, 1.0]


def test_what_cannot_be_sent_is_told_in_a_sentence() -> None:
    with pytest.raises(ClientError, match="a key is of printable ASCII characters"):
        StanceClient("http://desk.example", "ключ-достаточно-длинный")
    asking, waits = client()
    with pytest.raises(ClientError, match="half a character"):
        asking.tag(["\ud800"])
    assert waits == []


@pytest.mark.parametrize("given", ["²", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", ""])
def test_it_waits_a_second_where_it_does_not_understand_how_long(tagger: Tagger, given: str) -> None:
    later = httpx.Response(429, headers=[(b"Retry-After", given.encode())])
    asking, waits = client(later, good(tagger))
    asking.tag(SENTENCES)
    assert waits == [1.0]


def test_it_does_not_wait_beyond_its_deadline() -> None:
    asking, waits = client(problem(429, 7), deadline=5)
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^http://desk.example/tag did not answer in 5 s \(it answered 429\)"):
        asking.tag(["a"])
    assert (waits, time.monotonic() - begun < 1) == ([], True)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (problem(422), RefusedError, "422, code.: message"),
        (problem(500), ClientError, r"is at fault \(500\): message; its log says why"),
        (httpx.UnsupportedProtocol("no http://"), ClientError, r"desk.example/tag cannot be asked \(no http://\)"),
        (httpx.LocalProtocolError("Illegal header value"), ClientError, "cannot be asked"),
        (problem(401), UnauthorizedError, "wants a key"),
        (httpx.Response(404, text="<html>"), ClientError, "a form that this client does not know"),
        (httpx.Response(200, json={"tags": 7}), ClientError, "a form that this client does not know"),
    ],
)
def test_what_is_wrong_is_raised_at_once(
    answer: httpx.Response | Exception, kind: type[ClientError], message: str
) -> None:
    asking, waits = client(answer)
    with pytest.raises(kind, match=message) as error:
        asking.tag(["a"])
    assert (type(error.value), waits) == (kind, [])
