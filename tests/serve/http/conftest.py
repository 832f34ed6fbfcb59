"""A service in this process, set up as a test wants it, and what all tests of services share."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve.tagger import Tagger
from tests.conftest import SENTENCES

Start = Callable[..., TestClient]

KEY = "correct-horse-battery"
GOOD = {"Authorization": f"Bearer {KEY}"}


def texts(number: int, count: int) -> list[str]:
    """Sentences of request `number`, like no other's."""
    return [f"{SENTENCES[n % len(SENTENCES)]} Part {number} of {n}." for n in range(count)]


def as_json(tagger: Tagger, sentences: list[str]) -> Any:
    """What the service is to answer."""
    return [json.loads(record.model_dump_json()) for record in tagger.tag(sentences)]


def each_as_json(tagger: Tagger, requests: Sequence[list[str]]) -> list[Any]:
    """What the service is to answer to each of `requests`; computed together, which is faster and changes nothing."""
    answers = iter(as_json(tagger, [sentence for request in requests for sentence in request]))
    return [list(islice(answers, len(request))) for request in requests]


@contextmanager
def started_service(**settings: object) -> Iterator[TestClient]:
    """A service with `settings` by name."""
    from serve.service import service

    names = {f"STANCE_{name.upper()}": str(value) for name, value in settings.items()}
    # Read once, when the service starts.
    os.environ.update(names)
    with ExitStack() as stack:
        try:
            client = stack.enter_context(TestClient(service.to_asgi(), client=("192.0.2.7", 50_000)))
        finally:
            for name in names:
                del os.environ[name]
        yield client


@pytest.fixture
def start(model_folder: Path) -> Iterator[Start]:
    """Starts a service of the tiny model, unless another is named."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(started_service(**{"model": model_folder, **settings}))
