"""`make up` on a disk that is full or read-only: it goes on by itself afterwards, and stops at every moment."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from scanner_project.up import leftovers
from tests.project.up.feeding import Feed
from tests.project.up.test_front_door import READY_S, Run
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system"),
    pytest.mark.skipif(
        os.environ.get("SCANNER_TEST_DATABASE") == "postgresql", reason="has a database of its own: SQLite"
    ),
    pytest.mark.timeout(600),
]

FULL_S = float(os.environ.get("FULL_S", "60"))
"""How long the disk is full or read-only."""


@pytest.fixture
def run(disk):
    one = Run(disk.data)
    yield one
    one.end()


@pytest.fixture
def running(run):
    """The feed of a scanner that runs, and its process."""
    process = run.without_terminal()
    try:
        wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
        with Feed(run.web, (run.folder / "admin-password").read_text().strip()) as one:
            wait_until(lambda: one.accepted > 5, "bars are taken", deadline_s=30)
            yield one, process
    finally:
        process.kill()
        process.wait()


def stop(process: "subprocess.Popen[str]", run: Run) -> None:
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=150)
    assert process.returncode == 0, said
    assert leftovers.find(run.folder) == []
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_it_goes_on_by_itself_within_30_s_and_no_bar_is_lost(run, running, disk, kind):
    feed, process = running
    if kind == "full":
        disk.fill()
        until = time.monotonic() + FULL_S
        while time.monotonic() < until:
            time.sleep(1)
            disk.fill()
        disk.free()
    else:
        with disk.read_only():
            time.sleep(FULL_S)
    over, before = time.monotonic(), feed.accepted

    wait_until(lambda: feed.accepted > before, "bars are taken again", deadline_s=30)
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=max(1, 30 - (time.monotonic() - over)))
    feed.stop()
    assert feed.answers <= {202, 503}
    # On a read-only disk what is open goes on; on a busy machine a web thread may open its connection only then.
    assert kind == "read-only" or 503 in feed.answers
    feed.wait_for_empty_backlog(deadline_s=60)
    feed.check_account()
    stop(process, run)


def test_a_start_on_a_full_disk_says_so_in_one_sentence(run, disk):
    disk.fill()

    done = run.to_its_end()

    assert done.returncode == 1
    assert re.fullmatch("The scanner can't start: .*No space left on device.*\n", done.stderr)
    assert leftovers.find(run.folder) == []


def test_sigterm_stops_it_while_the_disk_is_full(run, running, disk):
    _, process = running
    disk.fill()
    time.sleep(FULL_S / 4)

    stop(process, run)
