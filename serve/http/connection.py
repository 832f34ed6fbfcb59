"""A connection on which nobody is waited for without end."""

import asyncio
import fcntl
import sys
import termios
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serve.http.problems import Problem

#: Bytes of headers; more is no browser's and no program's of good will.
_MOST_HEADER_BYTES: Final = 65_536
#: Bytes of an answer that a client must read between two looks; or all, if there are fewer.
_LEAST_READ: Final = 16_384


class BoundedConnection(HttpToolsProtocol):
    """Cuts a client off that sends headers too slowly, or too many, or does not read; uvicorn itself waits for ever."""

    seconds = 10.0
    """Longest that headers may take."""
    reading_seconds = 10.0
    """Between two looks at what is read."""
    _look: asyncio.TimerHandle | None = None
    _unread = 0

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
        self._stop_looking()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to look whether the client reads, for much of an answer waits for it."""
        super().pause_writing()
        self._begin_to_look()

    def resume_writing(self) -> None:
        """Stop looking, for it has read; but of the last answer all must be."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_looking()

    def on_response_complete(self) -> None:
        """Where the answer was the last one, do not wait for ever until it is read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._begin_to_look()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used, and do not wait for ever until the last answer is read."""
        super().timeout_keep_alive_handler()
        self._begin_to_look()

    def shutdown(self) -> None:
        """Close when the answer is given, and do not wait for ever until it is read."""
        super().shutdown()
        self._begin_to_look()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the one error shape."""
        reply = Problem(400, "not_http", msg, closes=True).reply
        lines = [(b"content-type", reply.media_type), (b"content-length", str(len(reply.body)).encode())]
        head = b"".join(b"%s: %s\r\n" % line for line in (*lines, *reply.headers))
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (head, reply.body))
        self.transport.close()
        self._begin_to_look()

    def _begin_to_look(self) -> None:
        self._stop_looking()
        if self.transport.get_write_buffer_size():
            self._unread = self._count_unread()
            self._look = self.loop.call_later(self.reading_seconds, self._check_reading)

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _check_reading(self) -> None:
        if self._unread - self._count_unread() < min(_LEAST_READ, self._unread):
            self.transport.abort()
        else:
            self._begin_to_look()

    def _count_unread(self) -> int:
        """Bytes that the client has not received yet, those included that the kernel took from us in advance."""
        taken = bytearray(4)
        fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, taken)
        return self.transport.get_write_buffer_size() + int.from_bytes(taken, sys.byteorder)

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
