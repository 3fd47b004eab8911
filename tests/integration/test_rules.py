"""Traders' rules through the front door: hits exactly once under kills, none from history, none from a restart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import check_account
from tests.waiting import wait_until

TICKERS = [f"R{number}" for number in range(10)]
BARS = 60
KILLS = 5


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner that finds lost heads quickly."""
    with running_stack(
        tmp_path_factory.mktemp("r"), request.param, SCANNER_SWEEP_S="0.5", SCANNER_HEARTBEAT_S="0.5"
    ) as running:
        yield running


def series(ticker: str, number: int, *, end: datetime, first: int = 0) -> list[dict[str, Any]]:
    """Bars of a minute up to `end`, which close at 99 and 101 in turns."""
    found = []
    for place in range(number):
        close = 101 if (first + place) % 2 else 99
        prices = dict.fromkeys(("open", "high", "low", "close"), close)
        at = end - timedelta(minutes=number - place)
        found.append({"symbol": ticker, "timeframe": "1m", "timestamp": at.isoformat(), **prices, "volume": 1})
    return found


def made(stack: Stack, **values: Any) -> int:
    body = {"expression": "close > 100", "timeframes": ["1m"], "tell_within_s": 86_400, **values}
    answer = stack.http.post("rules", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def hits(stack: Stack, rule: int) -> list[tuple[str, str]]:
    return sorted((hit["symbol"], hit["timestamp"]) for hit in stack.rows("hits", rule=rule))


def test_each_change_is_a_hit_once_under_kill_9_and_history_and_restarts_are_silent(stack: Stack) -> None:
    rule = made(stack, name="changes")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    history = [bar for ticker in TICKERS for bar in series(ticker, 20, end=now - timedelta(days=30))]
    stack.post_bars(history)
    stack.wait_for_empty_backlog()
    assert hits(stack, rule) == []
    stack.kill("main")  # a process that has just read the rules may not know the new one for two seconds
    stack.start_worker("main", "main")

    live = [bar for ticker in TICKERS for bar in series(ticker, BARS, end=now)]
    stack.post_bars(live)
    left = len(live)
    for _ in range(KILLS):
        left -= len(live) // (KILLS + 2)
        wait_until(lambda: stack.status()["backlog"] <= left, "some bars are done")  # noqa: B023 - asked at once
        stack.kill("main")
        stack.start_worker("main", "main")
    stack.wait_for_empty_backlog()

    # The history ended at 101, so the first bar at 99 is a change to false, and every second bar is a hit.
    expected = sorted((bar["symbol"], _utc(bar["timestamp"])) for bar in live if bar["close"] == 101)
    assert hits(stack, rule) == expected
    for ticker in TICKERS:
        check_account(stack, [ticker], 20 + BARS)

    stack.kill("main")
    stack.start_worker("main", "main")
    again = stack.post_bars(live)
    assert again["duplicates"] == len(live)
    more = series(TICKERS[0], 1, end=now + timedelta(minutes=1), first=1)  # at 101, as the bar before it
    more[0]["closed"] = True
    stack.post_bars(more)
    stack.wait_for_empty_backlog()
    assert hits(stack, rule) == expected


def test_a_rule_that_is_made_or_deleted_counts_within_some_seconds(stack: Stack) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = iter(series("S0", 400, end=now))
    rule = made(stack, name="quick")

    def two_bars_hit() -> bool:
        before = len(hits(stack, rule))
        stack.post_bars([next(minutes), next(minutes)])
        stack.wait_for_empty_backlog()
        return len(hits(stack, rule)) > before

    wait_until(two_bars_hit, "the workers know the rule", deadline_s=20)
    found = stack.rows("hits", rule=rule)[0]
    assert found["values"] == {"close": 101.0}
    why = stack.http.get(f"rules/{rule}/why", params={"symbol": "S0", "bar": found["bar"]}).json()
    assert (why["held"], why["parts"][0]["text"]) == (True, "close > 100")
    assert stack.http.delete(f"rules/{rule}").status_code == 204
    stack.post_bars([next(minutes) for _ in range(10)])
    stack.wait_for_empty_backlog()
    assert stack.symbol("S0")["state"] == "processing"


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
