"""The venue of ccxt's exchanges: with a class that has their interface, and with ccxt itself where it is installed."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from scanner_app.domain.feed_entries import parse_feeds
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.demo_venue.server import Venue
from scanner_app.feeds.live import ccxt, venues
from scanner_app.feeds.live.ccxt import Ccxt
from scanner_app.feeds.live.venue import HistoryLater, HistoryRefused, Query
from tests.loops import run
from tests.venues import klines

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 29, 20, tzinfo=UTC)
FIRST = NOW - 60 * MINUTE


class ExchangeError(Exception):
    """As in ccxt, where errors are told apart by their class."""


class BadSymbol(ExchangeError):
    pass


class RateLimitExceeded(Exception):
    pass


class Exchange:
    """An exchange of ccxt's interface, with a bar each minute from FIRST on, the forming one included."""

    timeframes = {"1m": 1, "1h": 60}

    def __init__(self, *, rows=1_000, fails=None, reaches_back=timedelta(days=1)):
        self.rows = rows
        self.fails = fails
        self.oldest = max(FIRST, NOW - reaches_back)
        self.asked = []
        self.is_closed = False

    async def fetch_ohlcv(self, symbol, timeframe, since):
        self.asked.append((symbol, timeframe, since))
        if self.fails is not None:
            raise self.fails
        opened = max(self.oldest, datetime.fromtimestamp(-(-since // 60_000) * 60, UTC))
        found: list[list[Any]] = []
        while opened <= NOW and len(found) < self.rows:
            found.append([int(opened.timestamp() * 1000), 10, 12, 9, 11, None if opened == FIRST else 5.5])
            opened += MINUTE
        return found

    async def close(self):
        self.is_closed = True


def query(first, last, page="", timeframe="1m"):
    return Query(
        names=("BTC/USD",), timeframe=timeframe, first=FIRST + first * MINUTE, last=FIRST + last * MINUTE, page=page
    )


def fetch(exchange, asked):
    return run(kraken(exchange).fetch(asked))


def kraken(exchange):
    return Ccxt("ccxt.kraken", opened=lambda _name: exchange, now=lambda: NOW + MINUTE / 2)


def minutes(page):
    return [(bar.timestamp - FIRST) // MINUTE for bar in page.bars]


def test_bars_of_the_wanted_span_come():
    exchange = Exchange()

    page = fetch(exchange, query(0, 5))

    assert (minutes(page), page.next_page) == ([0, 1, 2, 3, 4, 5], "")
    assert (page.bars[1].open, page.bars[1].high, page.bars[1].low, page.bars[1].close) == (10, 12, 9, 11)
    assert [bar.volume for bar in page.bars[:2]] == [None, 5.5]
    assert exchange.asked == [("BTC/USD", "1m", int(FIRST.timestamp() * 1000))]


def test_the_bar_that_forms_does_not_come():
    assert minutes(fetch(Exchange(), query(58, 60))) == [58, 59]


def test_what_does_not_fit_comes_with_the_next_pages():
    exchange = Exchange(rows=4)

    pages = [fetch(exchange, query(0, 9))]
    while pages[-1].next_page:
        pages.append(fetch(exchange, query(0, 9, pages[-1].next_page)))

    assert [minutes(page) for page in pages] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_bar_that_is_not_there_yet_is_no_reason_for_more_pages():
    page = fetch(Exchange(), query(59, 61))

    assert (minutes(page), page.next_page) == ([59], "")


def test_an_exchange_that_does_not_reach_back_gives_nothing_rather_than_newer_bars():
    page = fetch(Exchange(reaches_back=5 * MINUTE), query(0, 9))

    assert (minutes(page), page.next_page) == ([], "")


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        pytest.param(BadSymbol("kraken does not have market symbol X"), HistoryRefused, id="no such symbol"),
        pytest.param(RateLimitExceeded("slow down"), HistoryLater, id="too many requests"),
        pytest.param(ExchangeError("maintenance"), HistoryLater, id="the exchange's trouble"),
        pytest.param(TimeoutError(), HistoryLater, id="the network's trouble"),
    ],
)
def test_errors_say_whether_asking_again_is_of_use(fails, error):
    with pytest.raises(error, match=type(fails).__name__):
        fetch(Exchange(fails=fails), query(0, 1))


def test_a_timeframe_that_the_exchange_lacks_is_refused_with_those_it_has():
    with pytest.raises(HistoryRefused, match=r"no bars of 5m; it has 1m, 1h \(SCANNER_DERIVE"):
        fetch(Exchange(), query(0, 1, timeframe="5m"))


def test_it_is_opened_once_and_closed():
    opened: list[str] = []

    def make(name: str) -> Any:
        opened.append(name)
        return exchange

    exchange = Exchange()

    async def play():
        venue = Ccxt("ccxt.kraken", opened=make)
        await venue.aclose()  # nothing is open yet
        await venue.fetch(query(0, 1))
        await venue.fetch(query(1, 2))
        await venue.aclose()
        return exchange.is_closed

    assert run(play())
    assert opened == ["kraken"]


def test_our_tickers_are_theirs():
    venue = Ccxt("ccxt.kraken")

    assert [venue.venue_name(each) for each in ("BTC/USD", "BTC-USD", "BTC/USDT:USDT", "BTC")] == [
        "BTC/USD", "BTC/USD", "BTC/USDT:USDT", "BTC",
    ]  # fmt: skip


# --- Is the extra there?


def check(text):
    (entry,) = parse_feeds(text)
    return venues.check(entry)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A package of ccxt's name and layout."""
    folder = tmp_path / "ccxt" / "async_support"
    folder.mkdir(parents=True)
    (folder / "kraken.py").touch()
    spec = ModuleSpec("ccxt", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "ccxt")]
    monkeypatch.setattr(ccxt, "find_spec", lambda name: spec if name == "ccxt" else None)


def test_without_the_extra_the_start_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(ccxt, "find_spec", lambda _name: None)

    with pytest.raises(venues.VenueUnavailable, match=r"pip install -r requirements-ccxt\.txt"):
        check("ccxt.kraken:BTC/USD@1m")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ccxt:BTC/USD@1m", "wants the name of an exchange"),
        ("ccxt.krakn:BTC/USD@1m", "no exchange 'krakn'"),
        ("ccxt.base.errors:BTC/USD@1m", "no exchange"),
        ("ccxt.kraken:BTC/USD@1M", "no bars of 1M"),
    ],
)
def test_what_does_not_exist_stops_the_start(text, says):
    with pytest.raises(venues.VenueUnavailable, match=says):
        check(text)


