"""Whatever leaves a detector is the bar's failure, recorded at once; only what really lost its worker is a lost one."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.naughty import DEADLY, RAISED, REFUSED, TYPES, WORKS
from tests.integration.stack import Stack, running_stack
from tests.integration.test_faults import attempts, seconds
from tests.integration.test_main_road import bars_of
from tests.waiting import wait_until

DELAYS = [1.0, 2.0, 4.0]
ATTEMPTS = 3
"""Failures of each symbol that are looked at."""

NOTICED_S = 3.0
"""Longest time from the announced time of an attempt to the record of its failure. Celery's own looks at dead children
are five seconds apart."""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(
        tmp_path_factory.mktemp("n"),
        request.param,
        SCANNER_DETECTORS="tests.integration.naughty.Naughty",
        SCANNER_RETRY_DELAYS="1,2,4,600,600,600",
        SCANNER_BREAKER_THRESHOLD="10",
    ) as running:
        yield running


def misbehave(stack: Stack, *tickers: str) -> None:
    stack.post_bars([bar for ticker in tickers for bar in bars_of(ticker, 2)])


def has_failed(stack: Stack, ticker: str) -> bool:
    return len(attempts(stack, ticker)) >= ATTEMPTS


def wait_for_attempts(stack: Stack, tickers: Any) -> None:
    for ticker in tickers:
        wait_until(partial(has_failed, stack, ticker), f"{ticker} fails", deadline_s=90)


def test_every_exception_is_the_bars_failure_with_its_traceback(stack):
    misbehave(stack, *RAISED, "RECURSION")
    wait_for_attempts(stack, [*RAISED, "RECURSION"])

    for ticker in [*RAISED, "RECURSION"]:
        failures = attempts(stack, ticker)
        assert [failure["attempt"] for failure in failures[:ATTEMPTS]] == [1, 2, 3], ticker
        assert {failure["error_type"] for failure in failures} == {TYPES[ticker]}, ticker
        assert all("naughty.py" in failure["traceback"] for failure in failures), ticker
        assert all(len(failure["traceback"]) <= 100_000 for failure in failures), ticker
    assert {failure["message"] for failure in attempts(stack, "MUTE")} == {"(its text can't be made: RuntimeError)"}
    assert stack.symbol("CANCELLED")["lane"] == "main"  # no process died


def test_a_process_that_dies_is_noticed_at_once_also_in_a_quiet_slow_lane(stack):
    misbehave(stack, *DEADLY)
    wait_for_attempts(stack, DEADLY)

    assert "signal 11 (SIGSEGV)" in attempts(stack, "CRASH")[0]["message"]
    logs = "".join((stack.folder / f"{name}.log").read_text() for name in ("main", "slow"))
    assert "in _crash" in logs  # the Python lines of the crash
    assert "exitcode 3" in attempts(stack, "LEAVE")[0]["message"]
    for ticker in DEADLY:
        failures = attempts(stack, ticker)
        assert {failure["error_type"] for failure in failures} == {"RunKilled"}
        assert [failure["retry_delay_s"] for failure in failures[:ATTEMPTS]] == DELAYS
        assert stack.symbol(ticker)["lane"] == "slow"
        for earlier, later in pairwise(failures[:ATTEMPTS]):
            late_s = seconds(later["failed_at"]) - seconds(earlier["next_attempt_at"])
            assert 0 <= late_s < NOTICED_S, (ticker, late_s)


def test_what_detectors_may_do_works_and_what_they_may_not_is_a_failure(stack):
    misbehave(stack, *WORKS, *REFUSED)
    wait_until(lambda: all(stack.symbol(ticker)["bars_processed"] == 2 for ticker in WORKS), "all work", deadline_s=60)


def test_a_worker_that_is_told_to_stop_counts_nothing_against_its_bars(stack):
    stack.processes["main"].terminate()
    stack.processes.pop("main").wait(30)
    stack.post_bars(bars_of("QUIET", 2))
    stack.start_worker("main", "main")
    wait_until(lambda: stack.symbol("QUIET")["bars_processed"] == 2, "the next worker runs them", deadline_s=60)

    assert attempts(stack, "QUIET") == []
