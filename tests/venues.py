"""The demo's venue as a server for tests: real sockets, a clock that the test moves, faults at exact times."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from scanner_app.feeds.demo_venue.connections import Limits
from scanner_app.feeds.demo_venue.faults import Fault
from scanner_app.feeds.demo_venue.klines import INTERVALS, Kline
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.demo_venue.server import Venue
from scanner_app.feeds.demo_venue.weights import Weights


def klines(first_ms: int, number: int, *, interval: str = "1m", price: float = 100.0) -> list[Kline]:
    """So many bars from `first_ms` on, each different from the others, none flat."""
    return [
        Kline(
            open_ms=first_ms + INTERVALS[interval] * step,
            open=price + step % 7,
            high=price + step % 7 + 2,
            low=price + step % 7 - 1,
            close=price + step % 7 + 1,
            volume=1_000.0 + step,
        )
        for step in range(number)
    ]


class PlayedVenue:
    """A venue in a thread of its own, for tests without an event loop. `venue` may be read, not called."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.ws_url = self.rest_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="venue", daemon=True)

    def advance(self, now_ms: int) -> None:
        """Play what is due until then."""
        self._do(self.venue.advance(now_ms))

    @contextmanager
    def in_real_time(self) -> Iterator[None]:
        """Play by the clock of this machine for the length of the block."""
        playing = asyncio.run_coroutine_threadsafe(self.venue.run(lambda: time.time_ns() // 1_000_000), self._loop)
        try:
            yield
        finally:
            if playing.done():
                playing.result()  # raises what has ended it
            playing.cancel()

    def start(self) -> None:
        """Listen (again, on the same port)."""
        self._do(self.venue.start())
        self.ws_url, self.rest_url = self.venue.ws_url, self.venue.rest_url

    def stop(self) -> None:
        """Drop everybody, and refuse connections as a machine does where nothing listens."""
        self._do(self.venue.stop())

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=30)

    def _run(self) -> None:
        self._thread.start()

    def _end(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def played(
    series: dict[tuple[str, str], list[Kline]],
    faults: Sequence[Fault] = (),
    *,
    start_ms: int,
    update_ms: int = 20_000,
    limits: Limits | None = None,
    weights: Weights | None = None,
) -> Iterator[PlayedVenue]:
    """A venue that listens, at `start_ms` by its clock, and plays nothing until it is told to."""
    script = Script(Written(series), faults, update_ms=update_ms)
    found = PlayedVenue(Venue(script, start_ms=start_ms, limits=limits, weights=weights))
    found._run()
    try:
        found.start()
        yield found
    finally:
        found._end()
