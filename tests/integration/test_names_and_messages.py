"""Names and messages of the ready lists torn apart, workers killed and stopped: the account balances each time."""

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import redis

from scanner_app.domain.worker_health import DEAF_AFTER_S
from scanner_app.messaging import heartbeats
from scanner_app.workers.watchdog import PAUSE_S
from tests.integration.detectors import SLEEPS
from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import check_account, fresh_tickers, in_turns
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def both_main_workers(stack: Stack) -> Iterator[None]:
    """After a test that failed in the middle, too."""
    yield
    if MAIN - stack.processes.keys():
        stop_main_workers(stack)
        start_main_workers(stack)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner with two main workers, which tests kill, stop and start; and a proof of all symbols at the end."""
    with running_stack(
        tmp_path_factory.mktemp("n"),
        request.param,
        SCANNER_DETECTORS="tests.integration.detectors.Sleeper",
        SCANNER_SWEEP_S="1",
        SCANNER_HEARTBEAT_S="1",
        SCANNER_RETRY_DELAYS="0.2,0.2,0.2,0.2,0.2,0.2",
        SCANNER_BREAKER_RECOVERY_S="2",
        SCANNER_FAULT_INJECTION="1",
        SCANNER_QUICK_BARS="2",
    ) as running:
        running.start_worker("second", "main", processes=2)
        yield running
        running.wait_for_empty_backlog()
        running.manage("verify")


MAIN = {"main", "second"}


def stop_main_workers(stack: Stack) -> None:
    for name in MAIN & stack.processes.keys():
        stack.kill(name)


def start_main_workers(stack: Stack) -> None:
    stack.start_worker("main", "main")
    stack.start_worker("second", "main", processes=2)


def broker(stack: Stack) -> "redis.Redis":
    return redis.Redis.from_url(stack.redis.url)


def wait_for_sweep(stack: Stack) -> None:
    """Until a sweep has ended that began after this call."""
    for _ in range(2):  # the first may have begun before
        seen = broker(stack).get("scanner:swept")
        wait_until(partial(swept_since, stack, seen), "a sweep")


def swept_since(stack: Stack, seen: object) -> bool:
    return broker(stack).get("scanner:swept") not in (None, seen)


def check_untouched(stack: Stack, tickers: list[str], number: int) -> None:
    """All processed, in order and once; and nothing that happened counts against a bar."""
    stack.wait_for_empty_backlog(deadline_s=120)
    check_account(stack, tickers, number)
    assert [row for ticker in tickers for row in stack.rows("failures", symbol=ticker)] == []
    assert {stack.symbol(ticker)["lane"] for ticker in tickers} == {"main"}


@pytest.mark.parametrize("lost", [pytest.param("ready.main", id="names"), pytest.param("symbol.*", id="messages")])
def test_a_broker_that_comes_back_without_the_names_or_without_the_messages(stack, lost):
    tickers = fresh_tickers(30)
    stop_main_workers(stack)
    stack.post_bars(in_turns(tickers, 3))

    broker(stack).delete(*broker(stack).keys(lost))
    stack.redis.kill()
    stack.redis.start()
    start_main_workers(stack)

    check_untouched(stack, tickers, 3)


def test_a_broker_that_is_emptied_again_and_again_before_any_worker_has_come_counts_against_no_bar(stack):
    tickers = fresh_tickers(10)
    stop_main_workers(stack)
    stack.post_bars(in_turns(tickers, 2))

    for _ in range(4):
        broker(stack).flushall()
        wait_until(lambda: broker(stack).llen("ready.main") >= len(tickers), "they are published again")
    start_main_workers(stack)

    check_untouched(stack, tickers, 2)


def test_operators_acts_while_names_and_messages_wait(stack):
    tickers = fresh_tickers(6)
    reset, skipped, disabled, toggled, deleted, plain = tickers
    stop_main_workers(stack)
    stack.post_bars(in_turns(tickers, 3))

    def act(ticker: str, what: str) -> None:
        stack.http.post(f"symbols/{ticker}/{what}", json={"reason": "test"}).raise_for_status()

    act(reset, "reset")
    act(reset, "reset")
    act(skipped, "skip")
    act(disabled, "disable")
    for _ in range(3):
        act(toggled, "disable")
        act(toggled, "enable")
    stack.http.request("DELETE", f"symbols/{deleted}", params={"force": "true"}).raise_for_status()
    start_main_workers(stack)
    wait_for_sweep(stack)
    act(disabled, "enable")

    check_untouched(stack, [reset, disabled, toggled, plain], 3)
    bars = sorted(stack.rows("bars", symbol=skipped), key=lambda bar: bar["sequence"])
    assert [bar["status"] for bar in bars] == ["quarantined", "processed", "processed"]
    wait_until(lambda: stack.http.get(f"symbols/{deleted}/status").status_code == 404, "its rows are gone")
    stack.post_bars(in_turns([deleted], 2))  # a new symbol of that name, while its old messages may still be there
    check_untouched(stack, [deleted], 2)


def test_a_stopped_worker_keeps_no_bar_and_does_none_twice_when_it_goes_on(stack):
    """Stopped for longer than a deaf worker lives. It may hold messages, a name, and a lock of the database."""
    tickers = fresh_tickers(20)
    worker = stack.processes["second"]
    # On SQLite a process that is stopped in a transaction stops all writers, so there only the parent is.
    send = os.killpg if stack.env["DATABASE_URL"] else os.kill
    stack.post_bars(in_turns(tickers, 20))

    send(worker.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        stack.wait_for_empty_backlog(deadline_s=90)
        wait_until(lambda: time.monotonic() - stopped > DEAF_AFTER_S + PAUSE_S, "the others would be deaf by now")
    finally:
        send(worker.pid, signal.SIGCONT)
    stack.post_bars(in_turns(tickers, 5, first=20))

    check_untouched(stack, tickers, 25)
    told = "scanner:tell:second@test"
    broker(stack).delete(told)
    wait_until(lambda: broker(stack).exists(told) or worker.poll() is not None, "it lives, or has ended itself")
    assert worker.poll() is None


def test_lanes_that_change_while_workers_are_killed_and_names_are_lost(stack):
    tickers = fresh_tickers(8)
    quick, slow = tickers[:4], tickers[4:]
    stack.post_bars(in_turns(tickers, 1))
    # The first sleep leads to the slow lane, the second keeps them there for as long as the test looks.
    sleeping = [*in_turns_sleeping(slow, first=1), *in_turns_sleeping(slow, first=2)]
    stack.post_bars([*in_turns(quick, 8, first=1), *sleeping, *in_turns(slow, 6, first=3)])

    wait_until(lambda: any(stack.symbol(ticker)["lane"] == "slow" for ticker in slow), "one moves to the slow lane")
    broker(stack).delete("ready.slow", "ready.main")
    stack.kill("slow")
    stop_main_workers(stack)
    stack.start_worker("slow", "slow", processes=2)
    start_main_workers(stack)

    check_untouched(stack, tickers, 9)  # back in the main lane after two quick bars


def in_turns_sleeping(tickers: list[str], *, first: int) -> list[dict[str, Any]]:
    return [{**bar, "volume": SLEEPS} for bar in in_turns(tickers, 1, first=first)]


INJECT = """
from scanner_app.engine import fault_injection
from scanner_app.models import Symbol
for symbol in Symbol.objects.filter(ticker__in={tickers!r}):
    fault_injection.inject(symbol, fail_runs=4)
