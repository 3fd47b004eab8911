"""The process of `manage.py feed`: which venues there are to run, each by itself, until a signal comes."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone

from scanner_app.domain.enums import FeedState
from scanner_app.engine import ingest
from scanner_app.feeds.live import history, stored, venues
from scanner_app.feeds.live.acts import Instant
from scanner_app.feeds.live.runner import LeaseLost, Outside, VenueRunner
from scanner_app.feeds.live.stored import Configured
from scanner_app.messaging import live_feeds
from scanner_app.telemetry import pulse
from scanner_app.workers.outages import AWAY

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

FOLLOW_S: Final = 3.0
"""Seconds between two looks at the configured feeds."""

LEASE_WAIT_S: Final = 2.0
"""Seconds between two tries to get a venue's lease, which another process has."""

AGAIN_S: Final = 10.0
"""Seconds until a venue whose feeds have failed is started again."""

WORKS_FOR_S: Final = 30.0
"""An event loop that has not come round for so long hangs: then its pulse stops."""


def clock() -> Instant:
    """Now."""
    return Instant(timezone.now(), time.monotonic())


async def _show_that_it_works() -> None:
    """Renew the pulse as long as the event loop comes round, however long the database takes."""
    while True:
        pulse.works_for(WORKS_FOR_S)
        await asyncio.sleep(WORKS_FOR_S / 10)


class Process:
    """The feeds of this process: of all venues, or of those that are named."""

    def __init__(self, only: Collection[str] = (), *, without: Collection[str] = ()) -> None:
        """`only` these venues, `without` those; a name without a dot stands for all that begin with it and a dot."""
        self._only = only
        self._without = without
        self._holder = f"{socket.gethostname()} {os.getpid()} {uuid4().hex[:8]}"
        self._configured: Sequence[Configured] = ()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="database") as thread:
            try:
                async with history.client() as http, asyncio.TaskGroup() as group:
                    outside = Outside(accept=ingest.accept, http=http, thread=thread, holder=self._holder, clock=clock)
                    group.create_task(_show_that_it_works())
                    while True:
                        await self._follow(thread)
                        self._start(group, outside)
                        await asyncio.sleep(FOLLOW_S)
            finally:
                thread.submit(connections.close_all)

    async def _follow(self, thread: Executor) -> None:
        """Read what is configured. While the database is away it stays as it is."""
        try:
            await self._in_thread(thread, partial(stored.sync_environment, settings.SCANNER_FEEDS))
            found = await self._in_thread(thread, stored.configured)
            await self._in_thread(thread, partial(live_feeds.write_process, socket.gethostname()))
        except AWAY as exc:
            log.warning("feeds_not_read", error=f"{type(exc).__name__}: {exc}")
            await self._in_thread(thread, connections.close_all)
            return
        self._configured = [each for each in found if self._is_ours(each.entry.venue)]

    def _is_ours(self, venue: str) -> bool:
        names = {venue, venue.partition(".")[0]}
        return not names & set(self._without) and (not self._only or bool(names & set(self._only)))

    def _start(self, group: asyncio.TaskGroup, outside: Outside) -> None:
        """Start the venues that do not run, stop those that nobody wants any more."""
        wanted = {each.entry.venue for each in self._configured}
        for venue in wanted - self._running.keys():
            self._running[venue] = group.create_task(self._keep_up(venue, outside))
        for venue in self._running.keys() - wanted:
            self._running.pop(venue).cancel()

    def _of(self, venue: str) -> list[Configured]:
        return [each for each in self._configured if each.entry.venue == venue]

    async def _keep_up(self, venue: str, outside: Outside) -> None:
        """Run a venue's feeds whenever the lease can be had. A venue that fails disturbs no other."""
        said = False
        while True:
            pause_s = LEASE_WAIT_S
            try:
                made = venues.make(venue)
                for each in self._of(venue):
                    venues.check(each.entry)
                if await self._in_thread(outside.thread, partial(live_feeds.take_lease, venue, self._holder)):
                    said = False
                    await VenueRunner(made, outside).run(partial(self._of, venue))
                elif not said:
                    said = True
                    log.info("feed_waits", venue=venue, reason="another process runs it")
            except* LeaseLost:
                log.warning("feed_lease_lost", venue=venue)
            except* venues.VenueUnavailable as group:
                pause_s = AGAIN_S
                await self._say_down(venue, outside, str(group.exceptions[0]))
            except* AWAY as group:
                log.warning("feed_broker_away", venue=venue, error=str(group.exceptions[0]))
            except* Exception as group:
                pause_s = AGAIN_S
                log.exception("feed_failed", venue=venue)
                await self._say_down(venue, outside, f"a fault of ours: {group.exceptions[0]!r}")
            await asyncio.sleep(pause_s)

    async def _say_down(self, venue: str, outside: Outside, reason: str) -> None:
        log.error("feed_down", venue=venue, reason=reason)
        now = clock().utc
        heartbeat = live_feeds.Heartbeat(
            at=now, venue=venue, state=FeedState.DOWN, last_error=reason, last_error_at=now
        )
        write: Callable[[], None] = partial(live_feeds.write, {each.name: heartbeat for each in self._of(venue)})
        try:
            await self._in_thread(outside.thread, write)
        except AWAY as exc:
            log.warning("feed_broker_away", venue=venue, error=str(exc))

    async def _in_thread(self, thread: Executor, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
