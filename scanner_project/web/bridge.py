"""Hands requests to Django's threads, complete, and takes whole answers from them.

Django is called by WSGI, in a fixed number of threads that keep their connections to the database. A thread gets a
request when all of it is here, and is free again as soon as the answer is made: slow clients hold none. Files are read
piece by piece as the client takes them. An answer that Django streams from an asynchronous generator (events) needs no
thread at all while it runs; one from an ordinary generator holds its thread.
"""

import asyncio
import io
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from scanner_app.domain.addresses import PROBES
from scanner_app.domain.proxies import TrustedProxies
from scanner_project.web.budget import Budget
from scanner_project.web.connection import about

PIECE = 65_536
"""Bytes that are handed to the connection at a time; it takes the next ones when these are on their way."""

GATHERED = 262_144
"""Bytes of a streamed answer that are gathered before the first are sent."""

HELD = 64_000_000
"""Bytes of requests and answers that a process holds for slow clients."""

PER_CLIENT = 32
"""Requests of one client that one process works on at a time. A trusted proxy's own are not counted."""

PROBE_THREADS = 2
"""Whoever watches the scanner is answered from threads of its own, however many requests wait for the others."""

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class File:
    """A file as an answer's body: WSGI's `wsgi.file_wrapper`."""

    def __init__(self, file: IO[bytes], block_size: int = PIECE) -> None:  # noqa: ARG002 - WSGI's signature
        self.file = file

    def close(self) -> None:
        """Close the file, which also ends Django's response."""
        self.file.close()


@dataclass(slots=True)
class Answer:
    """What Django answers."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    rest: Any = None  # File, or Django's response with an asynchronous generator; None: `body` is all


class Bridge:
    """The ASGI application of the web server: Django's WSGI application in threads."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        threads: int,
        trusted: TrustedProxies,
        max_body: int,
        held: int = HELD,
    ) -> None:
        """`max_body`: bytes of a body over which Django refuses a request; it is not read then."""
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._probes = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
        self._trusted = trusted
        self._max_body = max_body
        self._budget = Budget(held)
        self._working: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        connection = about(scope).get("connection")
        try:
            await self._serve(scope, receive, send, connection)
        finally:
            if connection is not None:
                self._budget.release(connection)

    async def _serve(self, scope: Any, receive: Receive, send: Send, connection: Any) -> None:
        headers = scope["headers"]
        body = await self._body(_content_length(headers), receive, connection)
        if body is None:
            return  # the client is gone
        forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        peer = scope["client"][0] if scope.get("client") else ""
        client = self._trusted.client(peer, forwarded)
        if client not in self._trusted and self._working[client] >= PER_CLIENT:
            await _send_all(send, _busy())
            return
        loop = asyncio.get_running_loop()
        pool = self._probes if scope["path"].rstrip("/") in PROBES else self._threads
        stream = _Stream(loop, send)
        self._working[client] += 1
        try:
            answer = await loop.run_in_executor(pool, self._call, environ(scope, *body), stream, connection)
        finally:
            self._working[client] -= 1
            if not self._working[client]:
                del self._working[client]
        if answer is None or stream.begun:
            return
        if connection is not None:
            self._budget.release(connection)  # of the body
            self._budget.hold(connection, len(answer.body))
        if isinstance(answer.rest, File):
            await _send_file(send, answer, connection)
        elif answer.rest is not None:
            about(scope)["endless"] = True
            await _send_events(receive, send, answer)
        else:
            await _send_all(send, answer)

    async def _body(self, length: int | None, receive: Receive, connection: Any) -> tuple[bytes, int] | None:
        """The body and its length. One that is too long is not read on, so that Django refuses it by its length."""
        if length is not None and length > self._max_body:
            return b"", length
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_body:
                return b"", len(body)
            if connection is not None:
                self._budget.hold(connection, len(message.get("body", b"")))
            if not message.get("more_body", False):
                return bytes(body), len(body)

    def _call(self, environ: dict[str, Any], stream: "_Stream", connection: Any) -> Answer | None:
        """Call Django, in a thread. None if nobody waits for the answer, or it was sent by `stream`."""
        if connection is not None and connection.gone:
            return None
        answer = Answer()

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:  # noqa: ARG001
            answer.status = int(status.split(" ", 1)[0])
            answer.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

        result = self._application(environ, start_response)
        if isinstance(result, File) or getattr(result, "is_async", False):
            answer.rest = result
            return answer
        try:
            body = bytearray()
            for piece in result:
                body += piece
                if stream.begun or (len(body) > GATHERED and getattr(result, "streaming", False)):
                    stream.send(answer, bytes(body))
                    body.clear()
                    if connection is not None and connection.gone:
                        return None
            if stream.begun:
                stream.end(bytes(body))
                return None
            answer.body = bytes(body)
            return answer
        finally:
            if hasattr(result, "close"):
                result.close()