"""


def held(stack: Stack) -> int:
    """How many messages the main workers hold, by their heartbeats."""
    client = broker(stack)
    texts = client.mget(client.keys(heartbeats.KEY + "*"))
    beats = [json.loads(text) for text in texts if text]
    return sum(len(beat["held"]) for beat in beats if beat["lane"] == "main")


def test_workers_that_are_killed_while_they_give_their_messages_back(stack):
    """They hold the probes of open breakers, which a worker that stops gives back one after the other."""
    tickers = fresh_tickers(20)
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()
    stack.manage("shell", "-v0", "-c", INJECT.format(tickers=tickers))
    stack.post_bars(in_turns(tickers, 3, first=1))
    wait_until(lambda: held(stack) >= len(tickers) // 2, "they hold probes")

    for name in MAIN:
        stack.processes[name].terminate()
    wait_until(lambda: any(broker(stack).llen(f"symbol.{ticker}") for ticker in tickers), "they give back")
    stop_main_workers(stack)
    start_main_workers(stack)
    stack.wait_for_empty_backlog(deadline_s=120)

    check_account(stack, tickers, 4)
    failed = [row for ticker in tickers for row in stack.rows("failures", symbol=ticker)]
    assert {row["error_type"] for row in failed} == {"InjectedError"}
    # A process that is killed between an injected failure and its record has used the injection up.
    killed = 4 + 2
    assert 4 * len(tickers) - killed <= len(failed) <= 4 * len(tickers)


@pytest.mark.slow
def test_two_thousand_symbols_wait_and_a_worker_is_killed(stack):
    tickers = [f"L{number}" for number in range(2_000)]
    for start in range(0, 2_000, 500):
        stack.post_bars(in_turns(tickers[start : start + 500], 2))

    stack.kill("second")
    stack.start_worker("second", "main", processes=2)
    stack.wait_for_empty_backlog(deadline_s=300)

    check_account(stack, tickers[::100], 2)
    assert not [row for row in stack.rows("failures") if row["symbol"].startswith("L")]
    assert broker(stack).llen("ready.main") == 0
