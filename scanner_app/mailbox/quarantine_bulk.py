"""Operators' actions on many bars in quarantine, shared by API, admin and command."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet

from scanner_app import mailbox
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.domain.timeframes import RANK
from scanner_app.models import QuarantinedBar


class _Act(Protocol):
    def __call__(self, entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None: ...


def replay_all(entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str = "") -> int:
    """Accept the bars of these entries again, the oldest first; returns how many.

    Each is a transaction of its own with a time of its own. Entries that somebody else deals with meanwhile
    are skipped and not counted; what is cut short can be asked for again, and goes on where it ended.
    """
    return _each(mailbox.replay, entries, by=by, clock=clock, reason=reason)


def discard_all(entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str = "") -> int:
    """Give the bars of these entries up; returns how many. As replay_all otherwise."""
    return _each(mailbox.discard, entries, by=by, clock=clock, reason=reason)


def _each(act: _Act, entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str) -> int:
    done = 0
    for entry in _in_order(entries):
        try:
            act(entry, by=by, now=clock(), reason=reason)
        except NotInQuarantine:
            continue
        done += 1
    return done


def _in_order(entries: QuerySet[QuarantinedBar]) -> list[QuarantinedBar]:
    """As bars of one call are accepted: by timestamp, then the shorter timeframe.

    One query, at the beginning: a list that is read on while its rows change would skip some. Without the
    tracebacks, which are kilobytes each.
    """
    rows = entries.order_by().select_related("bar").only("symbol_id", "bar_id", "timestamp", "bar__timeframe")
    return sorted(rows, key=lambda row: (row.timestamp, RANK[row.bar.timeframe], row.pk))
