"""Operators' actions on many bars in quarantine, shared by API, admin and command."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet

from scanner_app import mailbox
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.domain.timeframes import RANK
from scanner_app.models import QuarantinedBar


class _Action(Protocol):
    def __call__(self, entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None: ...


def replay_all(entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str = "") -> int:
    """Accept the bars of these entries again, the oldest first; returns how many.

    Each entry has its own transaction and its own acceptance time. Entries that somebody else resolves meanwhile are
    left out and not counted. A call that was interrupted can be repeated: it goes on where it ended.
    """
    return _each(mailbox.replay, entries, by=by, clock=clock, reason=reason)


def discard_all(entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str = "") -> int:
    """Discard the bars of these entries; returns how many. Otherwise like replay_all."""
    return _each(mailbox.discard, entries, by=by, clock=clock, reason=reason)


def _each(
    action: _Action, entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str
) -> int:
    done = 0
    for entry in _in_order(entries):
        try:
            action(entry, by=by, now=clock(), reason=reason)
        except NotInQuarantine:
            continue
        done += 1
    return done


def _in_order(entries: QuerySet[QuarantinedBar]) -> list[QuarantinedBar]:
    """In the order in which the bars of one call are accepted: by timestamp, then shorter timeframes first.

    All rows are read at the beginning, since reading on while rows change would skip some. The tracebacks are left
    out: they are kilobytes each.
    """
    rows = entries.order_by().select_related("bar").only("symbol_id", "bar_id", "timestamp", "bar__timeframe")
    return sorted(rows, key=lambda row: (row.timestamp, RANK[row.bar.timeframe], row.pk))
