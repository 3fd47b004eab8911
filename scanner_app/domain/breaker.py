"""The circuit breaker of one symbol as values: no Django, no clock, no I/O.

closed --threshold-th failure in a row--> open --recovery time later--> half_open
half_open --success--> closed, half_open --failure--> open
any --an operator's reset--> closed

No timer turns open into half_open: the state is computed from the time of opening.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"  # everything
    OPEN = "open"  # nothing, until the recovery time has passed
    HALF_OPEN = "half_open"  # the head, once, as the probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The two settings of a breaker. Raises ValueError unless both are positive."""

    threshold: int  # failures in a row, of one bar or several, that open a closed breaker
    recovery: timedelta  # from opening to half-open

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError(f"threshold must be at least 1, not {self.threshold}")
        if self.recovery <= timedelta(0):
            raise ValueError(f"recovery must be positive, not {self.recovery}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A breaker's values; the caller stores them."""

    failures: int = 0  # in a row
    opened_at: datetime | None = None  # the latest opening, aware; None exactly while closed
    incident_at: datetime | None = None  # the first opening since it was last closed

    def half_open_at(self, rules: Rules) -> datetime | None:
        """When the probe may run; None while closed."""
        return None if self.opened_at is None else self.opened_at + rules.recovery

    def state(self, rules: Rules, now: datetime) -> State:
        """The state at the time `now`."""
        half_open_at = self.half_open_at(rules)
        if half_open_at is None:
            return State.CLOSED
        return State.HALF_OPEN if now >= half_open_at else State.OPEN


def due(breaker: Breaker, rules: Rules, now: datetime, *, own: datetime | None = None) -> datetime | None:
    """When a bar may run: at its retry time `own`, or at the half-open moment if that is later; None: now.

    `own` is None for a bar that has not failed.
    """
    times = (own, breaker.half_open_at(rules))
    return max((time for time in times if time is not None and time > now), default=None)


def failure(breaker: Breaker, rules: Rules, now: datetime) -> Breaker:
    """The breaker after one more failure: it opens at the threshold, and again after a failed probe."""
    failures = breaker.failures + 1
    if breaker.opened_at is None and failures < rules.threshold:
        return Breaker(failures=failures)
    return Breaker(
        failures=failures,
        opened_at=now,
        incident_at=now if breaker.incident_at is None else breaker.incident_at,
    )


def closed() -> Breaker:
    """The breaker after a success or an operator's reset: no failures, no incident."""
    return Breaker()
