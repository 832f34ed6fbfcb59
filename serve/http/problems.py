"""Answers of the service: good ones, and why a request failed, as exceptions that become the one error shape."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from serve.messages import ErrorDetail, ErrorResponse, FieldError

JSON: Final = b"application/json"
#: Faults of one request that are told one by one: of every sentence, and some more.
_MOST_FAULTS: Final = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready to be sent."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    sentences: int = 0
    """How many were tagged for it."""


@dataclass
class Problem(Exception):  # noqa: N818 - it is an answer, no fault
    """Why a request is not answered as it wished."""

    status: int
    code: str
    message: str
    fields: Sequence[FieldError] = ()
    retry_after: int | None = None
    """Seconds, where the same request may do later."""
    closes: bool = False
    """Whether the connection is of no more use, for what is left of the body was not read."""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    @property
    def reply(self) -> Reply:
        """The answer in the one error shape."""
        detail = ErrorDetail(code=self.code, message=self.message, fields=list(self.fields))
        headers = list(self.headers)
        if self.retry_after is not None:
            headers.append((b"retry-after", str(self.retry_after).encode()))
        if self.closes:
            headers.append((b"connection", b"close"))
        return Reply(self.status, ErrorResponse(error=detail).model_dump_json().encode(), headers=tuple(headers))


def invalid(error: ValidationError, body: bytes) -> Problem:
    """What a failed validation of a request's `body` is answered with."""
    if (count := error.error_count()) > _MOST_FAULTS:
        return Problem(
            422, "invalid", f"{count} fields are not valid, too many to name; send what /openapi.json describes"
        )
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(fault["type"] == "json_invalid" for fault in found):
        if _is_json(body):
            return Problem(422, "invalid", "the body holds half a character (a lone surrogate) as an escape")
        return Problem(400, "not_json", f"the body is not JSON: {found[0]['msg']}")
    fields = [
        FieldError(path=".".join(map(str, fault["loc"])), message=fault["msg"].removeprefix("Value error, "))
        for fault in found
    ]
    what = "1 field is" if len(fields) == 1 else f"{len(fields)} fields are"
    return Problem(422, "invalid", f"{what} not valid", fields)


def _is_json(body: bytes) -> bool:
    """Whether the grammar of JSON allows `body`, which it does for text that is none."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
