"""A process really killed between every two steps of a bar's life: each time the account balances."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.killpoints import Point, Victim, arm
from tests.integration.stack import ROOT, Stack, running_stack
from tests.integration.test_main_road import bars_of, check_account, fresh_tickers
from tests.waiting import wait_until

BARS = 4
VICTIM_BAR = 2
"""In the middle: a bar before it that must not come again, and bars behind it that must not overtake."""

ACCEPTOR = """
import json
import sys
import django
django.setup()
from django.utils import timezone
from tests.integration import killpoints
from scanner_app.engine import ingest
killpoints.install_in_acceptor()
report = ingest.accept(json.load(sys.stdin), now=timezone.now())
print(report.accepted)
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner whose main worker has kill points, with short delays."""
    with running_stack(
        tmp_path_factory.mktemp("k"),
        request.param,
        workers=False,
        SCANNER_DETECTORS="tests.integration.killpoints.KillPoints",
        SCANNER_RETRY_DELAYS="0.2,0.2,0.2,0.2,0.2,0.2",
        SCANNER_BREAKER_RECOVERY_S="1",
        SCANNER_SWEEP_S="0.5",
        SCANNER_HEARTBEAT_S="0.5",
    ) as running:
        start_main(running)
        running.start_worker("slow", "slow", processes=2)
        running.start_worker("upkeep", "upkeep", processes=1)
        running.start("beat", "celery", "-A", "scanner_project", "beat")
        wait_until(lambda: running.get("/readyz").status_code == 200, "the scanner is ready")
        yield running


def start_main(stack: Stack) -> None:
    stack.start_worker("main", "main", SCANNER_KILL_POINTS="worker")


def numbered(ticker: str, number: int, *, first: int = 1) -> list[dict[str, Any]]:
    """Bars whose volume is their number, which the detector repeats in the next bar's signal."""
    return [{**bar, "volume": first + index} for index, bar in enumerate(bars_of(ticker, number, first=first))]


def check_balance(stack: Stack, ticker: str, number: int) -> None:
    """All bars processed once and in order, each with its one signal, which shows the bar before in its window."""
    stack.wait_for_empty_backlog(deadline_s=40)
    check_account(stack, [ticker], number)
    signals = sorted(stack.rows("signals", symbol=ticker), key=lambda signal: signal["timestamp"])
    assert [signal["strength"] for signal in signals] == list(range(number))


def accept_and_die(stack: Stack, bars: list[dict[str, Any]]) -> int:
    """Accept bars in a process of its own; returns its exit status."""
    return subprocess.run(
        [sys.executable, "-c", ACCEPTOR],
        cwd=ROOT,
        env=stack.env,
        input=json.dumps(bars),
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    ).returncode


@pytest.mark.parametrize("point", [Point.ACCEPTED, Point.PUBLISHED])
def test_an_acceptor_killed_after_its_commit_costs_no_bar(stack, point):
    (ticker,) = fresh_tickers(1)
    flag = arm(stack.folder, point, Victim.CHILD, ticker, 1)

    status = accept_and_die(stack, numbered(ticker, BARS))

    assert (status, flag.exists()) == (-9, False)
    check_balance(stack, ticker, BARS)


IN_CHILD = [
    Point.HANDED,
    Point.STARTED,
    Point.DETECTING,
    Point.COMPUTED,
    Point.WRITING,
    Point.COMMITTED,
    Point.NEXT_PUBLISHED,
]


@pytest.mark.parametrize("point", IN_CHILD)
def test_a_pool_child_killed_at_any_point_costs_and_doubles_no_bar(stack, point):
    (ticker,) = fresh_tickers(1)
    flag = arm(stack.folder, point, Victim.CHILD, ticker, VICTIM_BAR)

    stack.post_bars(numbered(ticker, BARS))
    wait_until(lambda: not flag.exists(), f"a child is killed at {point}", deadline_s=20)

    check_balance(stack, ticker, BARS)
    assert stack.processes["main"].poll() is None  # a child died, not the worker


QUICK = {Point.POPPED, Point.WRITING, Point.COMMITTED}
"""Of the whole worker's cells, those that `make test` plays: each costs a worker's start."""


@pytest.mark.parametrize(
    "point",
    [
        point if point in QUICK else pytest.param(point, marks=pytest.mark.slow)
        for point in (Point.POPPED, Point.RECEIVED, *IN_CHILD, Point.RETURNED)
    ],
)
def test_a_whole_worker_killed_at_any_point_costs_and_doubles_no_bar(stack, point):
    ticker, other = fresh_tickers(2)
    flag = arm(stack.folder, point, Victim.WORKER, ticker, VICTIM_BAR)

    stack.post_bars([*numbered(ticker, BARS), *numbered(other, BARS)])
    wait_until(lambda: not flag.exists(), f"the worker is killed at {point}", deadline_s=20)
    wait_until(lambda: stack.processes["main"].poll() is not None, "the worker is gone", deadline_s=5)
    start_main(stack)

    for each in (ticker, other):
        check_balance(stack, each, BARS)
    assert stack.rows("failures", symbol=ticker) == []  # its worker's death is not the bar's fault
