"""Frozen processes (kill -STOP) under a real `make up`: each is ended from outside, and every bar is done."""

import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from scanner_app.workers.command_lines import web_command
from scanner_project.up import leftovers
from tests.project.up.feeding import Feed
from tests.project.up.test_front_door import READY_S, Run
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.skipif(
        os.environ.get("SCANNER_TEST_DATABASE") == "postgresql", reason="has a database of its own: SQLite"
    ),
    pytest.mark.timeout(900),
]

ENDED_S = 50
"""Deadline for a frozen process's end: it is noticed after 20 s, the broker after 30 s."""


def find(run: Run, mark: str, *, child: bool = False) -> int:
    """The process whose command line has `mark`: the one that supervisor runs, or one of its children."""
    running = leftovers.find(run.folder)
    those = [each for each in running if mark in each.command]
    pids = {each.pid for each in those}
    main = next(each.pid for each in those if each.parent not in pids)
    return next(each.pid for each in running if each.parent == main) if child else main


def is_gone(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return True


@pytest.fixture
def run(tmp_path):
    one = Run(tmp_path / "var")
    yield one
    one.end()


@pytest.fixture
def process(run):
    """A scanner that is ready."""
    started = run.without_terminal()
    try:
        wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
        yield started
    finally:
        started.kill()
        started.wait()


def test_what_is_frozen_is_ended_and_started_again(run, process):
    with Feed(run.web, (run.folder / "admin-password").read_text().strip()) as feed:
        for mark, child in (
            ("-n main@", False),
            ("-n main@", True),
            (" beat ", False),
            (web_command().split()[0], True),
            ("valkey-server", False),
            ("-n upkeep@", False),
        ):
            pid = find(run, mark, child=child)
            os.kill(pid, signal.SIGSTOP)
            wait_until(partial(is_gone, pid), f"{mark} (child: {child}) is ended", deadline_s=ENDED_S)
            before = feed.accepted
            wait_until(partial(feed.has_accepted, before + 4), "bars are taken", deadline_s=60)
            wait_until(run.is_ready, f"it is ready after {mark} was frozen", deadline_s=60)
        feed.stop()
        feed.wait_for_empty_backlog(deadline_s=60)
        feed.check_account()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=150)
    assert process.returncode == 0
    for name in ("worker-main", "beat", "redis", "worker-upkeep"):
        assert f"{name} " in said
    assert "Traceback" not in said


def test_a_frozen_supervisor_is_ended_too(run, process):
    os.kill(int((run.folder / "supervisord.pid").read_text()), signal.SIGSTOP)

    said, _ = process.communicate(timeout=200)

    assert process.returncode == 1
    assert "Supervisor died" in said
    assert leftovers.find(run.folder) == []
