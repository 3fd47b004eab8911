"""The required scenarios against real faults, workers, broker and database; time is shortened by settings."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of, check_account, fresh_tickers, in_turns
from tests.waiting import wait_until

DELAYS = [0.2, 0.4, 0.8, 1.6, 2.0, 2.2]
RECOVERY_S = 3.0


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner with short delays and limits, in which faults may be injected."""
    with running_stack(
        tmp_path_factory.mktemp("f"),
        request.param,
        SCANNER_DETECTORS="tests.integration.detectors.Stubborn",
        SCANNER_FAULT_INJECTION="1",
        SCANNER_RETRY_DELAYS=",".join(str(delay) for delay in DELAYS),
        SCANNER_BREAKER_RECOVERY_S=str(RECOVERY_S),
        SCANNER_SOFT_LIMIT_S="3",
        SCANNER_HARD_LIMIT_S="5",
        SCANNER_QUICK_BARS="3",
    ) as running:
        yield running


@pytest.fixture
def two(stack: Stack) -> tuple[str, str]:
    """A symbol to break and one to leave alone, each with a bar that was processed."""
    sick, well = fresh_tickers(2)
    stack.post_bars(in_turns([sick, well], 1))
    stack.wait_for_empty_backlog()
    return sick, well


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def attempts(stack: Stack, ticker: str) -> list[dict[str, Any]]:
    return sorted(stack.rows("failures", symbol=ticker), key=lambda failure: failure["attempt"])


def wait_for_state(stack: Stack, ticker: str, **wanted: Any) -> None:
    def is_there() -> bool:
        status = stack.symbol(ticker)
        return all(status[name] == value for name, value in wanted.items())

    wait_until(is_there, f"{ticker} is {wanted}, not {stack.symbol(ticker)}", deadline_s=40)


def test_isolated_failure_pauses_one_symbol_which_retries_and_goes_on(stack, two):
    sick, well = two
    stack.manage("inject", sick, "--fail", "2")

    stack.post_bars([*bars_of(sick, 3, first=1), *bars_of(well, 20, first=1)])
    wait_for_state(stack, well, bars_processed=21)
    stack.wait_for_empty_backlog()

    check_account(stack, [sick], 4)
    first, second = attempts(stack, sick)
    assert (first["error_type"], first["message"]) == ("InjectedError", "injected failure")
    assert "InjectedError: injected failure" in first["traceback"]
    assert [failure["retry_delay_s"] for failure in (first, second)] == DELAYS[:2]
    assert seconds(second["failed_at"]) >= seconds(first["next_attempt_at"])
    bars = sorted(stack.rows("bars", symbol=sick), key=lambda bar: bar["sequence"])
    assert [bar["attempts"] for bar in bars] == [1, 3, 1, 1]
    assert stack.symbol(sick)["consecutive_failures"] == 0


def test_the_third_failure_in_a_row_opens_the_breaker_and_one_success_closes_it(stack, two):
    sick, well = two
    stack.manage("inject", sick, "--fail", "4")

    stack.post_bars([*bars_of(sick, 5, first=1), *bars_of(well, 5, first=1)])
    wait_for_state(stack, sick, circuit_state="open", state="failed")
    wait_for_state(stack, well, state="processing", bars_processed=6)
    stack.wait_for_empty_backlog()

    wait_for_state(stack, sick, circuit_state="closed", state="processing", consecutive_failures=0)
    check_account(stack, [sick], 6)
    failures = attempts(stack, sick)
    assert [failure["retry_delay_s"] for failure in failures] == DELAYS[:4]
    # never earlier than announced, and on an open breaker not before the half-open moment
    for earlier, later in pairwise(failures):
        assert seconds(later["failed_at"]) >= seconds(earlier["next_attempt_at"])
    opened = seconds(failures[2]["failed_at"])
    assert seconds(failures[2]["next_attempt_at"]) == pytest.approx(opened + RECOVERY_S, abs=0.001)
    assert seconds(failures[3]["failed_at"]) >= opened + RECOVERY_S


