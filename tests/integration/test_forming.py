"""Forming bars in a running scanner: what nobody closes is assumed with its newest values, whatever the broker lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from tests.integration.stack import Stack, running_stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LENGTH = timedelta(minutes=1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner whose forming bars wait for long enough that its broker can be away meanwhile."""
    folder = tmp_path_factory.mktemp("f")
    with running_stack(folder, request.param, SCANNER_DETECTORS="", SCANNER_ASSUME_AFTER_S="30") as running:
        yield running


def unfinished(ticker: str, opens: datetime, close: float) -> dict[str, Any]:
    values = {"open": 10.0, "high": 20.0, "low": 5.0, "close": close, "volume": 1.0, "closed": False}
    return {"symbol": ticker, "timeframe": "1m", "timestamp": opens.isoformat(), **values}


def bars(stack: Stack, ticker: str) -> list[tuple[float, bool, str]]:
    return [(row["close"], row["assumed"], row["status"]) for row in stack.rows("bars", symbol=ticker)]


@pytest.mark.parametrize("emptied", [False, True], ids=["the broker comes back", "the broker comes back empty"])
def test_what_came_last_is_assumed_although_the_broker_was_away(stack, emptied):
    ticker, opens = f"FORM{emptied:d}-USD", datetime.now(UTC) - LENGTH
    assert stack.post_bars([unfinished(ticker, opens, 10.0)])["forming"] == 1
    assert stack.post_bars([unfinished(ticker, opens, 11.0)])["forming"] == 1
    assert [bar["close"] for bar in stack.symbol(ticker)["forming"]] == [11.0]

    stack.redis.kill()
    assert stack.post_bars([unfinished(ticker, opens, 12.0)])["forming"] == 1
    assert [bar["close"] for bar in stack.symbol(ticker)["forming"]] == [12.0]
    stack.redis.start()
    if emptied:
        redis.Redis.from_url(stack.redis.url).flushall()

    wait_until(lambda: bars(stack, ticker) == [(12.0, True, "processed")], "it is assumed", deadline_s=120)
    assert stack.symbol(ticker)["forming"] == []
