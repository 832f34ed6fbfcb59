"""A client of the service, which waits where the service asks for it and raises where it cannot go on.

ClientError                the request was not answered
├── RefusedError           the service says that the request is wrong; sending it again is of no use
├── UnauthorizedError      a key is needed, or not a good one
└── UnavailableError       no answer until the deadline: overloaded, not ready, or not reached
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from labels.errors import UserError
from serve.http.settings import sendable
from serve.messages import ArticleResponse, ErrorResponse, Info, TagResponse
from serve.records import TagRecord

Answer = TypeVar("Answer", bound=BaseModel)

#: Statuses after which the same request may do later.
_LATER: Final = frozenset({429, 502, 503, 504})
#: Seconds between tries where the service does not say.
_PAUSE: Final = 1.0


class ClientError(UserError):
    """The service did not answer a request."""


class RefusedError(ClientError):
    """The request is wrong."""

    def __init__(self, status: int, error: ErrorResponse) -> None:
        self.status = status
        self.error = error.error
        """What the service says, with the fields that are wrong."""
        fields = "".join(f"; {field.path}: {field.message}" for field in error.error.fields)
        super().__init__(
            f"the service refused the request ({status}, {error.error.code}): {error.error.message}{fields}"
        )


class UnauthorizedError(ClientError):
    """A key is needed, or the one given is not good."""


class UnavailableError(ClientError):
    """The service did not answer until the deadline."""


class StanceClient:
    """Asks one service; may be used from several threads."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        deadline_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask the service at `url`.

        Args:
            url: where it is, as in http://127.0.0.1:3000.
            key: one of its keys, if it wants any.
            deadline_seconds: how long to try, waits included. No try begins later; one that goes on may take what is
                left for each of its phases: to connect, to send, and from one piece of the answer to the next.
            transport: what carries requests, if not the network.
            sleep: what waits.
        """
        if key and not sendable(key):
            raise ClientError("a key is of printable ASCII characters without spaces; this one is not")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport)
        self._url = url.rstrip("/")
        self._deadline_seconds = deadline_seconds
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def tag(self, sentences: Sequence[str]) -> list[TagRecord]:
        """Tag each of 1 to 256 sentences by itself; the answers are in their order.

        Raises:
            ClientError: there is no answer; its subclass says why.
        """
        return self._ask("POST", "/tag", TagResponse, {"sentences": list(sentences)}).tags

    def tag_article(self, text: str) -> ArticleResponse:
        """Split an article into sentences, tag them, and say who takes which stance toward whom.

        Raises:
            ClientError: there is no answer; its subclass says why.
        """
        return self._ask("POST", "/tag_article", ArticleResponse, {"text": text})

    def info(self) -> Info:
        """The model that answers, and the limits.

        Raises:
            ClientError: there is no answer; its subclass says why.
        """
        return self._ask("GET", "/info", Info)

    def _ask(self, method: str, path: str, kind: type[Answer], body: object = None) -> Answer:
        deadline = time.monotonic() + self._deadline_seconds
        while True:
            reason, pause = "", _PAUSE
            try:
                left = max(0.001, deadline - time.monotonic())
                answer = self._http.request(method, path, json=body, timeout=left)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
                # Of the address or the key, which no waiting mends.
                message = f"{self._url}{path} cannot be asked ({error}); give a URL as http://127.0.0.1:3000"
                raise ClientError(message) from error
            except UnicodeEncodeError as error:
                message = "the text holds half a character (a lone surrogate), which cannot be sent; replace it"
                raise ClientError(message) from error
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code not in _LATER:
                    return _read(answer, kind)
                reason = f"it answered {answer.status_code}"
                pause = _retry_after(answer)
            if time.monotonic() + pause > deadline:
                raise UnavailableError(
                    f"{self._url}{path} did not answer in {self._deadline_seconds:g} s ({reason}); try again later"
                )
            self._sleep(pause)


def _retry_after(answer: httpx.Response) -> float:
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdecimal() else _PAUSE


def _read(answer: httpx.Response, kind: type[Answer]) -> Answer:
    try:
        if answer.status_code == 200:
            return kind.model_validate_json(answer.content)
        error = ErrorResponse.model_validate_json(answer.content)
    except ValidationError as fault:
        message = f"{answer.url} answered {answer.status_code} in a form that this client does not know"
        raise ClientError(f"{message}; is a service of another version, or another service, there?") from fault
    if answer.status_code == 401:
        raise UnauthorizedError(f"{answer.url} wants a key: {error.error.message}")
    if answer.status_code >= 500:
        raise ClientError(f"{answer.url} is at fault ({answer.status_code}): {error.error.message}; its log says why")
    raise RefusedError(answer.status_code, error)
