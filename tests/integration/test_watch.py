"""The real scanner is watched, also when what watches it dies."""

import signal

import pytest

from tests.integration.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # it waits for what the rules wait for: 156 s


def status(stack: Stack) -> tuple[str, str]:
    """The verdict, and the reasons as one text."""
    body = stack.http.get("status").json()
    return body["overall_status"], " ".join(body["reasons"])


def active(stack: Stack) -> set[str]:
    return {row["rule"] for row in stack.http.get("alerts?active=true").json()["results"]}


def kill(stack: Stack, name: str) -> None:
    process = stack.processes.pop(name)
    process.send_signal(signal.SIGTERM)
    process.wait(40)


def test_dead_beat_worker_and_watcher_are_each_seen_and_over_when_they_are_back(stack):
    wait_until(lambda: status(stack)[0] == "healthy" and active(stack) <= {"no_notifier"}, "all is well", deadline_s=60)

    kill(stack, "beat")
    kill(stack, "slow")
    wait_until(lambda: {"beat_late", "no_worker"} <= active(stack), "both are seen, without beat", deadline_s=60)
    verdict, reasons = status(stack)
    assert verdict == "unhealthy"
    assert "Beat has" in reasons
    assert "No living worker consumes slow 0/1" in reasons

    stack.start("beat", "celery", "-A", "scanner_project", "beat")
    stack.start_worker("slow", "slow", processes=2)
    wait_until(lambda: not {"beat_late", "no_worker", "sweeper_late"} & active(stack), "over", deadline_s=90)

    kill(stack, "upkeep")
    wait_until(lambda: "Nobody has evaluated the alert rules" in status(stack)[1], "that nobody watches", deadline_s=60)
    assert status(stack)[0] == "degraded"

    stack.start_worker("upkeep", "upkeep", processes=1)
    wait_until(lambda: "Nobody has evaluated" not in status(stack)[1], "it is watched again", deadline_s=60)
