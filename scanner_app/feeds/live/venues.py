"""The venues by name, made from the settings."""

from collections.abc import Callable

from django.conf import settings

from scanner_app.domain import derivations
from scanner_app.domain.errors import ScannerError
from scanner_app.domain.feed_entries import FeedEntry
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.wording import listed
from scanner_app.feeds.live import ccxt
from scanner_app.feeds.live.alpaca import Alpaca
from scanner_app.feeds.live.binance import Binance
from scanner_app.feeds.live.demo import Demo
from scanner_app.feeds.live.venue import AnyVenue


class VenueUnavailable(ScannerError):
    """A venue that does not exist, or that can't be used as things are set. The message is a sentence."""


def _binance(_name: str) -> AnyVenue:
    return Binance(ws_url=settings.SCANNER_BINANCE_WS_URL, rest_url=settings.SCANNER_BINANCE_REST_URL)


def _alpaca(_name: str) -> AnyVenue:
    if not (settings.ALPACA_KEY_ID and settings.ALPACA_SECRET_KEY):
        raise VenueUnavailable("alpaca needs a key: set ALPACA_KEY_ID and ALPACA_SECRET_KEY")
    return Alpaca(
        ws_url=settings.SCANNER_ALPACA_WS_URL,
        rest_url=settings.SCANNER_ALPACA_REST_URL,
        key_id=settings.ALPACA_KEY_ID,
        secret_key=settings.ALPACA_SECRET_KEY,
    )


def _ccxt(name: str) -> AnyVenue:
    if problem := ccxt.problem(name):
        raise VenueUnavailable(problem)
    return ccxt.Ccxt(name)


def _demo(_name: str) -> AnyVenue:
    if not settings.SCANNER_DEMO_PORT:
        raise VenueUnavailable("the venue 'demo' is there with DEMO=live alone")
    return Demo(settings.SCANNER_DEMO_PORT)


_MAKERS: dict[str, Callable[[str], AnyVenue]] = {"alpaca": _alpaca, "binance": _binance, "ccxt": _ccxt, "demo": _demo}
"""By the venue's name up to its first dot: who makes the venue of a full name. Raises VenueUnavailable."""


def make(name: str) -> AnyVenue:
    """The venue of this name. Raises VenueUnavailable if there is none, or if something that it needs is missing."""
    maker = _MAKERS.get(name.partition(".")[0])
    if maker is None:
        raise VenueUnavailable(f"there is no venue {name!r}; there are {listed(sorted(_MAKERS))}")
    return maker(name)


def check(entry: FeedEntry) -> AnyVenue:
    """The venue of an entry. Raises VenueUnavailable if it can't bring the entry, with a sentence that says why.

    What it does not bring may be derived from what it does (SCANNER_DERIVE).
    """
    venue = make(entry.venue)
    derived = [
        target
        for base, targets in derivations.of_entry(entry, venue.traits.timeframes).items()
        for target in targets
        if target in settings.SCANNER_DERIVE.get(base, ())
    ]
    if strange := [name for name in entry.timeframes if name not in {*venue.traits.timeframes, *derived}]:
        known = [name for name in TIMEFRAMES if name in venue.traits.timeframes]
        raise VenueUnavailable(
            f"{entry.venue} has no bars of {listed(strange)}; it has {listed(known)} (SCANNER_DERIVE makes longer ones)"
        )
    return venue
