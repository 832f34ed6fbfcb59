"""A service in this process, set up as a test wants it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

Start = Callable[..., TestClient]


@pytest.fixture
def start(model_folder: Path) -> Iterator[Start]:
    """Starts a service with settings by name, of the tiny model unless another is named."""
    from serve.service import service

    with ExitStack() as stack:

        def started(**settings: object) -> TestClient:
            names = {
                f"STANCE_{name.upper()}": str(value) for name, value in ({"model": model_folder} | settings).items()
            }
            # Read once, when the service starts.
            os.environ.update(names)
            try:
                return stack.enter_context(TestClient(service.to_asgi(), client=("192.0.2.7", 50_000)))
            finally:
                for name in names:
                    del os.environ[name]

        yield started
