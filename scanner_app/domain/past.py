"""What a symbol's events say of it at a time in the past: its breaker and its head. No Django, no clock, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from scanner_app.domain.breaker import Breaker, Rules, State
from scanner_app.domain.enums import EventKind

FAILURES = frozenset({EventKind.PAUSED, EventKind.OPENED, EventKind.REOPENED})
SUCCESSES = frozenset({EventKind.RECOVERED, EventKind.CLOSED, EventKind.RESET})
"""With these a symbol's failures in a row are over."""

NEXT_HEAD = frozenset({EventKind.QUARANTINED, EventKind.SKIPPED})
SWITCHES = frozenset({EventKind.ENABLED, EventKind.DISABLED})
TOLD_BY = FAILURES | SUCCESSES | NEXT_HEAD | SWITCHES
"""The events from which the past is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A symbol at a time, as far as its events tell. Without events it was enabled, and nothing failed."""

    enabled: bool = True
    attempts: int = 0  # failures of its head
    breaker: Breaker = Breaker()  # noqa: RUF009 - a value that nothing changes
    reason: str = ""  # of the last failure's event, while it failed

    def circuit(self, rules: Rules, at: datetime) -> State:
        """The breaker's state then, with the recovery time of these rules."""
        return self.breaker.state(rules, at)


def past_of(events: Iterable[tuple[str, datetime, str]]) -> Past:
    """The symbol after these events: kind, time and reason of each, oldest first.

    During a hold the event of the last probe is renewed, so that of a time within it only the first opening is known.
    """
    found = Past()
    for kind, at, reason in events:
        found = _after(found, EventKind(kind), at, reason)
    return found


def _after(past: Past, kind: EventKind, at: datetime, reason: str) -> Past:
    if kind in SWITCHES:
        return replace(past, enabled=kind is EventKind.ENABLED)
    if kind in SUCCESSES:
        return replace(past, attempts=0, breaker=Breaker(), reason="")
    if kind in NEXT_HEAD:
        return replace(past, attempts=0)
    before = past.breaker
    opened = kind is not EventKind.PAUSED
    value = Breaker(
        failures=before.failures + 1,
        opened_at=at if opened else before.opened_at,
        incident_at=(before.incident_at or at) if opened else before.incident_at,
    )
    return replace(past, attempts=past.attempts + 1, breaker=value, reason=reason)
