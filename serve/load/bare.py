"""The least that can answer over HTTP: an ASGI application that reads a body and sends always the same."""

import os
from typing import Final

from serve.http_errors import Application, Receive, Scope, Send

#: The environment variable that holds the answer.
ANSWER: Final = "BARE_ANSWER"


def application() -> Application:
    """It, with the answer of the environment."""
    answer = os.environ[ANSWER].encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return answered
