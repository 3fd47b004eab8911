"""What a live feed is to bring, as text and as values: `binance:BTCUSDT,ETHUSDT@1m+1h`. No Django, no clock, no I/O.

Before the colon the venue, then our tickers with commas, then `@` and the timeframes with plus signs, which count for
all tickers of the entry. Entries are separated by semicolons. A ticker may have a colon or `@` in it: the first colon
and the last `@` count.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from scanner_app.domain import tickers
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name

VENUE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""`binance`, `alpaca`, `ccxt.kraken`."""


BRINGS: Final[dict[str, frozenset[str]]] = {"alpaca": frozenset({"1m", "1d"})}
"""Venues that bring few timeframes, and these: longer ones of their entries are derived (derivations.py)."""


class Series(NamedTuple):
    """One ticker of ours in one timeframe of ours."""

    ticker: str
    timeframe: str

    def __str__(self) -> str:
        return f"{self.ticker} {self.timeframe}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One entry: all tickers in all timeframes."""

    venue: str
    tickers: tuple[str, ...]  # upper case, each once
    timeframes: tuple[str, ...]  # our names, each once

    @property
    def series(self) -> tuple[Series, ...]:
        """Every ticker in every timeframe."""
        return self.series_in(self.timeframes)

    def series_in(self, brought: Collection[str]) -> tuple[Series, ...]:
        """Every ticker in those of the timeframes that the venue brings: the others are derived."""
        lengths = [timeframe for timeframe in self.timeframes if timeframe in brought]
        return tuple(Series(ticker, timeframe) for ticker in self.tickers for timeframe in lengths)

    @property
    def text(self) -> str:
        """The part behind the venue, in its normal form."""
        return f"{','.join(self.tickers)}@{'+'.join(self.timeframes)}"


def parse_feeds(text: str) -> tuple[FeedEntry, ...]:
    """The entries of SCANNER_FEEDS; none for an empty text. Raises ValueError, which says what is wrong with it."""
    entries = []
    for part in filter(None, (each.strip() for each in text.split(";"))):
        venue, colon, rest = part.partition(":")
        if not colon:
            raise ValueError(
                f"must be VENUE:TICKERS@TIMEFRAMES, for example binance:BTCUSDT,ETHUSDT@1m; {part!r} is not"
            )
        entries.append(parse_entry(venue, rest))
    return tuple(entries)


def parse_entry(venue: str, text: str) -> FeedEntry:
    """One entry of a venue, `BTCUSDT,ETHUSDT@1m+1h`. Raises ValueError, which says what is wrong with it.

    Whether the venue exists and has these timeframes is not looked at here (feeds/live/venues.py does).
    """
    name = venue.strip().lower()
    if not VENUE_NAME.fullmatch(name):
        raise ValueError(f"{venue.strip()!r} is no name of a venue, such as binance or alpaca")
    listed, at, lengths = text.rpartition("@")
    if not at:
        raise ValueError(f"{text.strip()!r} has no timeframes: write TICKERS@TIMEFRAMES, for example BTCUSDT@1m")
    return FeedEntry(venue=name, tickers=_tickers(listed), timeframes=_timeframes(lengths))


def _tickers(text: str) -> tuple[str, ...]:
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named:
        raise ValueError(f"no tickers stand before the @ of {text.strip()!r}")
    try:
        return tuple(dict.fromkeys(tickers.normalise(each) for each in named))
    except ValueError as exc:
        raise ValueError(f"the ticker {exc}") from None


def _timeframes(text: str) -> tuple[str, ...]:
    names = []
    for part in text.split("+"):
        name = normal_name(part.strip())
        if name is None:
            raise ValueError(f"the timeframe must be one of {', '.join(TIMEFRAMES)}, not {part.strip()!r}")
        names.append(name)
    return tuple(dict.fromkeys(names))
