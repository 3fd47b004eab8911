"""Run the feeds of one venue, as long as this process has the venue's lease."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar, cast

import httpx
import structlog
from redis.exceptions import RedisError

from scanner_app.domain.feed_entries import Series
from scanner_app.domain.wording import error_line
from scanner_app.engine.detection import bars_needed
from scanner_app.feeds.live import ledger, report, stored
from scanner_app.feeds.live.acts import Instant, Phase
from scanner_app.feeds.live.followers import Followers
from scanner_app.feeds.live.history import Historian
from scanner_app.feeds.live.intake import Accept, Intake
from scanner_app.feeds.live.stored import Configured
from scanner_app.feeds.live.stream import Stream
from scanner_app.feeds.live.taken import Taken
from scanner_app.feeds.live.venue import AnyVenue, Venue, VenueSeries
from scanner_app.messaging import live_feeds
from scanner_app.workers.outages import AWAY

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

TICK_S: Final = 0.25
"""Seconds between two looks at what is due."""

LEASE_S: Final = 2.0
"""Seconds between two renewals of the lease."""

LEDGER_S: Final = 2.0
"""Seconds between two looks at the open holes."""

HOLES_AT_ONCE: Final = 100
"""Open holes that one look takes up."""

FINISH_S: Final = 5.0
"""How long bars that have come may still be handed on when the feed stops."""


class LeaseLost(Exception):
    """Another process runs this venue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the feeds of a process share."""

    accept: Accept  # ingest
    http: httpx.AsyncClient
    thread: Executor  # of one thread: for the database
    holder: str  # this process, as the lease names it
    clock: Callable[[], Instant]


class VenueRunner:
    """The feeds of one venue."""

    def __init__(self, venue: AnyVenue, outside: Outside) -> None:
        self._venue = venue
        self._outside = outside
        self._clock = outside.clock
        self._feeds: dict[str, tuple[Series, ...]] = {}
        self._holes: Mapping[Series, int] = {}
        self._streams: list[Stream] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._error = ("", self._clock().utc)
        self._rereads: set[Series] = set()
        self._intake = Intake(
            outside.accept,
            source=venue.name,
            thread=outside.thread,
            now=lambda: self._clock().utc,
            told=self._told,
            dropped=self._dropped,
        )
        self._followers = Followers(
            venue,
            intake=self._intake,
            clock=self._clock,
            mute=self._distrust,
            reread=self._rereads.add,
            feed_of=self._feed_of,
            warm_up=bars_needed(),
        )
        self._historian = Historian(
            venue, outside.http, room=lambda: self._intake.has_room, clock=lambda: self._clock().s
        )
        self._followers.historian = self._historian

    async def run(self, wanted: Callable[[], Sequence[Configured]]) -> None:
        """Run until cancelled, or until LeaseLost is raised. `wanted` are the venue's feeds, which may change."""
        log.info("feed_begins", venue=self._venue.name)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._intake.run())
                self._tasks.create_task(self._historian.run())
                self._tasks.create_task(self._forever(LEASE_S, self._renew_lease))
                self._tasks.create_task(self._forever(LEDGER_S, self._look_at_ledger))
                self._tasks.create_task(self._forever(live_feeds.EVERY_S, self._beat))
                self._tasks.create_task(self._forever(TICK_S, self._tick))
                self._tasks.create_task(self._forever(1.0, partial(self._follow, wanted)))
        finally:
            await asyncio.shield(self._end())

    async def _end(self) -> None:
        """Hand on what has come, and say that the feeds are down."""
        finishing = asyncio.create_task(self._intake.run())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._intake.idle(), FINISH_S)
        finishing.cancel()
        self._followers.lost(self._followers.series.values())
        with suppress(*AWAY):
            await self._in_thread(partial(live_feeds.write, self._heartbeats()))
            await self._in_thread(partial(live_feeds.release_lease, self._venue.name, self._outside.holder))
        if hasattr(self._venue, "aclose"):
            await self._venue.aclose()
        log.info("feed_ended", venue=self._venue.name)

    # --- What is done again and again

    async def _forever(self, every_s: float, what: Callable[[], "asyncio.Future[None] | object"]) -> None:
        while True:
            try:
                done = what()
                if asyncio.iscoroutine(done):
                    await done
            except AWAY as exc:  # database or broker: the next time perhaps
                self._note(error_line(type(exc).__name__, str(exc)))
            await asyncio.sleep(every_s)

    def _tick(self) -> None:
        self._followers.tick()
        if self._rereads and self._tasks is not None:
            series = tuple(self._rereads)
            self._rereads.clear()
            self._tasks.create_task(self._reread(series))

    async def _reread(self, series: Sequence[Series]) -> None:
        try:
            found = await self._in_thread(partial(stored.standings, series, now=self._clock().utc))
        except AWAY as exc:  # their followers ask again
            self._note(error_line(type(exc).__name__, str(exc)))
        else:
            self._followers.resume(found)

    async def _renew_lease(self) -> None:
        try:
            ours = await self._in_thread(partial(live_feeds.take_lease, self._venue.name, self._outside.holder))
        except RedisError:
            return  # who can't ask can't be told that it is somebody else's; two feeds would only do the work twice
        if not ours:
            raise LeaseLost(self._venue.name)

    async def _look_at_ledger(self) -> None:
        self._holes = await self._in_thread(ledger.open_counts)
        self._followers.holes_are_in(self._holes)
        mine = [series for series in self._followers.series if series in self._holes]
        if mine:
            find = partial(ledger.due, mine, now=self._clock().utc, most=HOLES_AT_ONCE)
            self._followers.fill(await self._in_thread(find))

    async def _beat(self) -> None:
        await self._in_thread(partial(live_feeds.write, self._heartbeats()))

    async def _follow(self, wanted: Callable[[], Sequence[Configured]]) -> None:
        """Follow changes of what is configured."""
        feeds = {feed.name: feed.entry.series_in(self._venue.traits.timeframes) for feed in wanted()}
        if feeds == self._feeds:
            return
        series = list(dict.fromkeys(one for some in feeds.values() for one in some))
        gone = [one for one in self._followers.series if one not in set(series)]
        new = [one for one in series if one not in self._followers.series]
        now = self._clock().utc
        if new:
            names = await self._in_thread(partial(stored.venue_names, self._venue.name))
            know = partial(stored.know, [one.ticker for one in new], calendar=self._venue.traits.calendar, now=now)
            await self._in_thread(know)
            standings = await self._in_thread(partial(stored.standings, new, now=now))
            found = {one: self._name(one, names) for one in new}
            self._followers.add(found, standings)
        self._feeds = feeds
        self._followers.remove(gone)
        self._assign()
        log.info("feed_series", venue=self._venue.name, series=len(series), new=len(new), gone=len(gone))

    # --- Streams

    def _assign(self) -> None:
        """Give every series a stream with room for it."""
        wanted = list(self._followers.series.values())
        if self._followers.polls:
            self._followers.joined(wanted)
            return
        most = self._venue.traits.series_a_connection
        left = dict.fromkeys(wanted)
        for stream in self._streams:
            kept = [one for one in stream.series if one in left]
            for one in kept:
                del left[one]
            room = list(left)[: most - len(kept)]
            for one in room:
                del left[one]
            if (series := (*kept, *room)) != stream.series:
                stream.change(series)
        while left:
            some = list(left)[:most]
            for one in some:
                del left[one]
            self._open(some)

    def _open(self, series: Sequence[VenueSeries]) -> None:
        stream = Stream(
            cast("Venue", self._venue),
            heard=self._followers.heard,
            joined=self._followers.joined,
            lost=self._lost,
            now=lambda: self._clock().utc,
        )
        stream.change(series)
        self._streams.append(stream)
        if self._tasks is not None:
            self._tasks.create_task(stream.run())

    def _lost(self, series: Sequence[VenueSeries], reason: str) -> None:
        self._note(reason)
        self._followers.lost(series)

    def _distrust(self, series: VenueSeries) -> None:
        for stream in self._streams:
            if series in stream.series:
                stream.distrust("bars that history has did not come")

    def _told(self, series: Series, taken: Taken) -> None:
        self._followers.told(series, taken)

    def _dropped(self, reason: str) -> None:
        self._note(reason)
        self._followers.dropped(reason)

    # --- What is told

    def _heartbeats(self) -> dict[str, live_feeds.Heartbeat]:
        now = self._clock().utc
        error = next(
            filter(None, (self._intake.error, *(each.error for each in self._streams), self._historian.error)), ""
        )
        if error:
            self._note(error)
        up = [stream for stream in self._streams if stream.is_connected]
        ages = [age for stream in up if (age := stream.last_sign_age_s) is not None]
        state = report.VenueState(
            connected_at=min((at for each in up if (at := each.connected_at) is not None), default=None),
            last_message_at=now - timedelta(seconds=min(ages)) if ages else None,
            connections=len(up),
            reconnects=sum(stream.reconnects for stream in self._streams),
            requests=self._historian.requests,
            counts=self._intake.counts,
            error=self._error[0],
            error_at=self._error[1] if self._error[0] else None,
        )
        rows = {
            series: report.SeriesState(
                phase=follower.phase,
                connected=follower.connected and follower.phase is not Phase.WAITING,
                overdue=follower.is_overdue and not self._followers.polls,
                refusal=follower.refusal,
                lag_s=self._followers.lags.get(series),
                holes=self._holes.get(series, 0),
            )
            for series, follower in self._followers
        }
        return {
            name: report.heartbeat(self._venue.name, {one: rows[one] for one in series if one in rows}, state, now)
            for name, series in self._feeds.items()
        }

    def _note(self, error: str) -> None:
        self._error = error, self._clock().utc

    def _feed_of(self, series: Series) -> str:
        return next((name for name, some in self._feeds.items() if series in some), "")

    def _name(self, series: Series, names: Mapping[str, str]) -> VenueSeries:
        own = names.get(series.ticker)
        return VenueSeries(self._venue.venue_name(series.ticker) if own is None else own, series.timeframe)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._outside.thread, work)
