"""One connection to a venue's stream: log in, subscribe, read, and end when it is not to be trusted any more.

A `Connection` runs once; what keeps one up is stream.py.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import DATA_OPCODES, Frame, Opcode

from scanner_app.domain.wording import one_line, span
from scanner_app.feeds.live.venue import (
    Closed,
    Forming,
    Message,
    Ready,
    Refused,
    Renew,
    Revision,
    Subscribed,
    Venue,
    VenueSeries,
)

log = structlog.get_logger(__name__)

OPEN_S: Final = 10.0
"""Longest time for connecting, logging in, or the answer to a subscription."""

PING_S: Final = 15.0
"""Seconds between our pings, and the longest wait for the pong: a half-open connection is found in half a minute."""

LOOK_S: Final = 0.25
"""Seconds between two looks at what is due."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a connection has ended. `lasting`: trying again soon is useless."""

    reason: str
    lasting: bool = False


class _Ends(Exception):
    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.ended = Ended(reason, lasting)


class _Noticing(ClientConnection):
    """Notes when something came from the venue: a message, or a ping. Our own pongs say nothing about it."""

    last_sign_s = 0.0

    def process_event(self, event: Any) -> None:
        """Process one event of the protocol."""
        if not isinstance(event, Frame) or event.opcode is Opcode.PING or event.opcode in DATA_OPCODES:
            self.last_sign_s = self.loop.time()
        super().process_event(event)


class Connection:
    """One connection for some series, which may change while it lives."""

    def __init__(
        self,
        venue: Venue,
        series: Sequence[VenueSeries],
        *,
        heard: Callable[[Closed | Forming | Revision], None],
        up: Callable[[Sequence[VenueSeries]], None],
    ) -> None:
        """`up` hears of series whose subscription the venue has confirmed."""
        self._venue = venue
        self._wanted = list(dict.fromkeys(series))
        self._heard = heard
        self._up = up
        self._subscribed: list[VenueSeries] = []
        self._unconfirmed: list[tuple[float, Sequence[VenueSeries]]] = []  # since when, and what
        self._ready = False
        self._number = 0
        self._ending: Ended | None = None
        self._socket: _Noticing | None = None
        self.is_up = asyncio.Event()  # all that was wanted first is subscribed to
        self.wants_renewal = asyncio.Event()
        self.opened_s: float | None = None

    async def run(self) -> Ended:
        """Connect and read until it ends; says why it has. Never raises but for being cancelled."""
        try:
            async with asyncio.timeout(OPEN_S):
                socket = await connect(
                    self._venue.url(self._wanted),
                    create_connection=_Noticing,
                    open_timeout=OPEN_S,
                    ping_interval=PING_S,
                    ping_timeout=PING_S,
                    close_timeout=2,
                    compression=None,  # bars are short, and a small machine has better things to do
                    max_size=2**22,
                )
            async with socket:
                assert isinstance(socket, _Noticing)  # noqa: S101 - as create_connection says
                self._socket = socket
                await self._live(socket)
        except _Ends as exc:
            return exc.ended
        except ConnectionClosed as exc:
            return self._ending or Ended(one_line(f"the venue has closed the connection: {exc}"))
        except TimeoutError:
            return Ended(f"no connection within {span(OPEN_S)}")
        except (OSError, WebSocketException, ValueError) as exc:
            return Ended(one_line(f"{type(exc).__name__}: {exc}"))
        return self._ending or Ended("closed")

    def close(self, reason: str) -> None:
        """End it."""
        self._ending = self._ending or Ended(reason)

    def change(self, series: Sequence[VenueSeries]) -> None:
        """Want these series from now on."""
        self._wanted = list(dict.fromkeys(series))

    @property
    def last_sign_s(self) -> float | None:
        """When something came last (the loop's time); None: not connected."""
        return self._socket.last_sign_s if self._socket is not None else None

    async def _live(self, socket: _Noticing) -> None:
        loop = asyncio.get_running_loop()
        self.opened_s = socket.last_sign_s = loop.time()
        login = self._venue.login()
        if login is not None:
            await socket.send(login)
        self._ready = login is None
        reader = asyncio.create_task(self._read(socket))
        try:
            while not reader.done() and self._ending is None:
                await self._subscribe(socket)
                self._look(socket, loop.time())
                await asyncio.wait({reader}, timeout=LOOK_S)
            if reader.done():
                await reader  # raises what has ended it
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed, _Ends):
                await reader

    def _look(self, socket: _Noticing, now: float) -> None:
        """End it, or ask for another one beside it, if it is time to."""
        traits = self._venue.traits
        silent_s = now - socket.last_sign_s
        if silent_s > traits.heartbeat_s:
            raise _Ends(f"nothing has come for {span(silent_s)}")
        if not self._ready and now - (self.opened_s or now) > OPEN_S:
            raise _Ends(f"the login was not answered within {span(OPEN_S)}")
        if self._unconfirmed and now - self._unconfirmed[0][0] > OPEN_S:
            raise _Ends(f"a subscription was not answered within {span(OPEN_S)}")
        if traits.renew_after_s is not None and now - (self.opened_s or now) > traits.renew_after_s:
            self.wants_renewal.set()

    async def _subscribe(self, socket: _Noticing) -> None:
        """Send what is wanted and not subscribed to, and the other way round, at the venue's pace."""
        if not self._ready:
            return
        loop = asyncio.get_running_loop()
        wanted, subscribed = set(self._wanted), set(self._subscribed)
        for make, some in (
            (self._venue.unsubscribe, [one for one in self._subscribed if one not in wanted]),
            (self._venue.subscribe, [one for one in self._wanted if one not in subscribed]),
        ):
            for part in _parts(some, self._venue.traits.series_a_message):
                self._number += 1
                await socket.send(make(part, self._number))
                is_new = make == self._venue.subscribe
                self._unconfirmed.append((loop.time(), part if is_new else ()))
                if is_new:
                    self._subscribed += part
                else:
                    gone = set(part)
                    self._subscribed = [one for one in self._subscribed if one not in gone]
                await asyncio.sleep(1 / self._venue.traits.messages_per_s)
        if not self._wanted:
            self.is_up.set()

    async def _read(self, socket: _Noticing) -> None:
        async for text in socket:
            try:
                messages = self._venue.read(text)
            except (ValueError, KeyError, TypeError, LookupError) as exc:
                # One message that is not understood is no reason to lose the others.
                log.warning("feed_message_not_understood", venue=self._venue.name, error=str(exc), text=str(text)[:300])
                continue
            for message in messages:
                self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case Closed() | Forming() | Revision():
                self._heard(message)
            case Ready():
                self._ready = True
            case Subscribed():
                if self._unconfirmed:
                    _, series = self._unconfirmed.pop(0)
                    self._up(series)
                if not self._unconfirmed and set(self._wanted) <= set(self._subscribed):
                    self.is_up.set()
            case Refused(text, lasting):
                raise _Ends(f"the venue refuses: {one_line(text)}", lasting=lasting)
            case Renew(text):
                log.info("feed_renewal", venue=self._venue.name, reason=text)
                self.wants_renewal.set()


def _parts(series: Sequence[VenueSeries], most: int) -> Iterator[list[VenueSeries]]:
    left = iter(series)
    while part := list(islice(left, most)):
        yield part