class _Stream:
    """Sends an answer from the thread that makes it, piece by piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send) -> None:
        self._loop = loop
        self._send = send
        self.begun = False

    def send(self, answer: Answer, body: bytes) -> None:
        """Send a piece, and wait until the client has taken most of those before it."""
        if not self.begun:
            self.begun = True
            self._wait_for(_start(answer))
        for piece in _pieces(body):
            self._wait_for({"type": "http.response.body", "body": piece, "more_body": True})

    def end(self, body: bytes) -> None:
        """Send the last piece."""
        self._wait_for({"type": "http.response.body", "body": body, "more_body": False})

    def _wait_for(self, message: Message) -> None:
        # The connection has a time limit for clients that take nothing: see connection.py.
        asyncio.run_coroutine_threadsafe(_sent(self._send, message), self._loop).result()


async def _sent(send: Send, message: Message) -> None:
    await send(message)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _start(answer: Answer) -> Message:
    return {"type": "http.response.start", "status": answer.status, "headers": answer.headers}


def _pieces(body: bytes) -> Iterable[bytes]:
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


async def _send_all(send: Send, answer: Answer) -> None:
    has_length = any(name == b"content-length" for name, _ in answer.headers)
    if not has_length and answer.status >= 200 and answer.status not in {204, 304}:
        answer.headers.append((b"content-length", str(len(answer.body)).encode()))
    await send(_start(answer))
    for piece in _pieces(answer.body):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_file(send: Send, answer: Answer, connection: Any) -> None:
    """Send a file. It is read in the server's own thread: our files are small and in the system's cache."""
    try:
        await send(_start(answer))
        while piece := answer.rest.file.read(PIECE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if connection is not None and connection.gone:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        answer.rest.close()


async def _send_events(receive: Receive, send: Send, answer: Answer) -> None:
    """Send what an asynchronous generator gives, until it ends or the client is gone."""

    async def all_of_it() -> None:
        await send(_start(answer))
        async for piece in answer.rest:
            await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    sending, leaving = asyncio.ensure_future(all_of_it()), asyncio.ensure_future(until_gone())
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await sending  # raises what went wrong in the generator
    finally:
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        answer.rest.close()


def _busy() -> Answer:
    text = b'{"detail": "Too many requests of this address at a time; send them one after the other."}'
    return Answer(status=429, headers=[(b"content-type", b"application/json"), (b"retry-after", b"1")], body=text)


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    return next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)


def environ(scope: Any, body: bytes, length: int) -> dict[str, Any]:
    """WSGI's environment of a request. `length` is that of its body, which is not here if it is too long."""
    server = scope.get("server") or ("", 0)
    client = scope.get("client") or ("", 0)
    values: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(length),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": File,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "content-type":
            values["CONTENT_TYPE"] = value
        # A name with an underscore would become that of another header, with a dash: so it could forge this one.
        elif "_" not in name and name not in {"content-length", "transfer-encoding"}:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            between = "; " if name == "cookie" else ","
            values[key] = f"{values[key]}{between}{value}" if key in values else value
    return values
