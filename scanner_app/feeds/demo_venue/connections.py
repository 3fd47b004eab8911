"""One client's connection."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.server import broadcast
from websockets.exceptions import ConnectionClosed

from scanner_app.feeds.demo_venue.subscriptions import MAX_STREAMS, Subscriptions, TooMany

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

MAX_UNREAD: Final = 4_000_000
"""Bytes that a client may leave unread; then it is dropped, so that memory stays bounded."""

POLICY_VIOLATION: Final = 1008


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the venue allows a connection. The defaults are Binance's; tests shorten them."""

    ping_s: float = 20.0  # between two pings
    pong_s: float = 60.0  # a ping without its pong for so long ends the connection
    age_s: float = 86_400.0  # a connection ends after so long
    messages: int = 5  # from the client in a second
    streams: int = MAX_STREAMS


class Client:
    """A connection, its subscriptions, and whether it has fallen silent."""

    def __init__(self, connection: ServerConnection, subscriptions: Subscriptions, limits: Limits) -> None:
        self.connection = connection
        self.subscriptions = subscriptions
        self.forgotten = False  # half-open: the client is not told
        self._deaf = False
        self._limits = limits
        self._opened_s = self._pinged_s = time.monotonic()
        self._unanswered_s: float | None = None  # since when a ping has no pong
        self._received: deque[float] = deque(maxlen=limits.messages + 1)

    async def serve(self) -> None:
        """Answer the client's messages until the connection ends."""
        with suppress(ConnectionClosed):
            async for text in self.connection:
                if self._too_fast():
                    await self.connection.close(POLICY_VIOLATION, "Too many requests")
                    return
                try:
                    self.send(self.subscriptions.obey(text))
                except TooMany as exc:
                    await self.connection.close(POLICY_VIOLATION, str(exc))
                    return

    def tell(self, stream: str, event: dict[str, Any]) -> None:
        """Send an event, if the client has subscribed to its stream."""
        if stream in self.subscriptions.streams:
            self.send({"stream": stream, "data": event} if self.subscriptions.combined else event)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, without waiting for a client that does not read."""
        if not self.forgotten and not self.connection.transport.is_closing():
            broadcast([self.connection], json.dumps(message, separators=(",", ":")))
            if self.connection.transport.get_write_buffer_size() > MAX_UNREAD:
                self.drop()

    def be_deaf(self, deaf: bool) -> None:
        """Read nothing more, so that the client's pings are not answered either; or read again."""
        if self._deaf is not (deaf or self.forgotten):
            self._deaf = not self._deaf
            transport = self.connection.transport
            (transport.pause_reading if self._deaf else transport.resume_reading)()

    def drop(self) -> None:
        """End the connection without a farewell."""
        self.connection.transport.abort()

    async def look_after(self, now_s: float) -> None:
        """Send pings, and end a connection that is too old or does not answer them. `now_s` is monotonic."""
        if now_s - self._opened_s > self._limits.age_s:
            await self.connection.close(reason="The connection is too old")
        elif self._unanswered_s is not None and now_s - self._unanswered_s > self._limits.pong_s:
            self.drop()
        elif now_s - self._pinged_s >= self._limits.ping_s:
            self._pinged_s = now_s
            self._unanswered_s = self._unanswered_s or now_s
            with suppress(ConnectionClosed):
                pong = asyncio.ensure_future(await self.connection.ping())
                pong.add_done_callback(self._answered)

    def _answered(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._unanswered_s = None

    def _too_fast(self) -> bool:
        self._received.append(time.monotonic())
        return len(self._received) > self._limits.messages and self._received[-1] - self._received[0] < 1
