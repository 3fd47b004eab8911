"""The server: connections and requests on one port, and the clock by which the script is played."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from scanner_app.feeds.demo_venue import requests, subscriptions
from scanner_app.feeds.demo_venue.connections import Client, Limits
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import as_event, stream_name
from scanner_app.feeds.demo_venue.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner_app.feeds.demo_venue.script import Message, Script

logger = logging.getLogger(__name__)
# A client that goes away in the middle of a handshake is no news; the library would print its traceback.
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.CRITICAL)

LOOK_S: Final = 0.1
"""Seconds between two looks at the clock, when the venue runs by itself."""

STEP_MS: Final = 60_000
"""The clock may have stood still (the machine slept): what was due longer ago is not sent any more."""


class Venue:
    """The venue. While it is entered, it listens; the script is played by `advance()`, or by `run()`.

    `start_ms` is the venue's clock at the beginning: what was due until then is history.
    """

    def __init__(
        self,
        script: Script,
        *,
        start_ms: int,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.script = script
        self.now_ms = start_ms
        self.host = host
        self.port = port  # 0: a free one, from the first start on
        self.weights = weights or Weights()
        self.requested: list[str] = []  # the newest paths that were asked for by REST, oldest first
        self.connected = 0  # connections since the beginning
        self._limits = limits or Limits()
        self._clients: set[Client] = set()
        self._server: Server | None = None

    @property
    def ws_url(self) -> str:
        """The beginning of a stream's address, without a path."""
        return f"ws://{self.host}:{self.port}"

    @property
    def rest_url(self) -> str:
        """The beginning of a request's address."""
        return f"http://{self.host}:{self.port}"

    @property
    def streams(self) -> set[str]:
        """What the clients are subscribed to now."""
        return {stream for client in self._clients for stream in client.subscriptions.streams}

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one. Raises OSError if the port is taken."""
        self._server = await serve(
            self._serve,
            self.host,
            self.port,
            process_request=self._process_request,
            ping_interval=None,  # ours stop in a spell of silence
            close_timeout=1,
            compression=None,
            logger=_quiet,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop everybody and listen no more: from now on connections are refused by the system."""
        if self._server is not None:
            for client in list(self._clients):
                client.drop()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def run(self, clock: Callable[[], int]) -> None:
        """Play in real time, by a clock that gives ms, until this is cancelled."""
        while True:
            now_ms = clock()
            self.now_ms = max(self.now_ms, now_ms - STEP_MS)
            await self.advance(now_ms)
            await asyncio.sleep(LOOK_S)

    async def advance(self, now_ms: int) -> None:
        """Play what is due until then: bars and faults in their order. A clock that goes back plays nothing."""
        if now_ms > self.now_ms:
            due: list[Message | Fault] = [
                *self.script.moments(self.now_ms, now_ms),
                *self.script.messages(self.now_ms, now_ms),
            ]
            self.now_ms = now_ms
            for each in sorted(due, key=_moment):
                if isinstance(each, Fault):
                    await self._happen(each)
                else:
                    self._send(each)
        deaf = self.script.active(FaultKind.DEAF, self.now_ms) is not None
        for client in list(self._clients):
            client.be_deaf(deaf)
            if not deaf and not client.forgotten:
                await client.look_after(time.monotonic())

    def _send(self, message: Message) -> None:
        if any(self.script.active(kind, message.at_ms) for kind in (FaultKind.MUTE, FaultKind.DEAF)):
            return
        stream = stream_name(message.symbol, message.interval)
        event = as_event(message.kline, message.symbol, message.interval, closed=message.closed, now_ms=message.at_ms)
        for client in list(self._clients):
            client.tell(stream, event)

    async def _happen(self, fault: Fault) -> None:
        logger.info("%s at %d", fault.kind, fault.first_ms)
        for client in list(self._clients):
            match fault.kind:
                case FaultKind.DROP:
                    client.drop()
                case FaultKind.CLOSE:
                    await client.connection.close(reason="closed by the venue")
                case FaultKind.HALF_OPEN:
                    client.forgotten = True
                case FaultKind.SHUTDOWN:
                    client.send({"e": "serverShutdown", "E": fault.first_ms})

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no handshake, and refuse a handshake that may not be; None: let it in."""
        if "upgrade" not in request.headers:
            return await self._answer(request.path)
        if fault := self.script.active(FaultKind.REFUSE, self.now_ms):
            return connection.respond(fault.status, "Not now.\n")
        try:
            known = subscriptions.of_path(request.path, most=self._limits.streams)
        except subscriptions.TooMany as exc:
            return connection.respond(HTTPStatus.BAD_REQUEST, f"{exc}\n")
        return None if known else connection.respond(HTTPStatus.NOT_FOUND, "There is no such path.\n")

    async def _answer(self, path: str) -> Response:
        self.requested = [*self.requested[-999:], path]
        if slow := self.script.active(FaultKind.SLOW, self.now_ms):
            await asyncio.sleep(slow.delay_s)
        answer = requests.answer(path, self.script, self.weights, now_ms=self.now_ms, now_s=time.monotonic())
        body = answer.encoded()
        headers = Headers(
            {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
                **answer.headers,
            }
        )
        return Response(answer.status, HTTPStatus(answer.status).phrase, headers, body)

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        found = subscriptions.of_path(request.path, most=self._limits.streams) if request else None
        if found is None:  # it would have been refused
            return
        client = Client(connection, found, self._limits)
        self._clients.add(client)
        self.connected += 1
        try:
            with suppress(OSError):
                await client.serve()
        finally:
            self._clients.discard(client)


def _moment(each: Message | Fault) -> int:
    return each.first_ms if isinstance(each, Fault) else each.at_ms
