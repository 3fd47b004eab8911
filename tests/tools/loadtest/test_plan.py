"""The schedule: which bar is due when, of which symbol, with which time and values."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from scanner_app.domain import tickers
from scanner_app.engine.validation import Rejection, validate
from scanner_app.tools.loadtest.plan import Plan

NOW = datetime(2024, 5, 31, 14, 30, 0, 250_000, tzinfo=UTC)


def plan(**values):
    return Plan(**{"run": "0A1B", "symbols": 20, "rate": 100.0, "seconds": 60.0, "now": NOW, **values})


def test_all_symbols_get_equally_many_bars_in_turn():
    made = plan()

    order = [made.ticker(index) for index in range(made.total)]

    assert made.total == 6_000
    assert set(Counter(order).values()) == {300}
    assert order[:20] == order[20:40] == made.tickers
    assert (made.tickers[0], made.tickers[19]) == ("LT0A1B-01", "LT0A1B-20")


def test_symbols_for_which_there_is_no_bar_are_not_listed():
    assert plan(rate=1, seconds=3).tickers == ["LT0A1B-01", "LT0A1B-02", "LT0A1B-03"]


def test_tickers_are_as_the_scanner_stores_them():
    made = plan(symbols=1_000).tickers

    assert made[0] == "LT0A1B-0001"
    assert [tickers.normalise(ticker) for ticker in made] == made


@pytest.mark.parametrize(
    ("burst", "elapsed_s", "due"),
    [
        pytest.param(False, 0, 1, id="the first bar at once"),
        pytest.param(False, 0.0099, 1, id="the second not before its time"),
        pytest.param(False, 0.01, 2, id="the second at its time"),
        pytest.param(False, 0.05, 6, id="as many as a tick brings"),
        pytest.param(False, 59.99, 6_000, id="the last before the end"),
        pytest.param(False, 1e6, 6_000, id="never more than there are"),
        pytest.param(True, 0, 20, id="burst: all symbols at once"),
        pytest.param(True, 0.199, 20, id="burst: then nothing for a round"),
        pytest.param(True, 0.2, 40, id="burst: the next round, whole"),
    ],
)
def test_bars_come_due_at_the_rate(burst, elapsed_s, due):
    assert plan(burst=burst).due_by(elapsed_s) == due


def test_all_bars_of_a_burst_are_due_together():
    assert [plan(burst=True).due_at(index) for index in (0, 19, 20, 39)] == [0, 0, 0.2, 0.2]


@pytest.mark.parametrize("rate", [0.3, 3, 7, 99.9, 100, 333.3, 10_000])
@pytest.mark.parametrize("burst", [False, True])
def test_every_bar_is_due_at_its_own_time(rate, burst):
    made = plan(rate=rate, burst=burst)

    assert all(made.due_by(made.due_at(index)) > index for index in range(made.total))


def test_a_last_round_that_is_not_whole_is_cut_off():
    assert plan(symbols=20, rate=50, seconds=1, burst=True).due_by(10) == 50


@pytest.mark.parametrize(("symbols", "rate"), [(1, 100.0), (20, 100.0), (7, 3.3)])
def test_timestamps_ascend_by_a_second_and_end_in_the_past(symbols, rate):
    made = plan(symbols=symbols, rate=rate)

    for ticker in made.tickers:
        times = [made.timestamp(index) for index in range(made.total) if made.ticker(index) == ticker]
        assert all(b - a == timedelta(seconds=1) for a, b in pairwise(times))
        assert times[-1] < NOW
    assert made.timestamp(made.total - 1) == NOW.replace(microsecond=0) - timedelta(seconds=1)


def test_bars_are_valid_and_prices_go_on_where_they_were():
    made = plan(symbols=2, rate=10, seconds=30)

    bars = [made.bar(index) for index in range(made.total)]

    assert [validate(0, bar, NOW) for bar in bars if isinstance(validate(0, bar, NOW), Rejection)] == []
    first = [bar for bar in bars if bar["symbol"] == made.tickers[0]]
    assert all(before["close"] == bar["open"] for before, bar in pairwise(first))
    assert len({bar["close"] for bar in first}) > 100


def test_a_bar_is_the_same_each_time_it_is_asked_for():
    """A repeated POST must be a duplicate, not a conflict."""
    assert plan().bar(17) == plan().bar(17)
