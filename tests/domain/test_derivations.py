"""The value of SCANNER_DERIVE."""

import pytest

from scanner_app.domain import derivations
from scanner_app.domain.feed_entries import parse_feeds


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("1m=5m,15m,1h,1d", {"1m": ("5m", "15m", "1h", "1d")}, id="as in the documents"),
        pytest.param(" 1m = 1h , 5m ;; 1h=4h; ", {"1m": ("5m", "1h"), "1h": ("4h",)}, id="several, with spaces"),
        pytest.param("1min=60m,Daily", {"1m": ("1h", "1d")}, id="other people's names"),
        pytest.param("1m=5m,5m", {"1m": ("5m",)}, id="twice the same"),
    ],
)
def test_what_is_understood(text, understood):
    assert derivations.read(text) == understood


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5m", "'5m' is not"),
        ("1m=", "'1m=' is not"),
        ("1m=7m", "'7m' is no timeframe"),
        ("x=5m", "'x' is no timeframe"),
        ("1m=1w", "1d is the longest"),
        ("5m=1m", "1m can't be made from 5m"),
        ("1m=1m", "1m can't be made from 1m"),
        ("10m=15m", "15m can't be made from 10m: it is no whole number of times as long"),
        ("1m=5m;1m=1h", "1m is named twice"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text, says):
    with pytest.raises(ValueError, match=r"^\S") as caught:
        derivations.read(text)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("given", "feeds", "meant"),
    [
        pytest.param("", "alpaca:AAPL@1m+1h", {"1m": ("1h",)}, id="as in the documents"),
        pytest.param("1m=5m", "alpaca:AAPL@1h+1m+15m", {"1m": ("5m", "15m", "1h")}, id="beside what is given"),
        pytest.param("", "alpaca:AAPL@1m+1d", {}, id="all is brought"),
        pytest.param("", "alpaca:AAPL@1h", {}, id="nothing to make it from"),
        pytest.param("", "alpaca:AAPL@1m+1w", {}, id="weeks are not made"),
        pytest.param("", "binance:BTCUSDT@1m+1h", {}, id="a venue that brings them"),
    ],
)
def test_feeds_name_timeframes_that_their_venue_does_not_bring(given, feeds, meant):
    assert derivations.with_feeds(derivations.read(given), parse_feeds(feeds)) == meant
