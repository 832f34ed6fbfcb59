"""The BentoML service in this process, so that signals reach it and headers have a time limit."""

import asyncio
import logging.config
import math
import os
import signal
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serve.http.keys import Keys
from serve.http.listening import only_here, warn_if_open
from serve.http.settings import Settings
from serve.http_errors import Application

#: Bytes of headers; more is no browser's and no program's of good will.
_MOST_HEADER_BYTES: Final = 65_536

_LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"bentoml.stance": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


class BoundedHeaders(HttpToolsProtocol):
    """Cuts a connection off whose headers come too slowly, or are too many; uvicorn itself waits for ever."""

    seconds = 10.0
    """Longest that headers may take."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first headers."""
        super().connection_made(transport)
        self._header_bytes = 0
        self._awaited = True
        self._mixed = False
        self._patience = self.loop.call_later(self.seconds, self._cut_off)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the end of the headers."""
        if not self._awaited and self.cycle is not None and self.cycle.response_complete:
            # The next request of a connection that is kept, or empty lines before it, which begin no message.
            self._await_headers()
        self._mixed = False
        super().data_received(data)
        if self._awaited and not self._mixed:
            self._header_bytes += len(data)
            if self._header_bytes > _MOST_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        """Begin to wait for the headers of this request, which may have been sent before the last was answered."""
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        """Stop waiting."""
        self._awaited = False
        self._mixed = True
        self._patience.cancel()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Do not take the end of a body for the next headers, which may have come with it."""
        self._mixed = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        self._awaited = True
        self._header_bytes = 0
        self._wait()

    def _wait(self) -> None:
        self._patience.cancel()
        self._patience = self.loop.call_later(self.seconds, self._cut_off)

    def _cut_off(self) -> None:
        if not self._awaited or self.transport.is_closing():
            return
        if self.flow.read_paused:
            # It is we who do not read, for requests before this one wait to be answered.
            self._wait()
        else:
            # At once: a client that reads nothing would keep it open until it had been sent all.
            self.transport.abort()


def run(host: str, port: int) -> None:
    """Serve on `host` and `port` until a signal says to stop; what was accepted is finished first.

    Raises:
        SettingsError: the settings cannot be used; the message names every fault.
    """
    # Until a model is there to be loaded anew; by default the signal would kill the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = Settings.from_environment(os.environ)
    keys = Keys(settings.api_keys, settings.api_keys_file)
    # Imported only now, for it takes seconds, and a misspelt setting should not have to wait for it.
    from serve.service import service

    logging.config.dictConfig(_LOGGING)
    # Told before the socket is open; the service itself looks for sockets that it was given.
    if not keys.required and not only_here(host):
        warn_if_open([f"{host}:{port}"])
    uvicorn.Server(configuration(service.to_asgi(), host, port, settings)).run()


def configuration(app: Application, host: str, port: int, settings: Settings) -> uvicorn.Config:
    """How `app` is served on `host` and `port`."""
    BoundedHeaders.seconds = settings.header_seconds
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHeaders,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        # By default whoever is on this machine may give himself any address.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        # As long as a request may take that was accepted, and no longer.
        timeout_graceful_shutdown=math.ceil(settings.body_seconds + settings.deadline_seconds),
    )
