"""A real scanner tells nobody of what asks for nothing: first start, import, restart, killed worker, first bar."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanner_app.domain.alert_rules import slow_symbol
from tests.integration.stack import Stack, running_stack

# It waits for longer than the rules wait for before they fire.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SYMBOLS = 20
HELD_BACK_S = 24
"""Bars of a second that wait for a worker: more than the rule for slow symbols needs."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner that has just been started for the first time."""
    with running_stack(
        tmp_path_factory.mktemp("q"),
        request.param,
        SCANNER_ADMINS="ada@example.org",
        SCANNER_DETECTORS="scanner_app.detectors.candlesticks.Candlesticks",
    ) as running:
        yield running


def notices(stack: Stack) -> list[list[str]]:
    """The kind and the subject of each notification so far, and alerts that have fired."""
    ask = (
        "import json; from scanner_app.models import Alert as A, Notification as N;"
        "print(json.dumps([list(N.objects.order_by('pk').values_list('kind', 'subject')),"
        "list(A.objects.exclude(fired_at=None).values_list('rule', 'message'))]))"
    )
    told, fired = json.loads(stack.manage("shell", "-v0", "-c", ask).splitlines()[-1])
    return [*told, *fired]


def stays_quiet(stack: Stack) -> None:
    """Healthy as soon as the backlog is gone, and for longer than a rule waits before it fires."""
    stack.wait_for_empty_backlog()
    until = time.monotonic() + slow_symbol.RULE.for_s + 6  # and one evaluation
    while time.monotonic() < until:
        status = stack.status()
        assert (status["overall_status"], status["reasons"]) == ("healthy", [])
        time.sleep(1)  # a look each second, no wait for something
    assert notices(stack) == []


def bars(moment: datetime, timeframe: str, count: int, step: timedelta, prefix: str) -> list[dict[str, Any]]:
    """`count` bars of each symbol, from `moment` on."""
    values = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1000.0}
    return [
        {
            "symbol": f"{prefix}{number}/USD",
            "timeframe": timeframe,
            "timestamp": (moment + place * step).isoformat(),
            **values,
        }
        for place in range(count)
        for number in range(SYMBOLS)
    ]


def test_a_first_start_is_quiet(stack):
    stays_quiet(stack)


def test_an_import_of_old_bars_is_quiet(stack):
    report = stack.post_bars(bars(datetime(2024, 1, 1, tzinfo=UTC), "1m", 120, timedelta(minutes=1), "OLD"))

    assert report["accepted"] == SYMBOLS * 120
    stays_quiet(stack)


def test_a_new_symbols_first_bar_is_quiet(stack):
    stack.post_bars(bars(datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2), "1s", 1, timedelta(0), "ONE"))

    stays_quiet(stack)


def test_a_killed_worker_with_bars_waiting_is_quiet_once_they_are_done(stack):
    """Also what a restart with bars waiting is: they wait for a worker that starts."""
    stack.kill("main")
    for second in range(HELD_BACK_S):
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
        stack.http.post("bars", json=bars(moment, "1s", 1, timedelta(0), "HELD"))
        if second == HELD_BACK_S // 2:
            stack.start_worker("main", "main")  # bars go on coming while it works off those that waited
        time.sleep(max(0.0, moment.timestamp() + 2 - time.time()))  # a bar each second

    stack.wait_for_empty_backlog()
    held = stack.rows("bars", symbol="HELD0/USD")
    assert sum(one["held"] for one in held) >= HELD_BACK_S // 4, "bars really waited"
    told = [one for one in notices(stack) if "no_worker" not in str(one) and "consumes" not in str(one)]
    assert told == []
    status = stack.status()
    assert [reason for reason in status["reasons"] if "p95" in reason] == []
