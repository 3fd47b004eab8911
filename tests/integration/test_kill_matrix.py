"""A process really killed between every two steps of a bar's life: each time the account balances."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.killpoints import ANY_BAR, Point, Victim, arm
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
report = ingest.accept(json.load(sys.stdin), now=timezone.now(), revising="revise" in sys.argv)
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
        SCANNER_SOFT_LIMIT_S="4",
        SCANNER_HARD_LIMIT_S="5",
        SCANNER_DERIVE="2m=10m",
    ) as running:
        start_main(running)
        running.start_worker("slow", "slow", processes=2)
        running.start_worker("upkeep", "upkeep", processes=1)
        start_rerun(running)
        running.start("beat", "celery", "-A", "scanner_project", "beat")
        wait_until(lambda: running.get("/readyz").status_code == 200, "the scanner is ready")
        yield running
        running.manage("verify")  # the same by the database alone, of all symbols; fails with what it finds


def start_main(stack: Stack) -> None:
    stack.start_worker("main", "main", SCANNER_KILL_POINTS="worker")


def start_rerun(stack: Stack) -> None:
    stack.start_worker("rerun", "rerun", processes=1, SCANNER_KILL_POINTS="worker")


def numbered(ticker: str, number: int, *, first: int = 1) -> list[dict[str, Any]]:
    """Bars whose volume is their number, which the detector repeats in the next bar's signal."""
    return [{**bar, "volume": first + index} for index, bar in enumerate(bars_of(ticker, number, first=first))]


def check_balance(stack: Stack, ticker: str, number: int) -> None:
    """All bars processed once and in order, each with its one signal, which shows the bar before in its window."""
    stack.wait_for_empty_backlog(deadline_s=40)
    check_account(stack, [ticker], number)
    signals = sorted(stack.rows("signals", symbol=ticker), key=lambda signal: signal["timestamp"])
    assert [signal["strength"] for signal in signals] == list(range(number))


