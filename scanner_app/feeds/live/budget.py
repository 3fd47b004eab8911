"""One venue's budget of requests, as a value that is given the time: no I/O, no clock.

A bucket of `units` that fills up evenly in `span_s`. A venue that says "later" blocks everything until then; one that
does not say when is asked again after pauses that grow.
"""

from dataclasses import dataclass, field
from typing import Final

PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses after failures in a row, where the venue does not say when to come again."""

LONGEST_S: Final = 3 * 86_400.0
"""No venue's Retry-After is obeyed for longer: Binance bans addresses for three days at most."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """What may be spent, and when. Times are monotonic seconds."""

    units: float
    span_s: float
    _left: float = field(init=False)
    _at: float = 0.0
    _blocked_until: float = 0.0
    _failures: int = 0

    def __post_init__(self) -> None:
        self._left = self.units

    def wait_s(self, cost: float, now: float) -> float:
        """Seconds until a request of this cost may be sent; 0: now."""
        self._fill(now)
        until_filled = max(0.0, (min(cost, self.units) - self._left) * self.span_s / self.units)
        return max(until_filled, self._blocked_until - now, 0.0)

    def spend(self, cost: float, now: float) -> None:
        """A request of this cost is sent."""
        self._fill(now)
        self._left -= cost

    def answered(self) -> None:
        """The venue has answered a request."""
        self._failures = 0

    def failed(self, after_s: float | None, now: float) -> float:
        """It has not, or says "later": nothing is sent for `after_s`, or for a pause that grows. Returns the pause."""
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)] if after_s is None else min(after_s, LONGEST_S)
        self._failures += 1
        self._blocked_until = max(self._blocked_until, now + pause)
        return pause

    def _fill(self, now: float) -> None:
        if self._at:
            self._left = min(self.units, self._left + (now - self._at) * self.units / self.span_s)
        self._at = now
