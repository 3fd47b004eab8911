"""What a measurement has started ends with it, whichever signal ends it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.stack import ROOT
from tests.waiting import wait_until


def descendants(mark: bytes) -> dict[int, str]:
    """Living processes with this in their environment: id and command line."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measurement", "last", "number"),
    [
        pytest.param("opening", "beat", signal.SIGTERM, id="SIGTERM"),
        pytest.param("opening", "beat", signal.SIGINT, id="Ctrl-C to it alone"),
        pytest.param("recovery", "manage.py feed", signal.SIGTERM, id="one with a feed and a venue"),
    ],
)
def test_a_measurement_that_is_ended_leaves_no_process_behind(measurement, last, number, tmp_path):
    mark = f"BENCH_TEST={tmp_path}"
    run = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", measurement, "--database", "sqlite", "--results", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "BENCH_TEST": str(tmp_path), "DATA_DIR": str(tmp_path), "DATABASE_URL": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(
            lambda: any(last in command for command in descendants(mark.encode()).values()),
            f"the scanner, up to {last}",
            deadline_s=90,
        )

        run.send_signal(number)

        assert run.wait(90) == 128 + number
        wait_until(lambda: not descendants(mark.encode()), "no process is left", deadline_s=10)
    finally:
        for pid in descendants(mark.encode()):
            os.kill(pid, signal.SIGKILL)
