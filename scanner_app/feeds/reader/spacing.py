"""Timeframe and direction out of the times themselves, series by series, in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.reader.timeframe_names import named

DAY: Final = timedelta(days=1)

MOST_SERIES: Final = 50_000
"""Series that are followed; of further ones nothing is inferred."""

MOST_STEPS: Final = 10_000
"""Different steps that are counted."""

_MONTH: Final = timedelta(days=30)
_SATURDAY: Final = 5
EVEN: Final = 0.2
"""Share of steps that the commonest one must have to be the timeframe: below it the times are scattered."""

_SURE: Final = 0.9
_SEVERAL: Final = 3

_SAME: Final = 0.05
_FINER: Final = 0.3


@dataclass(slots=True)
class Spacing:
    """Steps between the neighbouring bars of each series, and which way they go."""

    steps: Counter[timedelta] = field(default_factory=Counter)
    up: int = 0
    down: int = 0
    bars: int = 0
    midnight: bool = True
    earliest: time = time.max
    latest: time = time.min
    first_down: int | None = None
    last: dict[object, datetime] = field(default_factory=dict)
    _clock: time | None = None

    def add(self, series: object, moment: datetime, line: int) -> None:
        """Take the time of a series' next bar (naive)."""
        before = self.last.get(series)
        self.bars += 1
        clock = moment.time()
        if clock != self._clock:
            self._clock = clock
            self.midnight = self.midnight and clock == time.min
            self.earliest, self.latest = min(self.earliest, clock), max(self.latest, clock)
        if before is not None:
            self.last[series] = moment
            self._step(before, moment, line)
        elif len(self.last) < MOST_SERIES:
            self.last[series] = moment

    def _step(self, before: datetime, moment: datetime, line: int) -> None:
        if moment > before:
            self.up += 1
            step = moment - before
        elif moment < before:
            self.down += 1
            if self.first_down is None:
                self.first_down = line
            step = before - moment
        else:
            return
        if step >= DAY:
            step = _long_step(min(moment, before), step)
        if step in self.steps or len(self.steps) < MOST_STEPS:
            self.steps[step] += 1

    @property
    def all_midnight(self) -> bool:
        """Whether there are bars, and all of them at midnight."""
        return self.midnight and self.bars > 0

    @property
    def newest_first(self) -> bool:
        """Whether the bars run backwards in time, nearly all of them."""
        return self.down > 9 * self.up

    @property
    def even(self) -> float:
        """The share of the commonest step."""
        return self.steps.most_common(1)[0][1] / self.steps.total() if self.steps else 0.0

    def timeframe(self) -> str | None:
        """The timeframe of the commonest step; None if there is no such timeframe, or hardly two steps are alike."""
        if not self.steps or self.even < EVEN:
            return None
        name = _name(self.common)
        if name == "3d" and (self.even < _SURE or self.steps.total() < _SEVERAL):
            return None  # days of a market that is hardly traded have such steps too
        return name

    @property
    def common(self) -> timedelta:
        """The commonest step, the shorter one of equals; 30 days stand for a month."""
        most = self.steps.most_common(1)[0][1]
        return min(step for step, count in self.steps.items() if count == most)

    def against(self, timeframe: str, *, dates: bool) -> str | None:
        """Say in words how the times contradict a timeframe; None if they do not. `dates`: they have no time of day."""
        length = TIMEFRAMES[timeframe]
        if (dates or (self.midnight and self.bars > 1)) and length < DAY:
            return "its times are dates" if dates else "its times are all midnight"
        if not self.steps or self.timeframe() == timeframe:
            return None
        total = self.steps.total()
        same, finer = self.steps[length], sum(count for step, count in self.steps.items() if step < length)
        if same >= _SAME * total and finer <= _FINER * total:
            return None
        if total <= 2 and not finer and all(not step % length for step in self.steps):
            return None  # two or three bars with gaps between them
        return f"its bars are mostly {words(self.common)} apart"


def _long_step(since: datetime, step: timedelta) -> timedelta:
    """Return a step of a day or more as its kind: a weekend is no gap of a market's days, a month is a month."""
    if timedelta(days=28) <= step <= timedelta(days=31):
        return _MONTH
    if DAY < step <= 4 * DAY and since.weekday() < _SATURDAY:
        until = since + step
        if until.weekday() < since.weekday() and until.weekday() < _SATURDAY:
            return step - 2 * DAY
    return step


def _name(step: timedelta) -> str | None:
    return "1M" if step == _MONTH and "1M" in TIMEFRAMES else named(step)


def words(step: timedelta) -> str:
    """Return a step in words, in its largest whole unit."""
    if step == _MONTH:
        return "a month"
    seconds = step.total_seconds()
    for unit, size in (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and not seconds % size:
            count = int(seconds // size)
            return f"{count:,} {unit}{'s' * (count > 1)}"
    return f"{seconds:g} seconds"
