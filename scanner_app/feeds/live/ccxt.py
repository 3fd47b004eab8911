"""Some hundred other crypto exchanges by the library ccxt: `ccxt.kraken:BTC/USD@1m`. Closed bars alone, by asking.

Written from ccxt's documentation (docs.ccxt.com, "fetchOHLCV" and "Exceptions", read 2026-11-29) and run with ccxt
4.5.90. Its streams do not say whether a bar is closed, so each bar is asked for when it is due. The library is an extra
(requirements-ccxt.txt), takes 100 MB, and is imported by the process alone that reads these feeds.

An exchange says by `since` and `limit` alone which bars are wanted, and some ignore how far back they begin: what does
not lie in the wanted span is left out. How many requests are allowed the library knows, and waits by itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.live.venue import HistoryLater, HistoryRefused, Page, Query, Traits, VenueBar, VenueSeries

PREFIX: Final = "ccxt."

REFUSALS: Final = frozenset({"BadSymbol", "BadRequest", "NotSupported", "AuthenticationError", "PermissionDenied"})
"""Names of ccxt's errors, or of their bases, for which asking again is useless. All others mean "not now"."""


class Exchange(Protocol):
    """What is used of ccxt's exchanges."""

    timeframes: dict[str, Any] | None

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int) -> Sequence[Sequence[Any]]:
        """Rows of time in ms, open, high, low, close, volume, oldest first, from `since` on."""

    async def close(self) -> None:
        """Close connections."""


def problem(name: str) -> str:
    """Why the venue of this name can't be used, in words; empty if it can. Does not import the library."""
    exchange = name.removeprefix(PREFIX)
    if not exchange or exchange == name:
        return "ccxt wants the name of an exchange, for example ccxt.kraken"
    spec = find_spec("ccxt")
    if spec is None or not spec.submodule_search_locations:
        return f"{name} needs the library ccxt: .venv/bin/python -m pip install -r requirements-ccxt.txt"
    folder = Path(spec.submodule_search_locations[0]) / "async_support"
    if not exchange.isidentifier() or not (folder / f"{exchange}.py").is_file():
        return f"ccxt has no exchange {exchange!r}; docs.ccxt.com lists them"
    return ""


def _open(exchange: str) -> Exchange:
    made: Exchange = getattr(import_module("ccxt.async_support"), exchange)({"enableRateLimit": True})
    return made


class Ccxt:
    """The venue `ccxt.<exchange>`."""

    traits = Traits(
        timeframes=frozenset(TIMEFRAMES) - {"1M"},  # an exchange that lacks one is found out by the first question
        calendar="24/7",
        always_sends=True,  # most do; of the others a quiet minute is a hole that ends as empty
        history_is_truth=True,
        closed_within_s=3,
        history_within_s=60,
        budget_units=600,
        budget_s=60,
        requests_at_once=2,
    )

    def __init__(
        self,
        name: str,
        *,
        opened: Callable[[str], Exchange] = _open,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`opened` makes the exchange of a name, at the first question."""
        self.name = name
        self._opened = opened
        self._now = now
        self._exchange: Exchange | None = None

    def venue_name(self, ticker: str) -> str:
        """Ccxt's names are BASE/QUOTE, as our tickers may be: BTC-USD is BTC/USD there."""
        return ticker if "/" in ticker else ticker.replace("-", "/", 1)

    async def fetch(self, query: Query) -> Page:
        """The bars of a query that are closed by now."""
        if self._exchange is None:
            self._exchange = await asyncio.to_thread(self._opened, self.name.removeprefix(PREFIX))
        if query.timeframe not in (self._exchange.timeframes or ()):
            known = ", ".join(each for each in self._exchange.timeframes or () if each in TIMEFRAMES) or "none"
            raise HistoryRefused(
                f"{self.name} has no bars of {query.timeframe}; it has {known} (SCANNER_DERIVE makes longer ones)"
            )
        since = int(query.page) if query.page else _milliseconds(query.first)
        try:
            rows = await self._exchange.fetch_ohlcv(query.names[0], query.timeframe, since)
        except Exception as exc:
            text = f"{type(exc).__name__}: {exc}"
            bases = {each.__name__ for each in type(exc).__mro__}
            raise HistoryRefused(text) if bases & REFUSALS else HistoryLater(text) from exc
        return _page(query, rows, since, self._now())

    async def aclose(self) -> None:
        """Close its connections."""
        if self._exchange is not None:
            await self._exchange.close()


def _page(query: Query, rows: Sequence[Sequence[Any]], since: int, now: datetime) -> Page:
    """What of the rows was asked for and is closed. Another page follows until the span is through or no rows come."""
    last, length = _milliseconds(query.last), TIMEFRAMES[query.timeframe]
    closed_by = _milliseconds(now - length)
    wanted = [row for row in rows if since <= row[0] <= min(last, closed_by)]
    newest = max((row[0] for row in rows), default=last)
    more = since <= newest < min(last, closed_by - length // timedelta(milliseconds=1))
    series = VenueSeries(query.names[0], query.timeframe)
    return Page(bars=[_bar(series, row) for row in wanted], next_page=str(newest + 1) if more else "")


def _bar(series: VenueSeries, row: Sequence[Any]) -> VenueBar:
    opened, open_, high, low, close, volume = row[:6]
    return VenueBar(
        series=series,
        timestamp=datetime.fromtimestamp(opened / 1_000, UTC),
        open=float(open_),
        high=float(high),
        low=float(low),
        close=float(close),
        volume=None if volume is None else float(volume),
    )


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)
