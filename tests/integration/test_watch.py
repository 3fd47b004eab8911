"""The real scanner is watched, also when what watches it dies. The causes are real, and both messages are counted."""

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import fresh_tickers, in_turns
from tests.waiting import wait_until

# It waits for what the rules wait for: six minutes on each database.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner whose lost bars come back quickly, and whose workers can be made deaf."""
    with running_stack(
        tmp_path_factory.mktemp("w"),
        request.param,
        SCANNER_DETECTORS="tests.integration.detectors.Sleeper",
        SCANNER_SWEEP_S="0.5",
        SCANNER_HEARTBEAT_S="1",
    ) as running:
        wait_until(lambda: status(running)[0] == "healthy" and not active(running), "all is well", deadline_s=60)
        yield running


def status(stack: Stack) -> tuple[str, str]:
    """The verdict, and the reasons as one text."""
    body = stack.http.get("status").json()
    return body["overall_status"], " ".join(body["reasons"])


def active(stack: Stack) -> set[str]:
    return {row["rule"] for row in stack.http.get("alerts?active=true").json()["results"]}


def notified(stack: Stack) -> dict[str, list[str]]:
    """The messages of all alerts so far, by rule and by symbol or subject, in the order of writing."""
    ask = (
        "import json; from scanner_app.models import Notification as N;"
        "print(json.dumps(list(N.objects.exclude(alert=None).order_by('pk')"
        ".values_list('alert__rule', 'alert__subject', 'alert__symbol__ticker', 'kind'))))"
    )
    messages: dict[str, list[str]] = {}
    for rule, subject, ticker, kind in json.loads(stack.manage("shell", "-v0", "-c", ask).splitlines()[-1]):
        messages.setdefault(f"{rule} {subject or ticker or ''}".rstrip(), []).append(kind)
    return messages


def told_since(stack: Stack, before: dict[str, list[str]], *rules: str) -> dict[str, list[str]]:
    """The messages of these rules that have come since."""
    now = {name: kinds[len(before.get(name, [])) :] for name, kinds in notified(stack).items()}
    return {name: kinds for name, kinds in now.items() if kinds and name.split()[0] in rules}


def stop(stack: Stack, name: str) -> None:
    process = stack.processes.pop(name)
    process.send_signal(signal.SIGTERM)
    process.wait(40)


def start_beat(stack: Stack) -> None:
    stack.start("beat", "celery", "-q", "-A", "scanner_project", "beat")


def wait_for(stack: Stack, *rules: str) -> None:
    wait_until(lambda: set(rules) <= active(stack), f"{rules} fire", deadline_s=100)


def wait_until_over(stack: Stack, *rules: str) -> None:
    # Others may go on: this scanner is slow, and shared by the tests of this module.
    wait_until(lambda: not set(rules) & active(stack), f"{rules} are over", deadline_s=100)


def test_dead_beat_worker_notifier_and_watcher_are_each_seen_and_over_when_they_are_back(stack):
    rules = ("beat_late", "no_worker", "no_notifier")
    before = notified(stack)

    stack.kill("beat")
    stop(stack, "slow")
    stack.kill("notify")
    wait_for(stack, *rules)  # without beat
    verdict, reasons = status(stack)
    assert verdict == "unhealthy"
    assert "Beat has" in reasons
    assert "No living worker takes the bars of the slow lane" in reasons

    start_beat(stack)
    stack.start_worker("slow", "slow", processes=2)
    stack.start_worker("notify", "notify", processes=1)
    wait_until_over(stack, *rules)
    assert told_since(stack, before, *rules) == {
        "beat_late": ["fired", "cleared"],
        "no_worker slow": ["fired", "cleared"],
        "no_notifier": ["fired", "cleared"],
    }

    stop(stack, "upkeep")
    wait_until(lambda: "Nobody has evaluated the alert rules" in status(stack)[1], "that nobody watches", deadline_s=60)
    assert status(stack)[0] == "degraded"

    stack.start_worker("upkeep", "upkeep", processes=1)
    wait_until(lambda: "Nobody has evaluated" not in status(stack)[1], "it is watched again", deadline_s=60)


def test_a_main_worker_that_hangs_is_missed_and_over_when_it_goes_on(stack):
    before = notified(stack)

    os.killpg(stack.processes["main"].pid, signal.SIGSTOP)
    try:
        wait_for(stack, "no_worker")
    finally:
        os.killpg(stack.processes["main"].pid, signal.SIGCONT)
    wait_until_over(stack, "no_worker")

    assert told_since(stack, before, "no_worker") == {"no_worker main": ["fired", "cleared"]}


def test_a_deaf_worker_that_does_not_end_itself_is_told_of_and_over_with_its_successor(stack):
    tickers = fresh_tickers(2)
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()
    before = notified(stack)

    stack.manage("shell", "-c", "from tests.integration.deafen import deafen; deafen('main@test', stubborn=True)")
    stack.post_bars(in_turns(tickers, 1, first=1))
    wait_for(stack, "deaf_worker")
    stack.kill("main")
    stack.start_worker("main", "main")
    stack.wait_for_empty_backlog()
    wait_until_over(stack, "deaf_worker")

    assert told_since(stack, before, "deaf_worker") == {"deaf_worker main@test": ["fired", "cleared"]}


def test_outage_after_outage_of_one_bar_is_told_of_and_over_once_it_is_done(stack):
    if stack.env["DATABASE_URL"]:
        pytest.skip("a disk that is full for the worker alone there is with a file only")
    tickers = fresh_tickers(1)
    stack.post_bars(in_turns(tickers, 1))
    stack.wait_for_empty_backlog()
    before = notified(stack)

    let_write(stack, "main", most=1)
    stack.post_bars(in_turns(tickers, 1, first=1))
    wait_for(stack, "repeated_outages")
    let_write(stack, "main", most=resource.RLIM_INFINITY)
    stack.wait_for_empty_backlog()
    wait_until_over(stack, "repeated_outages")

    messages = told_since(stack, before, "repeated_outages")
    assert messages == {f"repeated_outages {tickers[0]}": ["fired", "cleared"]}
    assert stack.symbol(tickers[0])["consecutive_failures"] == 0, "outages count against no bar"
    assert stack.rows("failures", symbol=tickers[0]) == []


def let_write(stack: Stack, name: str, *, most: int) -> None:
    """Let no file that a worker's children write get beyond `most` bytes, as if the disk were full for them."""
    parent = stack.processes[name].pid
    for thread in Path(f"/proc/{parent}/task").iterdir():
        for child in (thread / "children").read_text().split():
            resource.prlimit(int(child), resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
