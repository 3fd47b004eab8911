"""Hand bars to ingest: each series in its order, live bars before refills, bounded, however long the database is away.

Ingest runs in a thread of its own, one call at a time. While the database is away the call is repeated; a bar that was
stored although the call failed is a duplicate then. What is beyond MOST_WAITING, or waits for longer than AWAY_S, is
dropped, and whoever brought it is told: history will bring it again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

import structlog
from django.db import connections

from scanner_app.domain.bars import values_of
from scanner_app.domain.feed_entries import Series
from scanner_app.domain.wording import error_line
from scanner_app.engine.ingest import Report
from scanner_app.feeds.live.taken import Counts, Taken, refusals
from scanner_app.feeds.live.venue import VenueBar
from scanner_app.feeds.patience import growing
from scanner_app.workers.outages import OUTAGES

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

BATCH: Final = 500
"""Bars in one call of ingest: one transaction."""

MOST_WAITING: Final = 20_000
"""Bars that wait for ingest, of all series together; history is not read on beyond half of them. Some 10 MB."""

AWAY_S: Final = 30.0
"""What has waited so long for the database is dropped, and refilled later."""


class Accept(Protocol):
    """Ingest: takes 1 to 5,000 raw bars."""

    def __call__(
        self, bars: Sequence[Mapping[str, object]], /, *, now: datetime, revising: bool = False, source: str = ""
    ) -> Report:
        """Accept or reject each bar; indexes in the report are places in `bars`."""


@dataclass(slots=True, eq=False)
class _Portion:
    """Bars of one series that wait, in their order, and database work before the first and after the last of them."""

    bars: deque[VenueBar]
    revising: bool  # other values for known bars replace them
    before: Callable[[], None] | None
    after: Callable[[bool], None] | None  # is told whether the scanner has taken them
    whole: bool = True


_Chosen = tuple[Series, _Portion, int]
"""A portion of a series, and how many of its bars."""


class Intake:
    """Bars on their way to ingest."""

    def __init__(
        self,
        accept: Accept,
        *,
        source: str,
        thread: Executor,
        now: Callable[[], datetime],
        told: Callable[[Series, Taken], None],
        dropped: Callable[[str], None],
    ) -> None:
        """`told` hears what became of a series' bars; `dropped` that all that waited was dropped, and why."""
        self._accept = accept
        self._source = source
        self._thread = thread
        self._now = now
        self._told = told
        self._dropped = dropped
        self._waiting: dict[Series, deque[_Portion]] = {}
        self._count = 0
        self._forming: dict[Series, VenueBar] = {}
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.counts = Counts()
        self.error = ""  # why the scanner does not answer; "": it does

    # --- Bringing

    def put(
        self,
        series: Series,
        bars: Sequence[VenueBar],
        *,
        revising: bool = False,
        before: Callable[[], None] | None = None,
        after: Callable[[bool], None] | None = None,
    ) -> None:
        """Have bars of a series handed on, behind those that wait already. `before` and `after` run in the thread.

        No bars, but work: it is done in its turn.
        """
        if self._count + len(bars) > MOST_WAITING:
            self._drop_all(self.error or "bars come faster than the scanner takes them")
            return
        self._waiting.setdefault(series, deque()).append(_Portion(deque(bars), revising, before, after))
        self._count += len(bars)
        self._filled.set()
        self._idle.clear()

    def put_forming(self, series: Series, bar: VenueBar) -> None:
        """Have the newest values of a forming bar kept, instead of those that still wait."""
        self._forming[series] = bar
        self._filled.set()

    def drop(self, series: Series) -> None:
        """Forget what waits of a series."""
        self._count -= sum(len(portion.bars) for portion in self._waiting.pop(series, ()))
        self._forming.pop(series, None)

    @property
    def has_room(self) -> bool:
        """Whether history may bring more bars."""
        return self._count < MOST_WAITING // 2 and not self.error

    async def idle(self) -> None:
        """Return when nothing waits."""
        await self._idle.wait()

    # --- Handing on

    async def run(self) -> None:
        """Hand on until cancelled."""
        while True:
            await self._filled.wait()
            if batch := self._batch():
                await self._send(batch)
            elif self._forming:
                await self._send_forming()
            if not self._waiting:
                self._idle.set()
                if not self._forming:
                    self._filled.clear()

    def _batch(self) -> list[_Chosen]:
        """The next bars of one call: of series with few first, which are the live ones; all revising, or none."""
        chosen: list[_Chosen] = []
        room = BATCH
        for series in sorted(self._waiting, key=self._length):
            portion = self._waiting[series][0]
            if room and (not chosen or portion.revising == chosen[0][1].revising):
                count = min(room, len(portion.bars))
                chosen.append((series, portion, count))
                room -= count
        return chosen

    def _length(self, series: Series) -> int:
        return sum(len(portion.bars) for portion in self._waiting[series])

    async def _send(self, batch: Sequence[_Chosen]) -> None:
        bars = [list(islice(portion.bars, count)) for _, portion, count in batch]
        raw = [_raw(series, bar, closed=True) for (series, _, _), some in zip(batch, bars, strict=True) for bar in some]
        report = await self._patiently(partial(self._call, batch, raw))
        if report is None:
            return
        self.counts.add(report)
        rejected = {rejection.index: rejection for rejection in report.rejected}
        conflicts = {conflict.index for conflict in report.conflicts}
        begin = 0
        for (series, portion, count), some in zip(batch, bars, strict=True):
            places = range(begin, begin + count)
            begin += count
            taken = Taken(
                bars=some,
                revising=portion.revising,
                conflicts=[some[place - places[0]] for place in places if place in conflicts],
                **refusals(series, [rejected[place] for place in places if place in rejected]),
            )
            portion.whole = portion.whole and taken.is_whole
            if self._through(series, portion, count) and portion.after is not None:
                await self._patiently(partial(portion.after, portion.whole))
            if some:
                self._told(series, taken)

    def _call(self, batch: Sequence[_Chosen], raw: Sequence[Mapping[str, object]]) -> Report:
        """In the thread: what is to be done before, then ingest. Again as a whole if the database was away."""
        for _, portion, _ in batch:
            if portion.before is not None:
                portion.before()
        if not raw:
            return Report()
        return self._accept(raw, now=self._now(), revising=batch[0][1].revising, source=self._source)

    def _through(self, series: Series, portion: _Portion, count: int) -> bool:
        """So many bars of a portion are through; whether that is all of it."""
        portions = self._waiting.get(series)
        if not portions or portions[0] is not portion:
            return False  # it was dropped meanwhile
        portion.before = None
        for _ in range(count):
            portion.bars.popleft()
        self._count -= count
        if portion.bars:
            return False
        portions.popleft()
        if not portions:
            del self._waiting[series]
        return True

    async def _send_forming(self) -> None:
        """The newest values, of which none is worth a second try."""
        some = dict(list(self._forming.items())[:BATCH])
        for series in some:
            del self._forming[series]
        raw = [_raw(series, bar, closed=False) for series, bar in some.items()]
        try:
            await self._in_thread(lambda: self._accept(raw, now=self._now(), source=self._source))
        except OUTAGES as exc:
            await self._note_outage(exc)
            await asyncio.sleep(1)

    async def _patiently(self, work: Callable[[], Result]) -> Result | None:
        """What `work` returns, which is done again until the database answers. None: all was dropped meanwhile."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        pauses = growing()
        while True:
            try:
                result = await self._in_thread(work)
            except OUTAGES as exc:
                await self._note_outage(exc)
                if loop.time() - began > AWAY_S:
                    self._drop_all(self.error)
                    began = loop.time()
                await asyncio.sleep(next(pauses))
                if not self._waiting:
                    return None
            else:
                if self.error:
                    log.info("feed_scanner_back", source=self._source)
                self.error = ""
                return result

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _note_outage(self, exc: Exception) -> None:
        if not self.error:
            log.warning("feed_scanner_away", source=self._source, error=error_line(type(exc).__name__, str(exc)))
        self.error = error_line(type(exc).__name__, str(exc))
        await self._in_thread(connections.close_all)  # the next statement has a fresh one

    def _drop_all(self, reason: str) -> None:
        log.warning("feed_bars_dropped", source=self._source, bars=self._count, reason=reason)
        self._waiting.clear()
        self._forming.clear()
        self._count = 0
        self._dropped(reason)


def _raw(series: Series, bar: VenueBar, *, closed: bool) -> dict[str, Any]:
    return {
        "symbol": series.ticker,
        "timeframe": series.timeframe,
        "timestamp": bar.timestamp,
        **values_of(bar),
        "closed": closed,
    }