@pytest.mark.usefixtures("installed")
def test_an_exchange_is_found_without_importing_the_library():
    assert check("ccxt.kraken:BTC/USD@1m").name == "ccxt.kraken"
    assert "ccxt" not in sys.modules or hasattr(sys.modules["ccxt"], "exchanges")


# --- Ccxt itself, against the demo's venue


MARKET = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "type": "spot",
    "spot": True,
    "contract": False,
    "linear": None,
    "inverse": None,
    "option": False,
}
"""A market as ccxt describes it: the demo's venue does not tell enough for that."""


def test_ccxt_itself_reads_a_venue():
    library = pytest.importorskip("ccxt.async_support", reason="the extra of requirements-ccxt.txt is not installed")
    first_ms = int(FIRST.timestamp() * 1000)
    script = Script(Written({("BTCUSDT", "1m"): klines(first_ms, 100)}))

    async def play():
        async with Venue(script, start_ms=int(NOW.timestamp() * 1000) + 30_000) as of:

            def opened(name):
                exchange = getattr(library, name)()
                exchange.urls["api"]["public"] = f"{of.rest_url}/api/v3"
                exchange.set_markets([MARKET])
                return exchange

            venue = Ccxt("ccxt.binance", opened=opened, now=lambda: NOW + MINUTE / 2)
            try:
                asked = Query(names=("BTC/USDT",), timeframe="1m", first=FIRST, last=NOW)
                page = await venue.fetch(asked)
                with pytest.raises(HistoryRefused, match="BadSymbol"):
                    await venue.fetch(Query(names=("NO/SUCH",), timeframe="1m", first=FIRST, last=NOW))
                await of.stop()
                with pytest.raises(HistoryLater):
                    await asyncio.wait_for(venue.fetch(asked), 30)
            finally:
                await venue.aclose()
            return page

    page = run(play())
    assert minutes(page) == list(range(60))
    assert page.bars[0].close == klines(first_ms, 1)[0].close
