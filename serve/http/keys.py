"""Who may use the service: keys from the settings and from a file that may change while the service runs."""

import hashlib
import hmac
import logging
import time
from pathlib import Path
from typing import Final

from serve.errors import SettingsError
from serve.http.settings import SHORTEST_KEY, sendable

#: Seconds between two looks at the file.
_LOOK_EVERY: Final = 1.0

_log = logging.getLogger("bentoml.stance")


class Keys:
    """The keys that are good at the moment."""

    def __init__(self, fixed: tuple[str, ...], file: Path | None) -> None:
        """Take `fixed` keys and those of `file`.

        Raises:
            SettingsError: the file cannot be used.
        """
        self._fixed = _named(fixed)
        self._file = file
        self._looked = time.monotonic()
        self._seen = _stamp(file)
        self._from_file = _named(read_keys(file)) if file is not None else {}

    @property
    def required(self) -> bool:
        """Whether a request needs a key at all."""
        return bool(self._fixed) or self._file is not None

    def name_of(self, authorization: bytes) -> str | None:
        """A name of the key in an `Authorization` header that gives nothing of it away; None if it is not good."""
        self._look()
        scheme, _, sent = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        found = None
        # All are compared, so that the time taken does not tell which one was nearly right.
        for name, key in {**self._fixed, **self._from_file}.items():
            if hmac.compare_digest(key, sent.strip()):
                found = name
        return found

    def _look(self) -> None:
        """Read the file again if it was changed; one that is not fit to be used changes nothing."""
        now = time.monotonic()
        if self._file is None or now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        stamp = _stamp(self._file)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._from_file = _named(read_keys(self._file))
        except SettingsError as error:
            _log.warning("the keys stay as they are: %s", error)
        else:
            _log.info("keys read again: %d", len(self._from_file))


def read_keys(file: Path) -> tuple[str, ...]:
    """The keys of `file`, one a line; empty lines and those that begin with # are passed over.

    Raises:
        SettingsError: it cannot be read, holds no key, or one that is too short or cannot be sent.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"STANCE_API_KEYS_FILE: {file} cannot be read: {reason}") from error
    keys = {number: line.strip() for number, line in enumerate(lines, 1)}
    keys = {number: key for number, key in keys.items() if key and not key.startswith("#")}
    rules = []
    if short := [str(number) for number, key in keys.items() if len(key) < SHORTEST_KEY]:
        rules.append(f"line {', '.join(short)} has less than {SHORTEST_KEY} characters")
    if odd := [str(number) for number, key in keys.items() if not sendable(key)]:
        rules.append(f"line {', '.join(odd)} has spaces or other than printable ASCII characters")
    if not keys:
        rules.append("it holds no key")
    if rules:
        told = " and ".join(rules)
        raise SettingsError(f"STANCE_API_KEYS_FILE: {file}: {told}; write one key of {SHORTEST_KEY} or more a line")
    return tuple(keys.values())


def _named(keys: tuple[str, ...]) -> dict[str, bytes]:
    return {f"key {hashlib.sha256(key.encode()).hexdigest()[:8]}": key.encode() for key in keys}


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
