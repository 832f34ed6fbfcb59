"""The line that the log begins with."""

import logging
from pathlib import Path

import pytest

from serve.http.information import first_line
from serve.http.served import Served
from serve.http.settings import Settings
from tests.serve.http.conftest import KEY, Start


def test_the_first_line_tells_workers_threads_backend_queue_and_keys(model_folder: Path) -> None:
    settings = Settings(device="cpu", threads=3, batch_tokens=512, queue_tokens=4_096, queue_seconds=2.5)
    assert first_line(Served.load(model_folder, settings), settings) == (
        "1 worker, 3 threads, torch on cpu; 512 tokens a batch, 4096 tokens or 2.5 s of work in the queue; no keys"
    )


@pytest.mark.parametrize("settings", [Settings(api_keys=(KEY,)), Settings(api_keys_file=Path("keys"))])
def test_the_first_line_tells_that_keys_are_wanted_and_a_model_is_not_there(settings: Settings) -> None:
    line = first_line(None, settings)
    assert ", no model; " in line
    assert line.endswith("; keys wanted")
    assert KEY not in line


def test_the_first_line_is_logged_once_the_model_is_there(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    start(device="cpu", threads=3, api_keys=KEY)
    (line,) = (record.getMessage() for record in caplog.records if record.getMessage().startswith("1 worker"))
    assert line.startswith("1 worker, 3 threads, torch on cpu; ")
    assert line.endswith("; keys wanted")
