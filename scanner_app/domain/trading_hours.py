"""Count trading time and missing bars by a calendar's sessions: no Django, no clock, no I/O.

A bar belongs to a period. Below a day the period has the bar's own length, and a session's last one is cut short by
its close. A daily bar's period is a session: the first one that closes after the bar's timestamp, so the bar may be
stamped with midnight UTC, midnight at the exchange, or the session's opening. The period of a 3d bar is three sessions,
of which that is the first: there is no common day that they are counted from. The period of a weekly or monthly bar is
the sessions of a week (from Monday) or of a month.

Outside of the known sessions no trading time passes, so no bar is late or missing there.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import accumulate
from typing import Any

from scanner_app.domain.timeframes import TIMEFRAMES

PARTIAL = 0.1
"""What is left of a session after its last whole bar counts as a bar if it is longer than this share of a bar."""

DAY_S = 86_400

THREE_DAYS = "3d"

BY_SESSIONS = frozenset({"1d", "1w", "1M"})
"""Timeframes whose bars end with the close of a session that the calendar tells. For THREE_DAYS, see above."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day; times in unix seconds."""

    day: int  # date.toordinal() of the day that it is named after
    open: int
    close: int
    break_start: int | None = None
    break_end: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When the bar after a bar is expected."""

    end: float  # end of the bar's period, unix seconds
    next_s: float  # trading time of the next period


class Hours:
    """The trading hours of one calendar, sessions oldest first."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        known = list(sessions)
        self._days = [one.day for one in known]
        self._opens = [one.open for one in known]
        self._closes = [one.close for one in known]
        stretches = [stretch for one in known for stretch in _stretches(one)]
        self._starts = [start for start, _ in stretches]
        self._ends = [end for _, end in stretches]
        self._before = [0, *accumulate(end - start for start, end in stretches)]

    def traded_between(self, start: float, end: float) -> float:
        """Trading time (s) between two moments (unix s); 0 if the second is not the later one."""
        return max(0.0, self._traded(end) - self._traded(start))

    def starts_before(self, at: float) -> tuple[int, ...]:
        """The last opening, and the last reopening, (unix s) up to this moment; none where no sessions are known."""
        begun = bisect_right(self._starts, at)
        if begun == 0 or at >= self._ends[-1]:
            return ()
        return self._opens[bisect_right(self._opens, at) - 1], self._starts[begun - 1]

    @property
    def are_known(self) -> bool:
        """Whether there are any sessions: none are there if the calendar could not be loaded."""
        return bool(self._days)

    def session_between(self, start: float, end: float) -> tuple[Session, int] | None:
        """The first session that closes after `start`, if it opens before `end`, and when the session before closed.

        Times in unix seconds. None if there is none, and where the sessions are not known.
        """
        number = bisect_right(self._closes, start)
        if number in {0, len(self._days)} or self._opens[number] >= end:
            return None
        return Session(self._days[number], self._opens[number], self._closes[number]), self._closes[number - 1]

    def session_open(self, at: datetime) -> datetime | None:
        """When the session opened that goes on at this moment (aware); None if the market is closed then."""
        moment = at.timestamp()
        session = bisect_right(self._opens, moment) - 1
        if session < 0 or moment >= self._closes[session]:
            return None
        return datetime.fromtimestamp(self._opens[session], UTC)

    def start_after(self, at: float) -> int | None:
        """The first opening or reopening (unix s) after this moment; None where the sessions are not known."""
        begun = bisect_right(self._starts, at)
        return self._starts[begun] if 0 < begun < len(self._starts) else None

    def closed_until(self, at: float) -> int | None:
        """When the market that is closed at this moment opens (unix s); None: it is open, or nobody knows."""
        begun = bisect_right(self._starts, at)
        if begun == 0 or begun == len(self._starts) or at < self._ends[begun - 1]:
            return None
        return self._starts[begun]

    def due_after(self, timeframe: str, timestamp: datetime) -> Due | None:
        """When the bar after the one of this timestamp is expected; None beyond the known sessions."""
        start, length = timestamp.timestamp(), TIMEFRAMES[timeframe].total_seconds()
        if length < DAY_S:
            return Due(end=start + length, next_s=self._next_within_a_session(start + length, length))
        if timeframe == THREE_DAYS:
            return self._three_sessions(start)
        last = self._last_sessions[timeframe]
        period = self._period(timeframe, start)
        if period + 1 >= len(last):
            return None
        end, next_end = self._closes[last[period]], self._closes[last[period + 1]]
        return Due(end=end, next_s=self.traded_between(end, next_end))

    def _next_within_a_session(self, at: float, length: float) -> float:
        """Trading time (s) of the bar after one that ended at this moment: cut short by its session's close."""
        session = bisect_right(self._closes, at)
        if session == len(self._days):
            return length
        rest = self.traded_between(max(at, self._opens[session]), self._closes[session])
        if rest > PARTIAL * length or session + 1 == len(self._days):
            return min(length, rest)
        return rest + min(length, self.traded_between(self._opens[session + 1], self._closes[session + 1]))

    def _three_sessions(self, start: float) -> Due | None:
        last = bisect_right(self._closes, start) + 2
        if last + 3 >= len(self._days):
            return None
        end, next_end = self._closes[last], self._closes[last + 3]
        return Due(end=end, next_s=self.traded_between(end, next_end))

    def missing_between(self, timeframe: str, earlier: datetime, later: datetime) -> int:
        """The number of bars missing between two neighbouring bars of a series; 0 if they are complete."""
        length = TIMEFRAMES[timeframe].total_seconds()
        start, end = earlier.timestamp(), later.timestamp()
        if timeframe == THREE_DAYS:
            apart = bisect_right(self._closes, end) - bisect_right(self._closes, start)
            return max(0, apart // 3 - 1)
        if length >= DAY_S:
            return max(0, self._period(timeframe, end) - self._period(timeframe, start) - 1)
        start += length
        if end <= start:
            return 0
        sessions = range(bisect_right(self._closes, start), min(bisect_left(self._opens, end), len(self._days)))
        return sum(self._bars_in(session, start, end, length) for session in sessions)

    def last_close(self, timeframe: str, at: float) -> tuple[float, bool] | None:
        """When the last session of a daily, weekly or monthly bar closes (unix s); None beyond the known sessions.

        And whether the market really closes then: where it never does, the next session opens at the same moment.
        """
        last, period = self._last_sessions[timeframe], self._period(timeframe, at)
        if period >= len(last):
            return None
        session = last[period]
        return self._closes[session], not self._goes_on(session)

    def traded_until(self, start: float, end: float) -> float:
        """The moment (unix s) by which a bar from `start` to `end` has had its last trade: `end`, or a close before.

        The close of a session ends the bar. A lunch break does only if `end` is in it: after it the bar would go on.
        """
        session = bisect_right(self._closes, start)
        while session < len(self._days) and self._closes[session] < end and self._goes_on(session):
            session += 1
        if session < len(self._days):
            end = min(end, self._closes[session])
        stretch = bisect_left(self._starts, end) - 1
        if stretch >= 0 and start < self._ends[stretch]:
            end = min(end, self._ends[stretch])
        return end

    def _goes_on(self, session: int) -> bool:
        """Whether the next session opens when this one closes."""
        return self._opens[session + 1 : session + 2] == [self._closes[session]]

    def _bars_in(self, session: int, start: float, end: float, length: float) -> int:
        """The number of bars of a session between two moments. The close may cut the last bar short."""
        traded = self.traded_between(max(start, self._opens[session]), min(end, self._closes[session]))
        return max(0, math.ceil(traded / length - PARTIAL))

    def _traded(self, at: float) -> float:
        """Trading time (s) from the first session to a moment."""
        begun = bisect_right(self._starts, at)
        if begun == 0:
            return 0.0
        return self._before[begun - 1] + min(at, self._ends[begun - 1]) - self._starts[begun - 1]

    def _period(self, timeframe: str, at: float) -> int:
        """The index of the period that a daily, weekly or monthly bar belongs to."""
        session = bisect_right(self._closes, at)  # the first that closes later
        return bisect_left(self._last_sessions[timeframe], session)

    @cached_property
    def _last_sessions(self) -> dict[str, Sequence[int]]:
        """By timeframe, the index of the last session of each of its periods."""
        days = [date.fromordinal(day) for day in self._days]
        return {
            "1d": range(len(days)),
            "1w": _ends_of([(day.toordinal() - 1) // 7 for day in days]),  # ordinal 1 was a Monday
            "1M": _ends_of([(day.year, day.month) for day in days]),
        }


def _stretches(session: Session) -> list[tuple[int, int]]:
    """The (start, end) spans of a session in which the market trades: two if it has a lunch break."""
    if session.break_start is None or session.break_end is None:
        return [(session.open, session.close)]
    return [(session.open, session.break_start), (session.break_end, session.close)]


def _ends_of(groups: Sequence[Any]) -> list[int]:
    """The index of the last session of each group of equal values."""
    return [number for number, group in enumerate(groups) if groups[number + 1 : number + 2] != [group]]


def every_day(first: date, last: date) -> list[Session]:
    """The sessions of a market that never closes: one for each UTC day."""
    midnight = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    days = range(last.toordinal() - first.toordinal() + 1)
    return [Session(first.toordinal() + day, midnight + day * DAY_S, midnight + (day + 1) * DAY_S) for day in days]
