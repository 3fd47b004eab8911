"""What a ticker may be, and its queue's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain import tickers
from scanner_app.messaging import queue_names


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
        pytest.param("TS LA", "ASCII", id="a space"),
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


@given(st.text("ABCXYZ019.-/:^=_%", min_size=1, max_size=32), st.sampled_from(["main", "slow"]))
def test_a_queue_name_can_be_read_back(ticker, lane):
    queue = queue_names.queue_name(ticker, lane)

    assert queue_names.ticker_of_queue(queue) == ticker
    assert "/" not in queue


def test_other_queues_are_no_symbols():
    with pytest.raises(ValueError, match="upkeep"):
        queue_names.ticker_of_queue("upkeep")
