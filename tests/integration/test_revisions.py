"""A split of a whole series while live bars come, and the worker that looks again is killed: nothing is lost."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.integration.stack import Stack
from tests.waiting import wait_until

START = datetime(2024, 1, 1, tzinfo=UTC)
HISTORY, LIVE = 1_000, 20
OTHERS = [f"LIVE{number}" for number in range(5)]


def walk(ticker: str, count: int, *, factor: float = 1.0, first: int = 0) -> list[dict[str, Any]]:
    """Minute bars of a random walk that is the same each time."""
    closes = np.random.default_rng(11).normal(size=first + count + 1).cumsum() + 300
    bars = []
    for place in range(first, first + count):
        open_, close = factor * float(closes[place]), factor * float(closes[place + 1])
        bars.append(
            {
                "symbol": ticker,
                "timeframe": "1m",
                "timestamp": (START + timedelta(minutes=place)).isoformat(),
                "open": open_,
                "high": max(open_, close) + factor * 0.25,
                "low": min(open_, close) - factor * 0.25,
                "close": close,
                "volume": 1000,
            }
        )
    return bars


def valid_signals(stack: Stack, ticker: str) -> list[tuple[Any, ...]]:
    rows = stack.rows("signals", symbol=ticker, withdrawn="false")
    return sorted(
        (row["timestamp"], row["detector"], row["pattern"], row["direction"], row["strength"]) for row in rows
    )


def looked_at(stack: Stack, ticker: str) -> int:
    """The bars that the detectors have looked at again, of a span that is not done."""
    (span,) = stack.symbol(ticker)["reruns"]
    return int(span["bars_done"])


def looked_at_all(stack: Stack, ticker: str) -> bool:
    return not stack.symbol(ticker)["reruns"]


def test_after_a_split_under_load_and_a_kill_the_signals_are_those_of_a_fresh_scanner(stack: Stack):
    stack.post_bars(walk("SPLIT", HISTORY))
    stack.wait_for_empty_backlog(deadline_s=120)
    before = valid_signals(stack, "SPLIT")

    stop = threading.Event()

    def feed_others() -> None:
        for place in itertools.count():
            if stop.wait(0.05):
                return
            stack.post_bars([bar for ticker in OTHERS for bar in walk(ticker, 1, first=place)])

    feeder = threading.Thread(target=feed_others)
    feeder.start()
    try:
        answer = stack.http.post("bars?revise=true", json=walk("SPLIT", HISTORY, factor=0.25))
        assert answer.json()["revised"] == HISTORY
        for place in range(LIVE):
            stack.post_bars(walk("SPLIT", 1, factor=0.25, first=HISTORY + place))
        stack.start_worker("rerun", "rerun", processes=1)
        wait_until(lambda: looked_at(stack, "SPLIT") > 0, "it has begun", deadline_s=60)
        stack.kill("rerun")
        assert 0 < looked_at(stack, "SPLIT") < HISTORY
        stack.start_worker("rerun", "rerun", processes=1)
        wait_until(lambda: looked_at_all(stack, "SPLIT"), "all of it is looked at again", deadline_s=170)
    finally:
        stop.set()
        feeder.join()

    stack.post_bars(walk("FRESH", HISTORY + LIVE, factor=0.25))
    stack.wait_for_empty_backlog(deadline_s=120)
    assert valid_signals(stack, "SPLIT") == valid_signals(stack, "FRESH") != before
    assert stack.symbol("SPLIT")["bars_processed"] == HISTORY + LIVE
    for ticker in OTHERS:
        bars = sorted(stack.rows("bars", symbol=ticker), key=lambda bar: bar["sequence"])
        assert [bar["sequence"] for bar in bars] == list(range(1, len(bars) + 1))
        assert {bar["status"] for bar in bars} == {"processed"}


pytestmark = pytest.mark.timeout(400)
