"""What a call that accepts bars must know of the series that are derived: which exist, and which of them it ends.

A bar from outside ends the derivation of its series, unless it is older than all of it: history may come from a file.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain.aggregation import DAY, day_of
from scanner_app.domain.enums import EventKind
from scanner_app.mailbox.events import add_event
from scanner_app.models import Bar, DerivedSeries, Symbol

if TYPE_CHECKING:
    from scanner_app.mailbox.accept import NewBar

log = structlog.get_logger(__name__)

Key = tuple[str, str, datetime]
"""Ticker, timeframe and time: what makes a bar the same as another."""


def day_aliases(keys: Sequence[Key], now: datetime) -> Mapping[Key, Key]:
    """By the key of a daily bar, that of the derived bar of the same session, where it differs; {} if none is derived.

    Not under a lock: the calendars may have to be loaded.
    """
    if not any(DAY in timeframes for timeframes in settings.SCANNER_DERIVE.values()):
        return {}
    days = [key for key in keys if key[1] == DAY]
    if not days:
        return {}
    own = dict(Symbol.objects.filter(ticker__in={ticker for ticker, *_ in days}).values_list("ticker", "calendar"))
    found: dict[Key, Key] = {}
    for key in days:
        ticker, _, timestamp = key
        day = day_of(timestamp, hours_of(calendar_of(ticker, own.get(ticker, "")), now))
        if day is not None and day != timestamp:
            found[key] = (ticker, DAY, day)
    return found


@dataclass(slots=True)
class DerivedOfChunk:
    """The derived series of one transaction's symbols, whose status rows are locked."""

    now: datetime
    aliases: Mapping[Key, Key] = field(default_factory=dict)  # see day_aliases
    rows: dict[tuple[int, str], DerivedSeries] = field(default_factory=dict)  # by symbol's id and timeframe
    ended: list[DerivedSeries] = field(default_factory=list)

    def load(self, symbols: Collection[int], timeframes: Collection[str]) -> None:
        """Read the rows of these symbols and timeframes."""
        if any(not set(derived).isdisjoint(timeframes) for derived in settings.SCANNER_DERIVE.values()):
            rows = DerivedSeries.objects.filter(symbol_id__in=symbols, timeframe__in=timeframes)
            self.rows = {(row.symbol_id, row.timeframe): row for row in rows}

    def as_stored(self, symbol_id: int, bar: "NewBar", known: Mapping[Key, Bar]) -> "NewBar":
        """The bar, with the timestamp of derived ones if its session has a daily bar under that."""
        alias = self.aliases.get(bar.key)
        if alias is None or bar.key in known or alias not in known or (symbol_id, bar.timeframe) not in self.rows:
            return bar
        return replace(bar, timestamp=alias[2])

    def is_active(self, symbol_id: int, timeframe: str) -> bool:
        """Whether bars of this series are derived."""
        row = self.rows.get((symbol_id, timeframe))
        return row is not None and row.ended_at is None

    def admits(self, symbol_id: int, timeframe: str, known: Bar | None) -> bool:
        """Whether a derived bar may be stored where `known` is. If that came from outside, the derivation ends."""
        if self.is_active(symbol_id, timeframe) and known is not None and not known.derived:
            self.end(symbol_id, timeframe)
        return self.is_active(symbol_id, timeframe)

    def take_over(self, symbol_id: int, bar: "NewBar") -> None:
        """The bar is being stored: if it came from outside, it ends its series' derivation."""
        row = self.rows.get((symbol_id, bar.timeframe))
        if row is not None and not bar.derived and bar.timestamp >= row.since:
            self.end(symbol_id, bar.timeframe)

    def end(self, symbol_id: int, timeframe: str) -> None:
        """No further bars of the series are derived."""
        row = self.rows[symbol_id, timeframe]
        if row.ended_at is None:
            row.ended_at = self.now
            self.ended.append(row)

    def store(self) -> None:
        """Write what has ended, with a line of each symbol's timeline."""
        for row in self.ended:
            DerivedSeries.objects.filter(pk=row.pk).update(ended_at=self.now, open_at=None, due_at=None)
            reason = f"no more {row.timeframe} bars are made from {row.base} bars, since one came from outside"
            add_event(row.symbol_id, EventKind.RERUN, self.now, reason=reason)
            log.info("derivation_ended", symbol_id=row.symbol_id, timeframe=row.timeframe)
