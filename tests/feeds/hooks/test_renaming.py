"""What a hook's messages call our symbols."""

import pytest

from scanner_app.feeds.hooks import renaming

NAMES = {"BINANCE:BTCUSDT": "BTC/USD", "EURUSD=X": "EURUSD"}


def test_lines_and_objects_mean_the_same_and_are_read_back():
    lines = "binance:btcusdt = btc/usd\n\n  EURUSD=X = EURUSD  \n"

    assert (
        renaming.from_lines(lines) == renaming.checked({"binance:btcusdt ": "btc/usd", "eurusd=x": "eurusd"}) == NAMES
    )
    assert renaming.from_lines(renaming.as_lines(NAMES)) == NAMES
    assert renaming.from_lines("") == {}


@pytest.mark.parametrize(
    ("name", "ours"),
    [("Binance:BTCUSDT", "BTC/USD"), (" BINANCE:BTCUSDT ", "BTC/USD"), ("AAPL", "AAPL"), (7, 7), (None, None)],
)
def test_a_name_without_a_line_is_our_ticker(name, ours):
    assert renaming.ours(NAMES, name) == ours


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["a"], "must be an object"),
        ({"": "AAPL"}, "is no name"),
        ({"a\n": "AAPL", "b\0": "AAPL"}, "is no name"),
        ({"x" * 201: "AAPL"}, "is no name"),
        ({"a": "AAPL", "A": "MSFT"}, "is there twice"),
        ({"a": "A,B"}, "the ticker of 'a' "),
        ({"a": 1}, "the ticker of 'a' "),
        ({str(number): "A" for number in range(1_001)}, "may have 1,000 names, not 1,001"),
    ],
)
def test_what_is_wrong_is_said(wanted, said):
    with pytest.raises(ValueError, match=said):
        renaming.checked(wanted)


@pytest.mark.parametrize(("line", "said"), [("a=b", "is no line like"), ("a = B\na = C", "is there twice")])
def test_a_wrong_line_is_said(line, said):
    with pytest.raises(ValueError, match=said):
        renaming.from_lines(line)
