"""The BentoML service in this process, so that signals reach it and slow clients have a time limit."""

import logging.config
import math
import os
import signal
from typing import Final

import uvicorn

from serve.http.connection import BoundedConnection
from serve.http.keys import Keys
from serve.http.listening import only_here, place, warn_if_open
from serve.http.settings import Settings
from serve.http_errors import Application

_LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"bentoml.stance": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


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
        warn_if_open([place(host, port)])
    uvicorn.Server(configuration(service.to_asgi(), host, port, settings)).run()


def configuration(app: Application, host: str, port: int, settings: Settings) -> uvicorn.Config:
    """How `app` is served on `host` and `port`."""
    BoundedConnection.seconds = settings.header_seconds
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedConnection,
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
