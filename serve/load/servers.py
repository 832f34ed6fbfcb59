"""Starting a server for a measurement or a test, and stopping it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from labels.errors import UserError
from serve.http.settings import PREFIX

#: Seconds until a server must be ready.
_PATIENCE: Final = 180


class ServerError(UserError):
    """A server could not be started."""


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    module: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    ready: str = "/readyz",
    port: int | None = None,
    python: str = sys.executable,
) -> Iterator[Running]:
    """`python -m` with `module` and a port, until the block is left.

    Args:
        module: the module and its arguments; `--host` and `--port` are added.
        environment: variables besides this process's, of which no setting is handed on.
        folder: where to run it.
        ready: the path that answers with 200 once the server may be asked.
        port: where it listens; a free one if None.
        python: the interpreter; this one, if no other is named.

    Raises:
        ServerError: it ended, or was not ready in time.
    """
    port = free_port() if port is None else port
    url = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [python, "-m", *module, "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder,
                env=inherited | {"BENTOML_DO_NOT_TRACK": "True"} | dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _await(url + ready, process, log)
            yield Running(url, process, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=90)
            finally:
                process.kill()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise ServerError(f"the server is not ready at {url}; its log ends with\n{tail}")
        time.sleep(0.1)
