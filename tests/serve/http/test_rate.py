"""Sentences a minute, by a clock that is set."""

import pytest

from serve.http.rate import Rates


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
