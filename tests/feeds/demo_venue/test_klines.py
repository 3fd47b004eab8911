from typing import Any

import pytest

from scanner_app.feeds.demo_venue.klines import Kline, as_event, as_row, forming, mistaken, openings

UP = Kline(open_ms=60_000, open=10, high=14, low=9, close=12, volume=300)
DOWN = Kline(open_ms=60_000, open=12, high=14, low=9, close=10, volume=300)


@pytest.mark.parametrize(
    ("final", "part", "values"),
    [
        pytest.param(UP, 0, (10, 10, 10, 10, 0), id="it begins at its open"),
        pytest.param(UP, 1 / 6, (10, 10, 9.5, 9.5, 50), id="a rising bar goes to its low first"),
        pytest.param(DOWN, 1 / 6, (12, 13, 12, 13, 50), id="a falling bar to its high"),
        pytest.param(UP, 1 / 2, (10, 11.5, 9, 11.5, 150), id="then to the other extreme"),
        pytest.param(UP, 1, (10, 14, 9, 12, 300), id="at its end it has its values"),
        pytest.param(UP, 2, (10, 14, 9, 12, 300), id="and afterwards too"),
    ],
)
def test_a_bar_forms(final, part, values):
    bar = forming(final, part)

    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == pytest.approx(values)


@pytest.mark.parametrize("final", [UP, DOWN, Kline(open_ms=0, open=1, high=1, low=1, close=1, volume=0)])
def test_a_mistaken_bar_is_possible_and_different(final):
    wrong = mistaken(final)

    assert wrong != final
    assert wrong.low <= min(wrong.open, wrong.close) <= max(wrong.open, wrong.close) <= wrong.high


def test_openings_are_on_the_grid_and_both_ends_count():
    assert list(openings("1m", 60_001, 180_000)) == [120_000, 180_000]
    assert list(openings("1m", 60_000, 60_000)) == [60_000]
    assert list(openings("1m", 60_001, 119_999)) == []


def test_a_row_of_history_is_written_as_binance_does():
    assert as_row(UP, "1m")[:7] == [
        60_000, "10.00000000", "14.00000000", "9.00000000", "12.00000000", "300.00000000", 119_999,
    ]  # fmt: skip
    assert len(as_row(UP, "1m")) == 12


def test_an_event_says_whether_the_bar_is_closed():
    event: dict[str, Any] = as_event(UP, "BTCUSDT", "1m", closed=True, now_ms=120_000)

    assert (event["e"], event["s"], event["E"]) == ("kline", "BTCUSDT", 120_000)
    assert {key: event["k"][key] for key in "tTicxv"} == {
        "t": 60_000, "T": 119_999, "i": "1m", "c": "12.00000000", "x": True, "v": "300.00000000",
    }  # fmt: skip
