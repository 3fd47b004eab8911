"""Operators' acts on many bars in quarantine: what API, admin and command have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet

from scanner_app import mailbox
from scanner_app.domain import tickers
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.domain.timeframes import RANK
from scanner_app.models import QuarantinedBar, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are meant. Without any of these, all that are open."""

    symbol: str | None = None  # a ticker, whatever its case
    error_type: str | None = None
    start: datetime | None = None  # the bars' timestamps: this or later
    end: datetime | None = None  # … before this

    @property
    def empty(self) -> bool:
        """Whether it means every entry there is."""
        return self == Filter()


class _Act(Protocol):
    def __call__(self, entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None: ...


def open_entries() -> QuerySet[QuarantinedBar]:
    """The entries that wait for an operator, of symbols that are not being deleted."""
    return QuarantinedBar.objects.filter(symbol__deleted_at=None, resolution="")


def matching(wanted: Filter) -> QuerySet[QuarantinedBar]:
    """The open entries that are meant; none of a symbol that there is not."""
    entries = open_entries()
    if wanted.symbol is not None:
        try:
            ticker = tickers.normalise(wanted.symbol)
        except ValueError:
            return entries.none()  # such a symbol can't be
        entries = entries.filter(symbol__in=Symbol.objects.filter(ticker=ticker))
    if wanted.error_type is not None:
        entries = entries.filter(error_type=wanted.error_type)
    if wanted.start is not None:
        entries = entries.filter(timestamp__gte=wanted.start)
    if wanted.end is not None:
        entries = entries.filter(timestamp__lt=wanted.end)
    return entries


def replay_all(entries: QuerySet[QuarantinedBar], *, by: str, clock: Callable[[], datetime], reason: str = "") -> int:
    """Accept the bars of these entries anew, the oldest first; returns how many.

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
