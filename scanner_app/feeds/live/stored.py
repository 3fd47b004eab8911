"""What the scanner has stored, as live feeds need it: where their series stand, and which feeds are configured.

Short database work, in the one thread that a feed has for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings

from scanner_app import mailbox
from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.feed_entries import FeedEntry, Series, parse_entry
from scanner_app.domain.trading_hours import Hours
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, Feed, Symbol, VenueTicker

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A feed that is to run."""

    name: str
    entry: FeedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a series stands."""

    hours: Hours
    newest: datetime | None  # its newest bar that is neither assumed nor derived; None: it has none


def sync_environment(entries: Sequence[FeedEntry]) -> None:
    """Make the rows of the environment's feeds what SCANNER_FEEDS says. Users' rows are left alone."""
    left = {row.name: row for row in Feed.objects.filter(from_environment=True)}
    taken = set(Feed.objects.filter(from_environment=False).values_list("name", flat=True))
    for entry in entries:
        name, number = entry.venue, 1
        while name in taken:
            number += 1
            name = f"{entry.venue}-{number}"
        taken.add(name)
        values = {"venue": entry.venue, "entry": entry.text, "enabled": True, "from_environment": True}
        row = left.pop(name, None)
        # This is done every few seconds, and mostly nothing has changed.
        if row is None or (row.venue, row.entry, row.enabled) != (entry.venue, entry.text, True):
            Feed.objects.update_or_create(name=name, defaults=values)
    for row in left.values():
        row.delete()


def configured() -> list[Configured]:
    """The feeds that are to run. One whose text is not understood is left out and logged."""
    found = []
    for row in Feed.objects.filter(enabled=True).order_by("name"):
        try:
            found.append(Configured(name=row.name, entry=parse_entry(row.venue, row.entry)))
        except ValueError as exc:
            log.error("feed_not_understood", feed=row.name, error=str(exc))
    return found


def venue_names(venue: str) -> dict[str, str]:
    """The names that the venue has for our tickers, where they are not those that its module would guess."""
    return dict(VenueTicker.objects.filter(venue=venue).values_list("ticker", "name"))


def know(tickers: Iterable[str], *, calendar: str, now: datetime) -> None:
    """Add the symbols of these tickers, if the settings allow it, with their venue's calendar if it has one.

    A calendar that somebody chose is left as it is.
    """
    wanted = sorted(set(tickers))
    if settings.SCANNER_UNKNOWN_SYMBOLS == "create":
        create_symbols(wanted, at_most=settings.SCANNER_MAX_SYMBOLS, now=now)
    if not calendar:
        return
    for symbol in Symbol.objects.filter(ticker__in=wanted, calendar="", deleted_at=None):
        if calendar_of(symbol.ticker, "") != calendar:
            mailbox.set_calendar(symbol, calendar, by=SCANNER, now=now, reason="that of its venue")


def standings(series: Sequence[Series], *, now: datetime) -> dict[Series, Standing]:
    """Where these series stand."""
    own = dict(Symbol.objects.filter(ticker__in={one.ticker for one in series}).values_list("ticker", "calendar"))
    return {
        one: Standing(hours=hours_of(calendar_of(one.ticker, own.get(one.ticker, "")), now), newest=_newest(one))
        for one in series
    }


def _newest(series: Series) -> datetime | None:
    bars = Bar.objects.filter(symbol__ticker=series.ticker, timeframe=series.timeframe, assumed=False, derived=False)
    return bars.order_by("-timestamp").values_list("timestamp", flat=True).first()
