"""Sentences a minute, by a clock that is set, and whose they are."""

import pytest
from starlette.testclient import TestClient

from serve.http.rate import Rates
from tests.serve.http.conftest import KEY, Start

OTHER_KEY = "another-key-of-some-length"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_given_back_may_be_sent_again_but_is_no_more_than_a_minutes() -> None:
    rates = Rates(60, Clock())
    assert rates.wait("desk", 60) is None
    assert rates.wait("desk", 10) == 10
    rates.give_back("desk", 60)
    assert rates.wait("desk", 60) is None
    rates.give_back("desk", 100)
    assert rates.wait("desk", 60) is None
    assert rates.wait("desk", 1) == 1


def test_whose_bucket_is_full_again_is_forgotten_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.http.rate._MOST_CLIENTS", 3)
    clock = Clock()
    rates = Rates(60, clock)
    # So far overdrawn that a minute is not enough, just overdrawn, and hardly used.
    for client, sentences in (("far", 200), ("near", 61), ("light", 1)):
        assert rates.wait(client, sentences) is None
    clock.now = 65.0
    assert rates.wait("new", 1) is None
    assert set(rates._buckets) == {"far", "new"}
    assert rates.wait("far", 60) == 135


def at_another_address(client: TestClient) -> TestClient:
    """A client of the same service."""
    other = TestClient(client.app, client=("192.0.2.8", 50_000))
    other.portal = client.portal
    return other


def statuses(*asked: tuple[TestClient, str | None]) -> list[int]:
    """What a sentence of each client, sent with a key, is answered with."""
    return [
        client.post(
            "/tag",
            json={"sentences": ["It rained."]},
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
        ).status_code
        for client, key in asked
    ]


def test_with_keys_it_is_the_key_that_has_an_allowance_and_not_the_address(start: Start) -> None:
    here = start(sentences_per_minute=1, api_keys=f"{KEY},{OTHER_KEY}")
    there = at_another_address(here)
    assert statuses((here, KEY), (here, OTHER_KEY), (there, KEY), (there, OTHER_KEY)) == [200, 200, 429, 429]


def test_without_keys_it_is_the_address_whatever_key_is_sent(start: Start) -> None:
    here = start(sentences_per_minute=1)
    there = at_another_address(here)
    assert statuses((here, None), (there, None), (here, KEY), (there, OTHER_KEY)) == [200, 200, 429, 429]