def test_what_happens_to_a_symbol_is_explained_while_it_happens_and_told_afterwards(stack, two):
    sick, _ = two
    stack.manage("inject", sick, "--fail", "3")
    said: dict[str, str] = {}

    def explained(code: str) -> bool:
        explanation = stack.http.get(f"symbols/{sick}/explain").json()
        said.setdefault(explanation["code"], explanation["text"])
        return bool(explanation["code"] == code)

    stack.post_bars(bars_of(sick, 3, first=1))
    wait_until(lambda: explained("open"), "the breaker is open", deadline_s=40)
    wait_until(lambda: explained("idle"), "all bars are done", deadline_s=40)

    assert "the breaker is open after 3 failures in a row" in said["open"]
    assert "InjectedError: injected failure" in said["open"]
    assert "You can reset it now, skip the bar or disable the symbol." in said["open"]
    failed_bar = max(stack.rows("bars", symbol=sick), key=lambda bar: bar["attempts"])
    story = stack.http.get(f"bars/{failed_bar['id']}/timeline").json()["results"][::-1]
    assert [line["kind"] for line in story] == [
        *("accepted", "failed", "failed", "failed", "opened"),
        *("processed", *["signal"] * len([line for line in story if line["kind"] == "signal"]), "closed"),
    ]
    assert story[5]["after_s"] >= RECOVERY_S
    newest = stack.rows(f"symbols/{sick}/timeline")
    assert [line["kind"] for line in newest] == ["closed", "opened", "paused", "paused", "created"]


def test_a_bar_that_fails_seven_times_goes_to_quarantine_and_the_symbol_goes_on(stack, two):
    sick, _ = two
    stack.manage("inject", sick, "--fail", "7")

    stack.post_bars(bars_of(sick, 3, first=1))
    stack.wait_for_empty_backlog()

    bars = sorted(stack.rows("bars", symbol=sick), key=lambda bar: bar["sequence"])
    assert [bar["status"] for bar in bars] == ["processed", "quarantined", "processed", "processed"]
    (entry,) = stack.rows("quarantine", symbol=sick)
    assert entry["attempt"] == 7
    assert [failure["attempt"] for failure in attempts(stack, sick)] == [1, 2, 3, 4, 5, 6, 7]
    wait_for_state(stack, sick, circuit_state="closed", state="processing")


def test_a_bad_day_costs_delay_and_no_bar(stack, two):
    sick, _ = two
    stack.manage("inject", sick, "--outage", "600")  # until it is taken back, however busy the machine is

    stack.post_bars(bars_of(sick, 3, first=1))
    wait_until(
        lambda: any(failure["times"] > 1 for failure in attempts(stack, sick)), "the symbol holds", deadline_s=60
    )
    stack.manage("inject", sick, "--clear")
    stack.wait_for_empty_backlog()

    check_account(stack, [sick], 4)
    assert stack.rows("quarantine", symbol=sick) == []
    assert len(attempts(stack, sick)) == 7  # the hold counts its last failure up


def test_an_unusable_bar_goes_to_quarantine_at_once(stack, two):
    sick, _ = two
    stack.manage("inject", sick, "--unusable")

    stack.post_bars(bars_of(sick, 2, first=1))
    stack.wait_for_empty_backlog()

    (entry,) = stack.rows("quarantine", symbol=sick)
    assert (entry["error_type"], entry["attempt"]) == ("BarUnusable", 1)
    assert stack.symbol(sick)["bars_processed"] == 2


def test_a_hung_run_is_a_failure_and_its_symbol_moves_to_the_slow_lane_and_back(stack, two):
    sick, well = two
    stack.manage("inject", sick, "--hang", "60")

    stack.post_bars([*bars_of(sick, 5, first=1), *bars_of(well, 5, first=1)])
    wait_for_state(stack, well, bars_processed=6)
    wait_for_state(stack, sick, lane="slow")
    stack.wait_for_empty_backlog()

    (failure,) = attempts(stack, sick)
    assert failure["error_type"] == "SoftTimeLimitExceeded"
    check_account(stack, [sick], 6)
    wait_for_state(stack, sick, lane="main")


