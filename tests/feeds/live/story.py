"""A feed and a venue in one event loop, on real sockets, by a clock that the test moves; and the checker of the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import GapState
from scanner_app.domain.feed_entries import Series, parse_entry
from scanner_app.engine import ingest
from scanner_app.feeds.demo_venue.connections import Limits
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import INTERVALS, Kline
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.demo_venue.server import Venue
from scanner_app.feeds.live import history, runner, stream
from scanner_app.feeds.live.acts import Instant, Phase
from scanner_app.feeds.live.binance import Binance
from scanner_app.feeds.live.runner import Outside, VenueRunner
from scanner_app.feeds.live.stored import Configured
from scanner_app.models import Bar, Gap
from tests.venues import klines

MINUTE_MS = 60_000

START_MS = 1_790_000_040_000 // MINUTE_MS * MINUTE_MS
"""The venue's clock at the beginning, on a whole minute in 2026."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other quickly, and pauses between connections are short: bars have the test's own clock."""
    monkeypatch.setattr(runner, "TICK_S", 0.01)
    monkeypatch.setattr(runner, "LEDGER_S", 0.02)
    monkeypatch.setattr(history, "LONGEST_NAP_S", 0.01)
    monkeypatch.setattr(stream, "PAUSES_S", (0.02, 0.02, 0.05))


@dataclass
class Story:
    """What is played. The feed begins at START_MS, before which there are `before` bars of each series."""

    symbols: Sequence[str] = ("BTCUSDT",)
    timeframe: str = "1m"
    before: int = 60
    bars: int = 30
    faults: Sequence[Fault] = ()
    limits: Limits | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)
    accept: Callable[..., Any] = ingest.accept
    changed: Callable[[], Sequence[Configured]] | None = None

    def __post_init__(self) -> None:
        self.length_ms = INTERVALS[self.timeframe]
        first = START_MS - self.before * self.length_ms
        self.klines: dict[tuple[str, str], list[Kline]] = {
            (symbol, self.timeframe): klines(first, self.before + self.bars + 40, interval=self.timeframe, price=price)
            for symbol, price in zip(self.symbols, range(100, 100_000, 50), strict=False)
        }
        self.script = Script(Written(self.klines), self.faults, update_ms=20_000)
        self.venue: Any = Venue(self.script, start_ms=START_MS, limits=self.limits)
        self.now_ms = START_MS

    def clock(self) -> Instant:
        return Instant(datetime.fromtimestamp(self.venue.now_ms / 1000, UTC), self.venue.now_ms / 1000)

    def configured(self) -> Sequence[Configured]:
        entry = parse_entry("binance", f"{','.join(self.symbols)}@{self.timeframe}")
        return [Configured(name="binance", entry=entry)]

    def reader(self) -> Any:
        """The venue as the feed knows it."""
        return Binance(ws_url=self.venue.ws_url, rest_url=self.venue.rest_url)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Story"]:
        async with self.venue, self.feed():
            yield self

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[None]:
        """The feed; it may be run again when it was stopped."""
        venue = self.reader()
        venue.traits = replace(venue.traits, **self.traits)
        with ThreadPoolExecutor(max_workers=1) as thread:
            self.thread = thread
            async with history.client() as http:
                outside = Outside(accept=self.accept, http=http, thread=thread, holder="test", clock=self.clock)
                self.runner = VenueRunner(venue, outside)
                self.task = asyncio.create_task(self.runner.run(self.changed or self.configured))
                try:
                    yield
                finally:
                    self.task.cancel()
                    with suppress(asyncio.CancelledError, BaseExceptionGroup):
                        await self.task
                    thread.submit(_close)

    async def play(self, bars: float, *, step_ms: int = 1_000) -> None:
        """Let so many bars' time pass."""
        end_ms = self.venue.now_ms + round(bars * self.length_ms)
        while self.venue.now_ms < end_ms:
            await self.venue.advance(min(self.venue.now_ms + step_ms, end_ms))
            await self.rest()

    async def rest(self) -> None:
        """Wait until nothing happens any more."""
        await self._all_read()
        for _ in range(2):
            await asyncio.sleep(0.003)
            await self.until(lambda: self.runner._historian.is_waiting, "history is answered")
            await asyncio.wait_for(self.runner._intake.idle(), 30)

    async def _all_read(self) -> None:
        """What the venue has sent is read: a pong comes behind it."""
        for each in self.runner._streams:
            socket = each._current._socket if each._current is not None else None
            if socket is not None:
                with suppress(TimeoutError, ConnectionClosed):
                    await asyncio.wait_for(await socket.ping(), 0.05)

    async def until(self, condition: Callable[[], object], what: str, *, deadline_s: float = 20) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        while not condition():
            if loop.time() > end:
                raise AssertionError(f"not within {deadline_s:g} s: {what}; {self.phases()}")
            await asyncio.sleep(0.01)

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """What database work gives."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def healed(self) -> None:
        """Let time pass until no hole is open any more."""
        end_ms = self.venue.now_ms + 20 * self.length_ms
        while await self.in_thread(_open_holes):
            assert self.venue.now_ms < end_ms, "holes are open after twenty bars' time"
            await self.play(0.1)

    async def joined(self) -> None:
        await self.until(lambda: self.phases() and set(self.phases().values()) == {Phase.LIVE}, "all series are live")

    def phases(self) -> dict[Series, Phase]:
        return {series: follower.phase for series, follower in self.runner._followers}


def _open_holes() -> int:
    return Gap.objects.filter(state=GapState.OPEN).count()


def _close() -> None:
    from django.db import connections

    connections.close_all()


def check(story: Story, *, first_ms: int = START_MS, late: int = 0) -> None:
    """Every closed bar of the script is stored once, in order, with its last values, and each hole has ended rightly.

    `late`: at most so many bars may be late.
    """
    now_ms = story.venue.now_ms
    for symbol, interval in story.klines:
        truth = {k.open_ms: k for k in story.script.closed(symbol, interval, first_ms, now_ms)}
        stored = list(Bar.objects.filter(symbol__ticker=symbol, timeframe=interval).order_by("sequence"))
        by_ms = {round(bar.timestamp.timestamp() * 1000): bar for bar in stored}
        assert len(by_ms) == len(stored)
        missing = sorted(truth.keys() - by_ms.keys())
        assert not missing, f"{symbol}: missing at {[(ms - START_MS) / story.length_ms for ms in missing]}"
        strange = [ms for ms in by_ms if ms >= first_ms and ms not in truth]
        assert not strange, f"{symbol}: bars that the script has not closed: {strange}"
        for ms, kline in truth.items():
            assert [getattr(by_ms[ms], name) for name in VALUES] == [getattr(kline, name) for name in VALUES], ms
        assert not [bar for bar in stored if bar.assumed]
        in_time = [bar.timestamp for bar in stored if not bar.late]
        assert in_time == sorted(in_time)
        assert sum(bar.late for bar in stored) <= late, f"{symbol}: {sum(bar.late for bar in stored)} bars are late"
    for gap in Gap.objects.select_related("symbol"):
        assert gap.state != GapState.OPEN, gap
        first, last = (round(each.timestamp() * 1000) for each in (gap.first, gap.last))
        there = list(story.script.closed(gap.symbol.ticker, gap.timeframe, first, last + story.length_ms))
        if gap.state == GapState.REFILLED:
            assert gap.refilled == gap.missing == len(there), gap
        else:
            assert gap.state == GapState.EMPTY
            assert gap.refilled == len(there) < gap.missing


__all__ = ["MINUTE_MS", "START_MS", "Fault", "FaultKind", "Story", "check", "quick"]