def accept_and_die(stack: Stack, bars: list[dict[str, Any]], *arguments: str) -> int:
    """Accept bars in a process of its own; returns its exit status."""
    return subprocess.run(
        [sys.executable, "-c", ACCEPTOR, *arguments],
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


QUICK = {Point.NAMED, Point.POPPED, Point.WRITING, Point.COMMITTED}
"""Of the whole worker's cells, those that `make test` plays: each costs a worker's start."""


@pytest.mark.parametrize(
    "point",
    [
        point if point in QUICK else pytest.param(point, marks=pytest.mark.slow)
        for point in (Point.NAMED, Point.POPPED, Point.RECEIVED, *IN_CHILD, Point.RETURNED)
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


SERIES = 30
"""More bars than a re-run stores at once, so that a span is still taken after its first chunk."""

ADDED = 1_000
"""What a revision adds to the volumes that number the bars."""


def revised(bars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**bar, "volume": bar["volume"] + ADDED} for bar in bars]


def check_revised(stack: Stack, ticker: str) -> None:
    """Each bar processed once, with the one valid signal that a scanner with the final values would have."""
    wait_until(lambda: not stack.symbol(ticker)["reruns"], "all of it is looked at again", deadline_s=60)
    check_account(stack, [ticker], SERIES)
    rows = stack.rows("signals", symbol=ticker)
    valid = sorted((row for row in rows if row["withdrawn_at"] is None), key=lambda row: row["timestamp"])
    assert [row["strength"] for row in valid] == [0, *(ADDED + number for number in range(1, SERIES))]
    assert len(rows) == SERIES + SERIES - 1, "each old signal is withdrawn, once, and none is lost"
    assert stack.rows("failures", symbol=ticker) == []
    assert stack.rows("quarantine", symbol=ticker) == []


@pytest.mark.parametrize("point", [Point.REVISING, Point.REVISED])
def test_a_reviser_killed_before_or_after_its_commit_leaves_all_of_the_old_or_all_of_the_new(stack, point):
    (ticker,) = fresh_tickers(1)
    bars = numbered(ticker, SERIES)
    stack.post_bars(bars)
    check_balance(stack, ticker, SERIES)
    flag = arm(stack.folder, point, Victim.CHILD, ticker, ANY_BAR)

    status = accept_and_die(stack, revised(bars), "revise")

    assert (status, flag.exists()) == (-9, False)
    if point is Point.REVISING:
        assert {row["revised"] for row in stack.rows("bars", symbol=ticker)} == {False}
        stack.http.post("bars?revise=true", json=revised(bars)).raise_for_status()
    check_revised(stack, ticker)


@pytest.mark.parametrize("point", [Point.LOOKED, Point.STORING, Point.STORED])
@pytest.mark.parametrize("victim", Victim)
def test_a_rerun_killed_at_any_point_leaves_each_bar_with_its_final_signal(stack, point, victim):
    (ticker,) = fresh_tickers(1)
    bars = numbered(ticker, SERIES)
    stack.post_bars(bars)
    check_balance(stack, ticker, SERIES)
    flag = arm(stack.folder, point, victim, ticker, ANY_BAR)

    stack.http.post("bars?revise=true", json=revised(bars)).raise_for_status()
    wait_until(lambda: not flag.exists(), f"the {victim} is killed at {point}", deadline_s=30)
    if victim is Victim.WORKER:
        wait_until(lambda: stack.processes["rerun"].poll() is not None, "the worker is gone", deadline_s=5)
        start_rerun(stack)

    check_revised(stack, ticker)


PERIODS = 2


def of_two_minutes(ticker: str) -> list[dict[str, Any]]:
    """Numbered bars of 2m that amount to PERIODS bars of 10m, from the opening in New York."""
    opening = datetime(2024, 3, 5, 14, 30, tzinfo=UTC)
    bars = numbered(ticker, 5 * PERIODS)
    return [
        {**bar, "timeframe": "2m", "timestamp": (opening + place * timedelta(minutes=2)).isoformat()}
        for place, bar in enumerate(bars)
    ]


def check_derived(stack: Stack, ticker: str, *, added: int = 0) -> None:
    """All bars processed once and in order, and of each period one bar of 10m that is right."""
    stack.wait_for_empty_backlog(deadline_s=40)
    wait_until(lambda: not stack.symbol(ticker)["reruns"], "all of it is made again", deadline_s=60)
    stack.wait_for_empty_backlog(deadline_s=40)
    rows = sorted(stack.rows("bars", symbol=ticker), key=lambda bar: bar["sequence"])
    assert [row["sequence"] for row in rows] == list(range(1, 6 * PERIODS + 1))
    assert {row["status"] for row in rows} == {"processed"}
    derived = sorted((row for row in rows if row["derived"]), key=lambda row: row["timestamp"])
    assert [row["timeframe"] for row in derived] == ["10m"] * PERIODS
    assert [row["volume"] for row in derived] == [
        sum(range(first, first + 5)) + 5 * added for first in range(1, 5 * PERIODS, 5)
    ]
    valid = [row for row in stack.rows("signals", symbol=ticker) if row["withdrawn_at"] is None]
    assert sorted(row["bar"] for row in valid) == sorted(row["id"] for row in rows)


@pytest.mark.parametrize("sequence", [5, 10], ids=["bars wait behind it", "it is the last"])
@pytest.mark.parametrize("point", [Point.COMPUTED, Point.DERIVED, Point.COMMITTED])
@pytest.mark.parametrize("victim", Victim)
def test_a_kill_around_a_completion_that_makes_derived_bars_costs_and_doubles_none(stack, victim, point, sequence):
    (ticker,) = fresh_tickers(1)
    flag = arm(stack.folder, point, victim, ticker, sequence)

    stack.post_bars(of_two_minutes(ticker))
    wait_until(lambda: not flag.exists(), f"the {victim} is killed at {point}", deadline_s=20)
    if victim is Victim.WORKER:
        wait_until(lambda: stack.processes["main"].poll() is not None, "the worker is gone", deadline_s=5)
        start_main(stack)

    check_derived(stack, ticker)


@pytest.mark.parametrize("point", [Point.MADE_AGAIN, Point.REMAKING, Point.REMADE])
def test_a_kill_while_derived_bars_are_made_again_leaves_each_with_its_final_values(stack, point):
    (ticker,) = fresh_tickers(1)
    bars = of_two_minutes(ticker)
    stack.post_bars(bars)
    check_derived(stack, ticker)
    flag = arm(stack.folder, point, Victim.CHILD, ticker, ANY_BAR)

    stack.http.post("bars?revise=true", json=revised(bars)).raise_for_status()
    wait_until(lambda: not flag.exists(), f"the child is killed at {point}", deadline_s=30)

    check_derived(stack, ticker, added=ADDED)
