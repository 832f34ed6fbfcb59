"""The settings of the service, read from `STANCE_*` environment variables; every fault is told at once."""

import difflib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from serve.cores import available_cores
from serve.errors import SettingsError

PREFIX: Final = "STANCE_"
#: Shorter keys could be guessed.
SHORTEST_KEY: Final = 16


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _network(value: str) -> str:
    ipaddress.ip_network(value)
    return value


def _sendable(key: str) -> str:
    if not sendable(key):
        raise ValueError("a key is of printable ASCII characters without spaces, for it is sent in a header")
    return key


def sendable(key: str) -> bool:
    """Whether `key` can be sent in a header as it is."""
    return key.isascii() and key.isprintable() and " " not in key


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Key = Annotated[str, Field(min_length=SHORTEST_KEY), AfterValidator(_sendable)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_listed)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseModel):
    """What can be set, each as `STANCE_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: Path | None = None
    """Folder of the model to serve, instead of the newest in BentoML's store."""
    device: str = "auto"
    """auto, cpu or cuda."""
    backend: str = "auto"
    """auto, torch, onnx, onnx-int8 or openvino-int8."""
    threads: Annotated[int, Field(ge=1)] = Field(default_factory=available_cores)
    """Cores that compute."""
    cascade: bool = False
    """Whether the linear model may answer what it is sure is neutral."""

    queue_tokens: Annotated[int, Field(ge=1)] = 65_536
    """Tokens that may wait; beyond that, 429."""
    queue_seconds: Seconds = 0.8
    """Longest that the queue may be, judged by the speed so far; beyond that, 429."""
    batch_tokens: Annotated[int, Field(ge=1)] = 1_024
    """Tokens computed at a time, padding included."""
    deadline_seconds: Seconds = 60.0
    """Longest that a request may take once its body is read; beyond that, 504."""
    max_requests: Annotated[int, Field(ge=1)] = 512
    """Requests in the house at a time; beyond that, 429 before the body is read."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 8 * 1024 * 1024
    """Largest body; the default holds the longest valid request in its most wasteful JSON."""
    max_bytes_inside: Annotated[int, Field(ge=1)] = 256 * 1024 * 1024
    """Bytes of all bodies in the house, by what their heads announce; beyond that, 429 before the body is read."""
    body_seconds: Seconds = 10.0
    """Longest that a client may take to send a body; beyond that, 408."""
    header_seconds: Seconds = 10.0
    """Longest that a client may take to send the headers; then it is cut off (`python -m serve http` alone)."""

    api_keys: Keys = ()
    """Keys that clients must send one of as `Authorization: Bearer KEY`, parted by commas."""
    api_keys_file: Path | None = None
    """More keys, one a line; read again when the file changes."""
    sentences_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Sentences that one key, or one address where there are no keys, may send in a minute."""
    cors_origins: Listed = ()
    """Origins whose pages may call the service, parted by commas."""

    trusted_proxies: Networks = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed (`python -m serve http` alone)."""

    reviews: Path | None = None
    """File that corrections from the page are appended to; `serve.reviews` reads it."""
    request_log: bool = False
    """Whether each request is logged: method, path, status, sentences, milliseconds and id, never text."""
    monitor: bool = False
    """Whether `bentoml.monitor` writes label, score and length of every sentence to its files, never text."""
    drift_sentences: Annotated[int, Field(ge=1)] = 10_000
    """How many of the last sentences are held against those of the development split."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every `STANCE_` variable of `environment`.

        Raises:
            SettingsError: some are unknown, empty or not valid; the message names them all.
        """
        found = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if _ours(name)}
        faults = [_unknown(name) for name in sorted(found) if name not in cls.model_fields]
        faults += [f"{variable(name)} is empty; leave it out instead" for name in sorted(found) if _blank(found[name])]
        known = {name: value for name, value in found.items() if not _blank(value) and name in cls.model_fields}
        try:
            settings = cls.model_validate(known)
        except ValidationError as error:
            # Without the value, for it may be a key.
            faults += [f"{variable(str(p['loc'][0])) if p['loc'] else PREFIX}: {p['msg']}" for p in error.errors()]
        if faults:
            raise SettingsError("\n".join(faults))
        return settings


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _ours(name: str) -> bool:
    return name.startswith(PREFIX)


def _blank(value: str) -> bool:
    # A list of nothing would otherwise be taken for none, and a service that was to have keys be open to all.
    return not value.replace(",", "").strip()


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    advice = f"did you mean {variable(close[0])}?" if close else "README.md lists those that there are"
    return f"{variable(name)} is no setting; {advice}"
