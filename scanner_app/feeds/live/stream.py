"""Keep one connection up for some series of a venue: reconnect with growing pauses, renew it beside the old one."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from scanner_app.feeds.live.connection import Connection, Ended
from scanner_app.feeds.live.venue import Closed, Forming, Revision, Venue, VenueSeries

log = structlog.get_logger(__name__)

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Pauses between the tries to connect, the last one without an end; each is shortened by chance, up to half."""

LASTING_S: Final = 300.0
"""The pause after a refusal that trying again does not mend, such as a wrong key."""

STABLE_S: Final = 60.0
"""After a connection that lived for so long the pauses begin anew."""


@dataclass(frozen=True, slots=True)
class _Running:
    connection: Connection
    task: "asyncio.Task[Ended]"


class Stream:
    """The connection of some series, as many as the venue allows on one."""

    def __init__(
        self,
        venue: Venue,
        *,
        heard: Callable[[Closed | Forming | Revision], None],
        joined: Callable[[Sequence[VenueSeries]], None],
        lost: Callable[[Sequence[VenueSeries], str], None],
        now: Callable[[], datetime],
    ) -> None:
        """`joined` hears of series that are subscribed to and were not; `lost` of those whose connection has gone."""
        self._venue = venue
        self._heard = heard
        self._joined = joined
        self._lost = lost
        self._now = now
        self.series: tuple[VenueSeries, ...] = ()
        self._covered: set[VenueSeries] = set()  # subscribed to on a living connection
        self._current: Connection | None = None  # the newest that came up, while one lives
        self._newest: Connection | None = None  # perhaps not up yet
        self._wanted = asyncio.Event()
        self.connected_at: datetime | None = None
        self.reconnects = 0
        self.error = ""  # why the last connection has ended; "": one is up

    def change(self, series: Sequence[VenueSeries]) -> None:
        """Want these series from now on; none: no connection."""
        self.series = tuple(series)
        self._covered &= set(series)
        for connection in filter(None, {self._current, self._newest}):
            connection.change(self.series)
            if not series:
                connection.close("no series is wanted")
        if series:
            self._wanted.set()
        else:
            self._wanted.clear()

    def distrust(self, reason: str) -> None:
        """End the connection: it lives, but does not send what it should."""
        if self._current is not None:
            self._current.close(reason)

    @property
    def is_connected(self) -> bool:
        """Whether a connection lives on which everything is subscribed to."""
        return self._current is not None

    @property
    def last_sign_age_s(self) -> float | None:
        """Seconds since something came from the venue; None: not connected."""
        if self._current is None or (at := self._current.last_sign_s) is None:
            return None
        return asyncio.get_running_loop().time() - at

    async def run(self) -> None:
        """Keep it up until cancelled."""
        tries = 0
        old: _Running | None = None
        running: set[asyncio.Task[Ended]] = set()
        try:
            while True:
                await self._wanted.wait()
                new = self._open(running)
                if await _happens_before(new.connection.is_up, new.task):
                    if old is not None:
                        old.connection.close("renewed")
                        old = None
                    self._current, self.connected_at, self.error = new.connection, self._now(), ""
                    log.info("feed_connected", venue=self._venue.name, series=len(self.series))
                    if await _happens_before(new.connection.wants_renewal, new.task):
                        old, tries = new, 0
                        continue
                ended = await new.task
                tries = 1 if _lived_s(new.connection) >= STABLE_S else tries + 1
                if old is None or old.task.done():
                    old = None
                    self._down(ended)
                pause_s = LASTING_S if ended.lasting else PAUSES_S[min(tries, len(PAUSES_S)) - 1]
                pause_s *= random.uniform(0.5, 1.0)  # noqa: S311 - so that not all come back at once; no secret
                log.info("feed_reconnects", venue=self._venue.name, reason=ended.reason, pause_s=round(pause_s, 1))
                # An old connection that ends meanwhile leaves none: then there is no time to lose.
                if old is None:
                    await asyncio.sleep(pause_s)
                else:
                    await asyncio.wait({old.task}, timeout=pause_s)
                self.reconnects += 1
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _open(self, running: "set[asyncio.Task[Ended]]") -> _Running:
        connection = Connection(self._venue, self.series, heard=self._heard, up=self._on_up)
        self._newest = connection
        task = asyncio.create_task(connection.run())
        running.add(task)
        task.add_done_callback(running.discard)
        return _Running(connection, task)

    def _on_up(self, series: Sequence[VenueSeries]) -> None:
        """Subscriptions were confirmed. What another connection brings already has no need to join."""
        fresh = [one for one in series if one not in self._covered]
        self._covered.update(fresh)
        if fresh:
            self._joined(fresh)

    def _down(self, ended: Ended) -> None:
        self.error = ended.reason
        self._current, self.connected_at = None, None
        covered, self._covered = self._covered, set()
        if covered:
            self._lost(tuple(covered), ended.reason)


async def _happens_before(event: asyncio.Event, task: "asyncio.Task[Ended]") -> bool:
    """Whether the event happens before the task ends."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set() and not task.done()
    finally:
        waiting.cancel()


def _lived_s(connection: Connection) -> float:
    """Seconds since the connection was opened; 0 if it never was."""
    return 0.0 if connection.opened_s is None else asyncio.get_running_loop().time() - connection.opened_s
