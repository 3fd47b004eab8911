"""What became of a venue's bars: each must be stored once, in order, with its values, and processed once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks.venue import Made
from scanner_app.domain.bars import VALUES
from scanner_app.domain.timeframes import TIMEFRAMES


class Account:
    """The bars that opened from `first` on and ended before `last`. Read from the database when it is made."""

    def __init__(self, made: Made, interval: str, first: datetime, last: datetime) -> None:
        self._made = made
        self._interval = interval
        self._first, self._last = first, last
        self.bars = self.late = self.holes = 0
        self.faults: list[str] = [*self._faults(), *self._hole_faults()]
        """What is wrong, as sentences; empty: nothing is."""

    def _faults(self) -> Iterator[str]:
        from scanner_app.models import Bar, Signal  # noqa: PLC0415 - models need Django set up

        signals = Signal.objects.filter(detector="witness", withdrawn_at=None)
        seen = set(signals.values_list("bar_id", flat=True))
        length = TIMEFRAMES[self._interval]
        for symbol, _ in self._made.series:
            rows = list(Bar.objects.filter(symbol__ticker=symbol, timeframe=self._interval).order_by("sequence"))
            mine = [row for row in rows if self._first <= row.timestamp and row.timestamp + length <= self._last]
            by_time = {row.timestamp: row for row in mine}
            self.bars += len(by_time)
            self.late += sum(row.late for row in mine)
            if len(by_time) < len(mine):
                yield f"{symbol}: {len(mine) - len(by_time)} bars are stored twice"
            at = self._first
            while at + length <= self._last:
                if at not in by_time:
                    yield f"{symbol}: the bar of {at} is missing"
                at += length
            for row in mine:
                yield from self._row_faults(symbol, row, seen)
            in_time = [row.timestamp for row in rows if not row.late]
            finished = [row.finished_at for row in rows if row.finished_at is not None]
            if in_time != sorted(in_time) or finished != sorted(finished):
                yield f"{symbol}: not in order"

    def _row_faults(self, symbol: str, row: Any, seen: set[int]) -> Iterator[str]:
        kline = self._made.kline(symbol, self._interval, round(row.timestamp.timestamp() * 1000))
        if [getattr(row, name) for name in VALUES] != [getattr(kline, name) for name in VALUES]:
            yield f"{symbol}: the bar of {row.timestamp} has other values than the venue's"
        if row.status != "processed" or row.assumed:
            yield f"{symbol}: the bar of {row.timestamp} is {'assumed' if row.assumed else row.status}"
        elif row.pk not in seen:
            yield f"{symbol}: the bar of {row.timestamp} has no signal"

    def _hole_faults(self) -> Iterator[str]:
        from scanner_app.models import Gap  # noqa: PLC0415 - models need Django set up

        for gap in Gap.objects.select_related("symbol"):
            self.holes += 1
            # The venue has all bars, so that every hole must end refilled.
            if gap.state != "refilled" or gap.refilled != gap.missing:
                yield f"{gap.symbol}: the hole of {gap.first} is {gap.state}: {gap.refilled} of {gap.missing} bars"