def test_a_run_that_ignores_the_soft_limit_is_killed_and_counted_like_any_failure(stack, two):
    sick, _ = two

    stack.post_bars([*bars_of(sick, 1, first=1, volume=7_000_001), *bars_of(sick, 1, first=2)])
    wait_until(lambda: len(attempts(stack, sick)) >= 2, "two attempts are killed", deadline_s=60)
    stack.http.post(f"symbols/{sick}/skip", json={"reason": "it hangs"})
    stack.wait_for_empty_backlog()

    failures = attempts(stack, sick)
    assert {failure["error_type"] for failure in failures} == {"RunKilled"}
    assert failures[0]["message"] == "killed at the hard time limit of 5 s"
    assert stack.symbol(sick)["bars_processed"] == 2


def test_a_bar_that_kills_its_process_is_retried_with_backoff_and_not_in_a_loop(stack, two):
    sick, well = two
    stack.manage("inject", sick, "--crash", "3")

    stack.post_bars([*bars_of(sick, 3, first=1), *bars_of(well, 10, first=1)])
    wait_for_state(stack, well, bars_processed=11)
    stack.wait_for_empty_backlog()

    failures = attempts(stack, sick)
    assert [failure["error_type"] for failure in failures] == ["RunKilled"] * 3
    assert [failure["retry_delay_s"] for failure in failures] == DELAYS[:3]
    check_account(stack, [sick], 4)


def test_a_reset_runs_the_head_at_once(stack, two):
    sick, _ = two
    stack.manage("inject", sick, "--fail", "3")
    stack.post_bars(bars_of(sick, 2, first=1))
    wait_for_state(stack, sick, circuit_state="open")

    answer = stack.http.post(f"symbols/{sick}/reset", json={"reason": "mended"})

    assert answer.status_code == 200
    assert answer.json()["circuit_state"] == "closed"
    stack.wait_for_empty_backlog()
    check_account(stack, [sick], 3)


def test_a_disabled_symbol_waits_and_goes_on_when_enabled(stack, two):
    sick, well = two
    stack.http.post(f"symbols/{sick}/disable", json={})

    stack.post_bars(in_turns([sick, well], 5, first=1))
    wait_for_state(stack, well, bars_processed=6)

    assert stack.symbol(sick)["backlog"] == 5
    stack.http.post(f"symbols/{sick}/enable", json={})
    stack.wait_for_empty_backlog()
    check_account(stack, [sick], 6)


def test_more_symbols_hang_at_once_than_the_worker_has_slots(stack):
    tickers = fresh_tickers(10)
    hung, others = tickers[:6], tickers[6:]
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()
    for ticker in hung:
        stack.manage("inject", ticker, "--hang", "60")

    stack.post_bars([*in_turns(hung, 1, first=1), *in_turns(others, 5, first=1)])
    for ticker in others:
        wait_for_state(stack, ticker, bars_processed=6)
    stack.wait_for_empty_backlog()

    # The worker makes room for the others: before the first hung run meets its limit, a bar of theirs is done.
    done = [seconds(bar["finished_at"]) for ticker in others for bar in stack.rows("bars", symbol=ticker)[:5]]
    gave_up = [seconds(attempts(stack, ticker)[0]["failed_at"]) for ticker in hung]
    assert min(done) < min(gave_up)

    check_account(stack, hung, 2)
    check_account(stack, others, 6)


def test_a_deaf_worker_ends_itself_and_its_successor_takes_up_all_queues(stack):
    tickers = fresh_tickers(5)
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()

    stack.manage("shell", "-c", "from tests.integration.deafen import deafen; deafen('main@test')")
    stack.post_bars(in_turns(tickers, 3, first=1))
    wait_until(lambda: stack.processes["main"].poll() is not None, "the deaf worker ends itself", deadline_s=60)
    stack.start_worker("main", "main")
    stack.wait_for_empty_backlog()

    check_account(stack, tickers, 4)
