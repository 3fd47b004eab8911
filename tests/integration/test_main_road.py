"""The main road through the real front door: HTTP in, worker process, HTTP out, on both databases."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import redis
import talib
import talib.abstract

from scanner_app.feeds.bundled import load_series
from tests.integration.detectors import SLEEPS
from tests.integration.stack import Stack
from tests.odd_tickers import ODD_TICKERS
from tests.waiting import wait_until

START = datetime(2024, 1, 1, tzinfo=UTC)
_names = count()


def fresh_tickers(number: int) -> list[str]:
    """Tickers that no other test has used."""
    batch = next(_names)
    return [f"T{batch}.{index}" for index in range(number)]


def bars_of(ticker: str, number: int, *, first: int = 0, volume: float = 1000.0) -> list[dict[str, Any]]:
    return [
        {
            "symbol": ticker,
            "timeframe": "1m",
            "timestamp": (START + timedelta(minutes=first + index)).isoformat(),
            "open": 10,
            "high": 12,
            "low": 9,
            "close": 10 + index % 2,
            "volume": volume,
        }
        for index in range(number)
    ]


def in_turns(tickers: list[str], number: int, *, first: int = 0) -> list[dict[str, Any]]:
    return [bar for each in zip(*(bars_of(t, number, first=first) for t in tickers), strict=True) for bar in each]


def check_account(stack: Stack, tickers: list[str], number: int) -> None:
    """Every accepted bar is processed once, in order, and nothing waits."""
    for ticker in tickers:
        bars = sorted(stack.rows("bars", symbol=ticker), key=lambda bar: bar["sequence"])
        assert [bar["sequence"] for bar in bars] == list(range(1, number + 1)), ticker
        assert {bar["status"] for bar in bars} == {"processed"}, ticker
        assert all(a["finished_at"] <= b["finished_at"] for a, b in pairwise(bars)), ticker
        assert all(a["timestamp"] < b["timestamp"] for a, b in pairwise(bars)), ticker
        assert stack.symbol(ticker)["bars_processed"] == number


def test_twenty_symbols_at_once_are_processed_in_order_each_bar_once(stack):
    tickers = fresh_tickers(20)

    report = stack.post_bars(in_turns(tickers, 20))
    stack.wait_for_empty_backlog()

    counts = {"accepted": 400, "duplicates": 0, "forming": 0, "revised": 0}
    assert report == {**counts, "conflicts": [], "rejected": []}
    check_account(stack, tickers, 20)
    status = stack.status()
    assert {symbol["state"] for symbol in status["symbols"]} == {"processing"}


def test_the_signals_that_come_out_are_those_of_talib_over_the_whole_series(stack):
    series = next(series for series in load_series() if series.symbol == "IBM")
    number = 120
    stack.post_bars(
        [
            {
                "symbol": "IBM",
                "timeframe": series.timeframe,
                "timestamp": f"{series.timestamps[index]}Z",
                **{name: float(getattr(series, name)[index]) for name in ("open", "high", "low", "close", "volume")},
            }
            for index in range(number)
        ]
    )
    stack.wait_for_empty_backlog()

    expected = set()
    prices = [getattr(series, name)[:number] for name in ("open", "high", "low", "close")]
    for pattern in talib.get_function_groups()["Pattern Recognition"]:
        values = getattr(talib, pattern)(*prices)
        for index in np.flatnonzero(values):
            direction = "bullish" if values[index] > 0 else "bearish"
            expected.add((f"{series.timestamps[index]}"[:19], pattern, direction, float(abs(values[index]))))

    found = {
        (signal["timestamp"][:19], signal["pattern"], signal["direction"], signal["strength"])
        for signal in stack.rows("signals", symbol="IBM", detector="candlesticks")
    }
    assert len(expected) > 100
    assert found == expected


def test_a_new_symbol_is_consumed_without_a_restart(stack):
    (ticker,) = fresh_tickers(1)

    stack.post_bars(bars_of(ticker, 1))

    wait_until(lambda: stack.symbol(ticker)["bars_processed"] == 1, "the new symbol's bar is processed", deadline_s=20)


def test_odd_tickers_travel_through_queues_and_addresses(stack):
    tickers = [f"BTC/USD^{next(_names)}=:_", *ODD_TICKERS]

    stack.post_bars(in_turns([ticker.lower() for ticker in tickers], 2))
    stack.wait_for_empty_backlog()

    for ticker in tickers:
        shown = stack.symbol(quote(ticker, safe=""))
        assert (shown["symbol"], shown["bars_processed"]) == (ticker, 2)


def test_one_symbol_whose_detector_sleeps_does_not_hold_the_others(stack):
    tickers = fresh_tickers(10)
    slow, others = tickers[0], tickers[1:]
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()

    stack.post_bars([*bars_of(slow, 1, first=1, volume=SLEEPS), *in_turns(others, 5, first=1)])
    wait_until(
        lambda: all(stack.symbol(ticker)["backlog"] == 0 for ticker in others), "the others are through", deadline_s=20
    )

    (sleeping,) = stack.rows("bars", symbol=slow, status="processing")
    assert sleeping["sequence"] == 2  # still running, while all the others are done
    stack.wait_for_empty_backlog()
    check_account(stack, others, 6)


def under_load(stack: Stack, tickers: list[str], act: Callable[[], None]) -> int:
    """Post bars of all tickers in a thread, `act` in the middle of it; returns the bars of each ticker."""
    rounds = 60
    half, done = threading.Event(), threading.Event()

    def post() -> None:
        for turn in range(rounds):
            stack.post_bars(in_turns(tickers, 1, first=turn))
            if turn == rounds // 2:
                half.set()
        done.set()

    poster = threading.Thread(target=post)
    poster.start()
    assert half.wait(60)
    act()
    poster.join(60)
    assert done.is_set()
    return rounds


def test_kill_9_of_the_worker_under_load_loses_and_doubles_nothing(stack):
    tickers = fresh_tickers(10)

    def kill_and_replace() -> None:
        stack.kill("main")
        stack.start_worker("main", "main")

    rounds = under_load(stack, tickers, kill_and_replace)
    stack.wait_for_empty_backlog()

    check_account(stack, tickers, rounds)


def test_kill_9_of_the_broker_under_load_loses_and_doubles_nothing(stack):
    tickers = fresh_tickers(10)

    def kill_and_restart() -> None:
        stack.redis.kill()
        stack.post_bars(in_turns(tickers, 1, first=1000))  # accepted without a broker
        stack.redis.start()

    rounds = under_load(stack, tickers, kill_and_restart)
    stack.wait_for_empty_backlog()

    for ticker in tickers:
        bars = stack.rows("bars", symbol=ticker)
        assert len(bars) == rounds + 1
        assert {bar["status"] for bar in bars} == {"processed"}
        assert stack.symbol(ticker)["bars_processed"] == rounds + 1


def test_losing_the_broker_while_bars_run_ends_no_worker(stack):
    tickers = fresh_tickers(2)
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()
    stack.post_bars([bar for ticker in tickers for bar in bars_of(ticker, 1, first=1, volume=SLEEPS)])
    wait_until(lambda: set(worker_holds(stack)) >= set(tickers), "the bars run")

    stack.redis.kill()
    stack.redis.start()
    stack.post_bars(in_turns(tickers, 2, first=2))
    stack.wait_for_empty_backlog()

    assert stack.processes["main"].poll() is None
    check_account(stack, tickers, 4)


def worker_holds(stack: Stack) -> list[str]:
    """The tickers whose bars the main worker tells that it holds."""
    told = redis.Redis.from_url(stack.redis.url).get("scanner:tell:main@test")
    return [name.partition("-")[0] for name in json.loads(told or '{"held": []}')["held"]]


def test_an_emptied_broker_costs_delay_and_no_bar(stack):
    tickers = fresh_tickers(10)

    def empty() -> None:
        redis.Redis.from_url(stack.redis.url).flushall()

    rounds = under_load(stack, tickers, empty)
    stack.wait_for_empty_backlog()

    check_account(stack, tickers, rounds)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_scanner_is_alive_and_ready_after_all_this(stack, path):
    wait_until(lambda: stack.get(path).status_code == 200, f"{path} answers 200")
