"""Feeds by API, pages and admin: add, change and remove them. `manage.py feed` follows the table while it runs.

The environment's feeds (SCANNER_FEEDS) are fixed here. No two feeds that run bring the same series: whose bar would be
the right one?
"""

import re
from datetime import datetime
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from scanner_app.domain.enums import GapState
from scanner_app.domain.errors import FeedFixed
from scanner_app.domain.feed_entries import FeedEntry, Series, parse_entry
from scanner_app.domain.wording import listed
from scanner_app.feeds.live import ledger, venues
from scanner_app.feeds.live.venues import VenueUnavailable
from scanner_app.models import Feed, Gap

log = structlog.get_logger(__name__)

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]|[A-Za-z0-9]")
MAX_ENTRY: Final = 20_000
"""Characters of an entry: some two thousand tickers."""


class BadFeed(ValueError):
    """A feed that can't be. `field` is the one that is wrong; the text is a sentence without it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def check(*, name: str, venue: str, entry: str, enabled: bool, itself: Feed | None = None) -> FeedEntry:
    """The entry of a feed as it would be; `itself` is the one that changes. Raises BadFeed."""
    found = _entry(venue, entry)
    if not NAME.fullmatch(name):
        raise BadFeed("name", "must have 1 to 64 letters, digits, spaces, dots, dashes and underscores")
    if enabled:
        _not_brought_by_others(found, itself)
    return found


def add(*, name: str, venue: str, entry: str, enabled: bool = True, by: str) -> Feed:
    """A new feed. `name`: "" for the venue's. Raises BadFeed."""
    wanted = name or venue.strip().lower()
    checked = check(name=wanted, venue=venue, entry=entry, enabled=enabled)
    try:
        with transaction.atomic():
            feed = Feed.objects.create(name=wanted, venue=checked.venue, entry=checked.text, enabled=enabled)
    except IntegrityError:
        raise BadFeed("name", f"there is a feed {wanted} already") from None
    log.info("feed_added", feed=feed.name, venue=feed.venue, entry=feed.entry[:200], enabled=enabled, by=by)
    return feed


def change(feed: Feed, *, entry: str | None = None, enabled: bool | None = None, by: str) -> Feed:
    """Another entry, or switched on or off. None: as it is. Raises FeedFixed or BadFeed."""
    _not_fixed(feed)
    if entry is None and enabled is None:
        return feed
    wanted = feed.enabled if enabled is None else enabled
    text = feed.entry if entry is None else entry
    # One that is switched off may have an entry that is not understood any more.
    if entry is not None or wanted:
        text = check(name=feed.name, venue=feed.venue, entry=text, enabled=wanted, itself=feed).text
    feed.entry, feed.enabled = text, wanted
    feed.save(update_fields=["entry", "enabled"])
    log.info("feed_changed", feed=feed.name, entry=feed.entry[:200], enabled=feed.enabled, by=by)
    return feed


def remove(feed: Feed, *, by: str, now: datetime) -> None:
    """End a feed. Holes that no other feed asks for are given up. Raises FeedFixed."""
    _not_fixed(feed)
    holes = list(Gap.objects.filter(feed=feed, state=GapState.OPEN).values_list("pk", "symbol__ticker", "timeframe"))
    feed.delete()
    others = _series_of(Feed.objects.filter(enabled=True))
    for pk, ticker, timeframe in holes:
        if Series(ticker, timeframe) not in others:
            ledger.give_up(pk, by=by, now=now)
    log.info("feed_removed", feed=feed.name, by=by)


def _entry(venue: str, text: str) -> FeedEntry:
    if len(text) > MAX_ENTRY:
        raise BadFeed("entry", f"may have {MAX_ENTRY:,} characters, not {len(text):,}")
    try:
        venues.make(venue.strip().lower())
    except VenueUnavailable as exc:
        raise BadFeed("venue", str(exc)) from None
    try:
        entry = parse_entry(venue, text)
        venues.check(entry)
    except (ValueError, VenueUnavailable) as exc:
        raise BadFeed("entry", str(exc)) from None
    return entry


def _not_fixed(feed: Feed) -> None:
    if feed.from_environment:
        raise FeedFixed(feed.name)


def _not_brought_by_others(entry: FeedEntry, itself: Feed | None) -> None:
    rows = Feed.objects.filter(enabled=True)
    if itself is not None:
        rows = rows.exclude(pk=itself.pk)
    brought = _series_of(rows)
    if twice := [str(one) for one in entry.series if one in brought]:
        by = brought[next(one for one in entry.series if one in brought)]
        more = f" and {len(twice) - 3:,} more" if len(twice) > 3 else ""
        raise BadFeed("entry", f"the feed {by} brings {listed(twice[:3])}{more} already")


def _series_of(feeds: QuerySet[Feed]) -> dict[Series, str]:
    """The series that these feeds bring, with the feed's name."""
    found: dict[Series, str] = {}
    for feed in feeds:
        try:
            found |= dict.fromkeys(parse_entry(feed.venue, feed.entry).series, feed.name)
        except ValueError:  # written by another version
            log.warning("feed_not_understood", feed=feed.name)
    return found
