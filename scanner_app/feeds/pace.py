"""How fast a replay goes: when each line is due, and what rate and time left it shows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from scanner_app.domain.wording import roughly

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from scanner_app.feeds.tally import Line

    Pace = Callable[[Line, int], float]

WINDOW_S: Final = 30.0
"""The rate is that of this time: shorter it jumps, longer it does not see that the workers have caught up."""

SAMPLES_S: Final = 1.0
"""Seconds from one kept sample to the next."""


# --- Pace: the second after the start at which the n-th line (from 0) is due


def at_once(_line: Line, _n: int) -> float:
    """Be due now: as fast as ingest and the backlogs allow."""
    return 0.0


def at_rate(per_s: float) -> Pace:
    """Spread lines evenly, `per_s` a second. Counted from the start, so that delays do not add up."""
    return lambda _line, n: n / per_s


def at_speed(times: float) -> Pace:
    """Follow the bars' own timestamps, `times` as fast as real time.

    A line that is older than one before it, or has no readable time, is due with its predecessor.
    """
    first: datetime | None = None
    latest_s = 0.0

    def due(line: Line, _n: int) -> float:
        nonlocal first, latest_s
        if line.moment is not None:
            first = line.moment if first is None else first
            latest_s = max(latest_s, (line.moment - first).total_seconds() / times)
        return latest_s

    return due


# --- Rate and time left


class _Sample(NamedTuple):
    clock: float
    done: int
    share: float


class Meter:
    """Rate and time left, by the last WINDOW_S seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples = deque([_Sample(clock(), 0, 0.0)])

    def note(self, done: int, share: float) -> None:
        """Note how many bars are done, and what share of the sources is read (0 to 1)."""
        sample = _Sample(self._clock(), done, share)
        if len(self._samples) > 1 and sample.clock - self._samples[-2].clock < SAMPLES_S:
            self._samples.pop()
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.clock - self._samples[1].clock >= WINDOW_S:
            self._samples.popleft()

    def __str__(self) -> str:
        """Like "4,812 bars a second, about 3 min left". Without the time left where no share is known.

        Up to now, not up to the last note: while nothing moves, the rate falls.
        """
        first, last = self._samples[0], self._samples[-1]
        seconds = self._clock() - first.clock
        if seconds <= 0:
            return ""
        rate = (last.done - first.done) / seconds
        text = f"{rate:,.0f} bars a second" if rate >= 10 else f"{rate:.1f} bars a second"
        per_s = (last.share - first.share) / seconds
        return f"{text}, {roughly((1 - last.share) / per_s)} left" if per_s > 0 else text
