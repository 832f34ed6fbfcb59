"""Where the service listens, and that it says so when anyone may come in."""

import logging
import signal
import socket
from collections.abc import Iterator

import pytest
import uvicorn
from typer.testing import CliRunner

from serve.__main__ import app
from serve.http.listening import only_here, open_to_others, place, warn_if_open
from serve.http.run import run
from tests.serve.http.conftest import KEY, Start

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is warned of


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port that other machines reach."""
    with socket.create_server((EVERYWHERE, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def _not_really_served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`run` as it is but for the server, the log and the signal."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: None)
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelno) == ("bentoml.stance", logging.WARNING)
    ]


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        (EVERYWHERE, False),
        ("::", False),
        ("192.0.2.1", False),
        ("desk.example", False),
    ],
)
def test_only_this_machine_reaches_its_loopback_addresses(host: str, here: bool) -> None:
    assert only_here(host) is here


def test_a_port_is_open_to_others_unless_it_is_on_a_loopback_address(open_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = open_to_others()
    assert f"{EVERYWHERE}:{open_port}" in found
    assert not any(address.endswith(f":{port}") for address in found)


def test_a_warning_names_every_open_address_once_and_what_to_set(caplog: pytest.LogCaptureFixture) -> None:
    warn_if_open([])
    assert warnings(caplog) == []
    warn_if_open(["192.0.2.1:80", "192.0.2.2:81"])
    (warning,) = warnings(caplog)
    assert "192.0.2.1:80, 192.0.2.2:81" in warning
    assert "STANCE_API_KEYS" in warning


def test_a_service_on_an_open_socket_warns_unless_it_wants_keys(
    start: Start, open_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    start(api_keys=KEY)
    assert warnings(caplog) == []
    start()
    (warning,) = warnings(caplog)
    assert f"{EVERYWHERE}:{open_port}" in warning


@pytest.mark.usefixtures("_not_really_served")
@pytest.mark.parametrize(
    ("host", "keys", "warned"), [(EVERYWHERE, None, True), (EVERYWHERE, KEY, False), ("127.0.0.1", None, False)]
)
def test_serving_openly_without_keys_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, host: str, keys: str | None, warned: bool
) -> None:
    if keys is not None:
        monkeypatch.setenv("STANCE_API_KEYS", keys)
    run(host, 3000)
    assert [f"{EVERYWHERE}:3000" in warning for warning in warnings(caplog)] == [True] * warned


def test_unless_another_is_named_only_this_machine_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    from serve.service import service

    served: list[tuple[str, int]] = []
    monkeypatch.setattr("serve.http.run.run", lambda host, port: served.append((host, port)))
    assert CliRunner().invoke(app, ["http"]).exit_code == 0
    assert served == [("127.0.0.1", 3000)]
    assert service.config["http"]["host"] == "127.0.0.1"


def test_an_address_of_colons_is_put_in_brackets_before_the_port() -> None:
    assert [place(host, 3000) for host in ("::", "0.0.0.0", "desk")] == ["[::]:3000", "0.0.0.0:3000", "desk:3000"]  # noqa: S104 - only written
