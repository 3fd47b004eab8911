"""One connection: uvicorn's, with time limits for the request's header, its body and the answer, and limits of number.

Of connections that stay silent or slow, one costs some kilobytes and no thread. Each limit ends the connection alone.
"""

import asyncio
from collections import Counter
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scanner_app.domain.proxies import TrustedProxies
from scanner_project import env as environment

HEADER_S = 10.0
"""Longest time from a connection's beginning, or a request's first byte, to the end of its header."""

BODY_S = 30.0
"""Longest time that a request's body may take: 10 MB at 3 Mbit/s."""

ANSWER_S = 20.0
"""Longest time in which the client must take the next 48 kB of an answer."""

KEEP_ALIVE_S = 5
"""How long a connection may wait for its next request."""

HEADER_BYTES = 65_536
PIPELINED = 16
"""The most bytes of a header, and the most requests that wait behind another one of their connection."""

PER_ADDRESS = 200
"""Connections of one address to one process. A trusted proxy stands for many people and is not counted."""

CONNECTIONS = 4_000
"""Connections of a process. One more ends the one that has waited longest for a whole request."""

LOOK_S = 1.0

TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
HEADER_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connections:
    """All connections of this process, and what is due of each."""

    def __init__(self, trusted: TrustedProxies) -> None:
        """`trusted` are the proxies whose connections are not limited."""
        self.open: set[Connection] = set()
        self._trusted = trusted
        self._of: Counter[str] = Counter()
        self._looking = False

    def admit(self, connection: "Connection") -> bool:
        """Whether this connection may stay. Makes room for it if there are too many."""
        if self._of[connection.peer] >= PER_ADDRESS and connection.peer not in self._trusted:
            return False
        if len(self.open) >= CONNECTIONS:
            waiting = [one for one in self.open if one.due is not None]
            if not waiting:
                return False
            min(waiting, key=lambda one: one.due or 0.0).abort()
        self.open.add(connection)
        self._of[connection.peer] += 1
        if not self._looking:
            self._looking = True
            connection.loop.call_later(LOOK_S, self._look, connection.loop)
        return True

    def forget(self, connection: "Connection") -> None:
        """The connection has ended."""
        if connection in self.open:
            self.open.discard(connection)
            self._of[connection.peer] -= 1
            if not self._of[connection.peer]:
                del self._of[connection.peer]

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self.open):
            connection.end_if_late(now)
        self._looking = bool(self.open)
        if self._looking:
            loop.call_later(LOOK_S, self._look, loop)


@cache
def connections() -> Connections:
    """The connections of this process."""
    return Connections(TrustedProxies.of(environment.read().TRUSTED_PROXIES))


class Connection(HttpToolsProtocol):
    """Uvicorn's protocol for one connection; what it adds is written at the top of this file."""

    peer = ""
    due: float | None = None  # when (loop's time) the client must have sent the rest; None: it need not send anything
    gone = False  # whether nobody takes an answer any more
    _stuck: float | None = None  # when the client must have taken something of the answer
    _header_bytes = 0
    _beside_body = 0  # bytes since the last one of the body, while it is received
    _in_header = True
    _complete = True  # whether the newest request has been received to its end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """A client has connected."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self.due = self.loop.time() + HEADER_S
        if not connections().admit(self):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.gone = True
        connections().forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        if self.transport.is_closing():
            return  # refused already
        if self._in_header:
            if not self._header_bytes:
                self.due = self.loop.time() + HEADER_S
            self._header_bytes += len(data)
        else:
            self._beside_body += len(data)
        super().data_received(data)
        no_body = self._header_bytes if self._in_header else self._beside_body
        if no_body > HEADER_BYTES and not self.transport.is_closing():
            self._refuse(HEADER_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_header, self._complete = True, False
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"connection": self}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the header. Those that follow a body in chunks (trailers) are dropped, as HTTP allows.

        Uvicorn would take them for headers, and a client could say with one what only a proxy may, such as
        X-Forwarded-For: proxies look at the header, and some pass trailers on as they are.
        """
        if self._in_header:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The header is complete."""
        self._in_header, self._header_bytes, self._beside_body = False, 0, 0
        self.due = self.loop.time() + BODY_S
        super().on_headers_complete()
        if len(self.pipeline) > PIPELINED:
            self.abort()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._beside_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is complete."""
        self._in_header, self._complete = True, True
        self.due = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer has been handed over; the client may not have taken all of it."""
        super().on_response_complete()
        if self._complete and not self.pipeline:
            left = self.transport.is_closing() or self.transport.get_write_buffer_size()
            self.due = self.loop.time() + (ANSWER_S if left else KEEP_ALIVE_S + LOOK_S)

    def pause_writing(self) -> None:
        """The client does not take the answer as fast as it comes."""
        self._stuck = self.loop.time() + ANSWER_S
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has taken most of what there was."""
        self._stuck = None
        super().resume_writing()

    def shutdown(self) -> None:
        """The server stops: requests that are complete are answered, all others end."""
        if not self._complete or (self.cycle and self.cycle.scope["extensions"][EXTENSION].get("endless")):
            self.abort()
        else:
            super().shutdown()

    def end_if_late(self, now: float) -> None:
        """End the connection if something that is due has not come."""
        if self._stuck is not None and self._stuck < now:
            self.abort()
        elif self.due is None:
            if self.transport.is_closing():
                self.due = now + ANSWER_S  # closed by uvicorn, and still something to send
        elif self.due < now:
            answering = self.cycle is not None and self.cycle.response_started
            if self.transport.is_closing() or answering or not (self._header_bytes or not self._complete):
                self.abort()
            else:
                self._refuse(TIMEOUT)

    def abort(self) -> None:
        """Close the connection at once, whatever was not sent."""
        self._leave()
        self.transport.abort()

    def _refuse(self, answer: bytes) -> None:
        self._leave()
        self.transport.write(answer)
        self.transport.close()

    def _leave(self) -> None:
        self.gone = True
        if self.cycle is not None:
            self.cycle.disconnected = True  # else uvicorn would log that the answer is not complete


EXTENSION = "scanner"
"""Name under which a request's scope has its connection, and whether the answer is endless (a stream of events)."""


def about(scope: Any) -> dict[str, Any]:
    """What this server and its application tell each other about a request."""
    found: dict[str, Any] = scope.setdefault("extensions", {}).setdefault(EXTENSION, {})
    return found
