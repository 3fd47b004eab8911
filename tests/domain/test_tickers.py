"""What a ticker may be, and its queue's name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain import tickers
from scanner_app.messaging import queue_names
from tests.odd_tickers import ODD_TICKERS


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        pytest.param("tsla", "TSLA", id="upper case"),
        pytest.param("BRK.B", "BRK.B", id="a dot"),
        pytest.param("btc/usd", "BTC/USD", id="a slash"),
        pytest.param("^GSPC", "^GSPC", id="a caret"),
        pytest.param("EURUSD=X", "EURUSD=X", id="an equals sign"),
        pytest.param("BINANCE:BTC_USD-PERP", "BINANCE:BTC_USD-PERP", id="colon, underscore, dash"),
        pytest.param("A" * 32, "A" * 32, id="32 characters"),
        pytest.param("STATUSX/RESETS", "STATUSX/RESETS", id="an action's name inside a longer segment"),
    ],
)
def test_a_good_ticker_is_stored_in_upper_case(text, ticker):
    assert tickers.normalise(text) == ticker


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "0", id="empty"),
        pytest.param("A" * 33, "33", id="33 characters"),
        pytest.param(" TSLA", "ends", id="a space before"),
        pytest.param("TSLA ", "ends", id="a space behind"),
        pytest.param(" ", "ends", id="a space alone"),
        pytest.param("A,B", "comma", id="a comma"),
        pytest.param("A\\B", "backslash", id="a backslash"),
        pytest.param("A\tB", "ASCII", id="a tab"),
        pytest.param("A\x7f", "ASCII", id="a control character"),
        pytest.param("SKIP", "segment 'SKIP'", id="an action's name alone"),
        pytest.param("TÄSLA", "ASCII", id="an umlaut"),
        pytest.param("TSLA\n", "ASCII", id="a line end"),
        pytest.param("A//B", "segment ''", id="an empty segment"),
        pytest.param("/A", "segment ''", id="a leading slash"),
        pytest.param("A/..", "segment '..'", id="a way up"),
        pytest.param(".", "segment '.'", id="a dot alone"),
        pytest.param("BTC/Reset", "segment 'Reset'", id="an action's name as a segment"),
        pytest.param(7, "int", id="a number"),
        pytest.param(None, "NoneType", id="null"),
    ],
)
def test_a_bad_ticker_is_refused_with_what_is_wrong(text, says):
    with pytest.raises(ValueError, match=r"must|may|which") as caught:
        tickers.normalise(text)

    assert says in str(caught.value)


@pytest.mark.parametrize("ticker", ODD_TICKERS)
def test_every_shape_that_people_use_is_a_ticker(ticker):
    assert tickers.normalise(ticker.lower()) == ticker


@given(st.text(st.characters(max_codepoint=300), min_size=1, max_size=33))
def test_a_ticker_is_printable_ascii_without_what_lists_and_escapes_need(text):
    try:
        ticker = tickers.normalise(text)
    except ValueError:
        return
    assert ticker.isascii()
    assert ticker.isprintable()
    assert not {",", "\\"} & set(ticker)
    assert ticker == ticker.strip()
    assert tickers.normalise(ticker) == ticker, "what is stored is a ticker too"


PRINTABLE = "".join(map(chr, range(32, 127)))


@given(st.text(PRINTABLE, min_size=1, max_size=32), st.sampled_from(["main", "slow"]))
def test_a_queue_name_can_be_read_back(ticker, lane):
    queue = queue_names.queue_name(ticker, lane)

    assert queue_names.ticker_of_queue(queue) == ticker
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", queue), "nothing that separates or is a pattern in Redis, kombu or a URL"


@pytest.mark.parametrize(
    ("ticker", "chosen"),
    [
        pytest.param("A*B", "A*B", id="the ticker itself, though a pattern before it fits"),
        pytest.param("AXB", "A*", id="the first pattern that fits"),
        pytest.param("[X]", "[X]", id="a ticker that is a pattern of others"),
        pytest.param("X", "[X]", id="one of these characters"),
        pytest.param("B", None, id="none fits"),
        pytest.param("A", "A*", id="no character at all"),
    ],
)
def test_the_exact_ticker_wins_over_patterns(ticker, chosen):
    assert tickers.fitting(ticker, ["A*", "A*B", "[X]"]) == chosen


@pytest.mark.parametrize("ticker", ODD_TICKERS)
def test_every_ticker_can_be_named_where_patterns_are_allowed(ticker):
    others = [other for other in ODD_TICKERS if other != ticker]

    assert tickers.fitting(ticker, [*others, ticker]) == ticker
    assert tickers.check_pattern(ticker.lower()) == ticker


def test_other_queues_are_no_symbols():
    with pytest.raises(ValueError, match="upkeep"):
        queue_names.ticker_of_queue("upkeep")
