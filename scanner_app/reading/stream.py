"""The stream of signals and hits, as events for browsers and programs (server-sent events).

One thread of each web process gives numbers to what is new, reads it once, and keeps the newest events in memory. Every
open stream remembers only how far it has come: it takes from memory what follows, or, if it was away for longer, from
the database. So a stream costs no thread and no connection to the database, and a slow reader costs the others nothing.
"""

import asyncio
import threading
import time
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter

import structlog
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from scanner_app.domain.errors import ScannerError
from scanner_app.reading import stream_events
from scanner_app.reading.stream_events import Batch, Event, gap
from scanner_app.signals import numbering

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Seconds from one look for what is new to the next."""

REST_S = 0.05
"""Seconds of rest after a look, however long it took: a slow database is not asked without a pause."""

AFTER_AN_ERROR_S = 2.0
"""Seconds until the next look when the database has failed."""

SILENCE_S = 15.0
"""Seconds after which a stream without events gets a comment, so that proxies keep it open."""

LASTS_S = 900.0
"""Seconds after which a stream ends. Its reader goes on after the last number, if he still may: users are disabled,
tokens end, and nobody asks who reads while a stream is open."""

REMEMBERED = 5_000
"""Newest events that a process keeps in memory, some 2 MB: who is further behind asks the database."""

WOKEN_AT_ONCE = 5
"""Streams that are woken together. The event loop serves all that are awake before it takes a new request: so a
request waits for one group, and not for all streams."""

SPREAD_S = LOOK_S / 2
"""Seconds in which all streams are woken, however many: what they cost is spread, so that a request beside it is hardly
slower. All at once, they took the interpreter from it for as long as they needed."""

WAKE_PAUSE_S = 0.01
"""Most seconds between two groups: few streams are woken sooner."""

MOST_STREAMS = 1_000
"""Open streams of one web process."""


Wanted = Callable[[Event], bool]

Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Event]
"""An open stream: the event that wakes it, and the loop in which."""

_number = attrgetter("number")


class TooManyStreams(ScannerError):
    """This process has as many open streams as it may have."""


class Follower:
    """The newest events of this process, and the thread that follows the database while somebody reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []  # by number
        self._from = 0  # all events after this number are in `_events`
        self._to = 0  # up to this number
        self._begins_after = 0
        self._waiting: set[Waiter] = set()
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="stream-reader")

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._waiting)

    def join(self, waiter: Waiter) -> None:
        """A stream begins."""
        with self._lock:
            self._waiting.add(waiter)
            if self._thread is None:
                self._from = self._to = 0
                self._events.clear()
                self._thread = threading.Thread(target=self._follow, name="stream", daemon=True)
                self._thread.start()

    def leave(self, waiter: Waiter) -> None:
        """A stream has ended; with the last one the thread ends too."""
        with self._lock:
            self._waiting.discard(waiter)

    @property
    def begins_after(self) -> int:
        """What came before this number may be missing."""
        return self._begins_after

    def after(self, number: int) -> Batch | None:
        """Some events after this number, and up to which number they are all; None if memory does not go back so far.

        Numbers may have holes: rows that are gone since.
        """
        with self._lock:
            if number < self._from:
                return None
            first = bisect_right(self._events, number, key=_number)
            found = self._events[first : first + stream_events.AT_ONCE]
            return found, (found[-1].number if len(found) == stream_events.AT_ONCE else max(number, self._to))

    async def read(self, number: int) -> Batch:
        """Some events after this number from the database, and up to which number they are all."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, _read_and_let_go, number)

    def _follow(self) -> None:
        """Number what is new, read it, wake the streams; until none is left."""
        pause = threading.Event()
        try:
            while self._go_on():
                began = time.monotonic()
                try:
                    more = self._look()
                    pause.wait(0 if more else max(REST_S, began + LOOK_S - time.monotonic()))
                except Exception as exc:  # whatever it is: without this thread all streams would be silent
                    log.error("stream_failed", error=str(exc), exc_info=not isinstance(exc, Error))
                    close_old_connections()
                    pause.wait(AFTER_AN_ERROR_S)
        finally:
            connection.close()

    def _go_on(self) -> bool:
        with self._lock:
            if not self._waiting:
                self._thread = None
            return self._thread is not None

    def _look(self) -> bool:
        """One look; whether there is more to be read now."""
        close_old_connections()
        if (state := numbering.number_new(timezone.now())) is None:
            state = numbering.progress()  # another process gives the numbers
        self._begins_after = state.begins_after
        if not self._to:
            self._from = self._to = state.last
            self._wake()
            return state.more
        events, upto = stream_events.read(self._to)
        with self._lock:
            self._events.extend(events)
            if len(self._events) >= 2 * REMEMBERED:
                self._from = self._events[-REMEMBERED - 1].number
                del self._events[:-REMEMBERED]
            self._to = upto
        if events:
            self._wake()
        return state.more or upto < state.last

    def _wake(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        pause = min(WAKE_PAUSE_S, SPREAD_S * WOKEN_AT_ONCE / max(1, len(waiting)))
        began = time.monotonic()
        for place, (loop, event) in enumerate(waiting):
            if place % WOKEN_AT_ONCE == 0:
                # By the clock: each sleep lasts longer than asked where other threads are busy.
                early = began + place // WOKEN_AT_ONCE * pause - time.monotonic()
                if early > 0:
                    time.sleep(early)
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # its loop has ended, and with it the process
                self.leave((loop, event))


FOLLOWER = Follower()
"""Of this process."""


def open_stream(start: int, wanted: Wanted, *, last: int) -> AsyncGenerator[bytes, None]:
    """Events after the number `start` that are wanted, for LASTS_S; a comment now and then. Raises TooManyStreams.

    If some before are missing, an event `gap` says so: they were too long ago, or the reader comes from another
    database, because its number is after `last`, the newest one.
    """
    if FOLLOWER.streams >= MOST_STREAMS:
        raise TooManyStreams
    return _stream(start, wanted, last)


async def _stream(start: int, wanted: Wanted, last: int) -> AsyncGenerator[bytes, None]:
    waiter = asyncio.get_running_loop(), asyncio.Event()
    FOLLOWER.join(waiter)
    at = min(start, last)
    ends = waiter[0].time() + LASTS_S
    try:
        yield b": stream of signals and hits\nretry: 2000\n\n"
        if start > last:
            yield gap(start, last)
        while waiter[0].time() < ends:
            waiter[1].clear()
            batch = FOLLOWER.after(at)
            if batch is None and at < FOLLOWER.begins_after:
                yield gap(at, FOLLOWER.begins_after)
                at = FOLLOWER.begins_after
                continue
            found, at = batch if batch is not None else await FOLLOWER.read(at)
            if text := b"".join(event.text for event in found if wanted(event)):
                yield text
            elif not found and not await _woken(waiter[1]):
                # The number alone: who wants few of the events need not look through the others again.
                yield b"id: %d\n: \n\n" % at
        yield b"id: %d\n: \n\n" % at
    finally:
        FOLLOWER.leave(waiter)


async def _woken(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(SILENCE_S):  # wait_for would make a task for each look
            await event.wait()
    except TimeoutError:
        return False
    return True


def _read_and_let_go(number: int) -> Batch:
    close_old_connections()
    try:
        return stream_events.read(number)
    finally:
        close_old_connections()
