from typing import Any

import pytest

from scanner_app.domain.feed_entries import parse_feeds
from scanner_app.feeds.demo_venue.names import ENTRY
from scanner_app.feeds.live import venues


def test_the_demo_s_venue_is_binance_at_another_address(settings):
    settings.SCANNER_DEMO_PORT = 1234
    (entry,) = parse_feeds(ENTRY)

    venue: Any = venues.check(entry)

    assert venue.name == "demo"
    assert venue.url([]) == "ws://127.0.0.1:1234/stream"
    assert len(entry.tickers) == 20


def test_without_the_demo_there_is_no_such_venue():
    with pytest.raises(venues.VenueUnavailable, match="DEMO=live alone"):
        venues.make("demo")
