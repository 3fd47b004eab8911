"""Queries for the bars in quarantine."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from scanner_app.models import QuarantinedBar
from scanner_app.reading import symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which open entries to choose; without any of the fields, all of them."""

    symbol: str | None = None  # a ticker, whatever its case
    error_type: str | None = None
    start: datetime | None = None  # the bars' timestamps: this or later
    end: datetime | None = None  # … before this

    @property
    def empty(self) -> bool:
        """Whether it chooses all open entries."""
        return self == Filter()


def open_entries() -> QuerySet[QuarantinedBar]:
    """The entries that are neither replayed nor discarded, of symbols that are not being deleted."""
    return QuarantinedBar.objects.filter(symbol__deleted_at=None, resolution="")


def counted_by_symbol() -> dict[int, int]:
    """The number of open entries, by symbol id. One query."""
    counted = open_entries().order_by().values_list("symbol_id").annotate(count=Count("pk"))
    return dict(counted)


def matching(wanted: Filter) -> QuerySet[QuarantinedBar]:
    """The open entries that the filter chooses; none if its symbol does not exist."""
    entries = open_entries()
    if wanted.symbol is not None:
        entries = entries.filter(symbol__in=symbols.matching(wanted.symbol))
    if wanted.error_type is not None:
        entries = entries.filter(error_type=wanted.error_type)
    if wanted.start is not None:
        entries = entries.filter(timestamp__gte=wanted.start)
    if wanted.end is not None:
        entries = entries.filter(timestamp__lt=wanted.end)
    return entries
