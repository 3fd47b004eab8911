"""Which hits are told singly, and which together in a digest: values, no Django, no clock.

Of one rule by one channel up to SINGLES a minute are told singly. If those that wait are more than that leaves room
for, all of them go into one digest. For a minute after a digest nothing of its rule is told: the rest
of the storm comes in one piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SINGLES = 20
"""Hits of a rule that a channel tells singly within MINUTE. Given by the requirements."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a channel told lately of one rule."""

    singly: int = 0  # within the last minute
    digest_at: datetime | None = None  # when the last digest was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send now, as ids of deliveries; those in neither wait."""

    singles: list[int] = field(default_factory=list)
    digests: dict[int, list[int]] = field(default_factory=dict)  # by rule


def plan(waiting: Mapping[int, Sequence[int]], told: Mapping[int, Told], now: datetime) -> Plan:
    """What of the hits that wait, ids by rule and the oldest first, is told now by one channel."""
    made = Plan()
    for rule, ids in waiting.items():
        before = told.get(rule, Told())
        if before.digest_at is not None and now - before.digest_at < MINUTE:
            continue
        if len(ids) <= max(1, SINGLES - before.singly):
            made.singles.extend(ids)
        else:
            made.digests[rule] = list(ids)
    return made
