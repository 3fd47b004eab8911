import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from scanner_app.telemetry import pulse
from scanner_project.up import doctor
from scanner_project.up.doctor import Doctor
from scanner_project.up.pulses import FROZEN_S, Pulses
from tests.project.up.test_watch import child
from tests.waiting import wait_until


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(s=1000.0)
    monkeypatch.setattr("scanner_project.up.pulses.time.monotonic", lambda: now.s)
    return now


@pytest.fixture
def heard(tmp_path, clock):
    return Pulses(tmp_path / "pulse.sock")


def send(tmp_path, pid):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(str(pid).encode(), str(tmp_path / "pulse.sock"))


def pass_time(heard, clock, seconds):
    """The silent processes, of looks that come every second."""
    found = []
    for _ in range(int(seconds)):
        clock.s += 1
        found += heard.silent()
    return found


def test_a_process_that_falls_silent_is_named_once(heard, clock, tmp_path):
    send(tmp_path, 7)

    assert pass_time(heard, clock, FROZEN_S) == []
    assert pass_time(heard, clock, 3 * FROZEN_S) == [7]


def test_a_process_that_never_had_a_pulse_is_not_known(heard, clock):
    assert pass_time(heard, clock, 3 * FROZEN_S) == []


def test_who_was_frozen_itself_accuses_nobody(heard, clock, tmp_path):
    send(tmp_path, 7)
    heard.silent()

    clock.s += 3600

    assert heard.silent() == []
    assert pass_time(heard, clock, FROZEN_S) == []


def test_garbage_is_no_pulse(heard, clock, tmp_path):
    send(tmp_path, "-1")
    send(tmp_path, "seven")

    assert pass_time(heard, clock, 2 * FROZEN_S) == []


def test_only_processes_of_the_run_are_killed(heard, clock, tmp_path, monkeypatch):
    killed: list[int] = []
    monkeypatch.setattr(doctor, "_kill", killed.append)
    supervisor: Any = SimpleNamespace(ended=False, process=SimpleNamespace(pid=1))
    one = Doctor(tmp_path, heard, supervisor, bundled_server="")
    send(tmp_path, os.getpid())

    for _ in range(int(2 * FROZEN_S)):
        clock.s += 1
        assert list(one.look([child()])) == []

    assert killed == []


def test_a_supervisor_that_answers_nothing_is_killed(heard, clock, tmp_path):
    ended = []
    supervisor: Any = SimpleNamespace(ended=False, process=SimpleNamespace(pid=1), kill=lambda: ended.append(True))
    one = Doctor(tmp_path, heard, supervisor, bundled_server="")

    clock.s += doctor.DEAF_S - 1
    assert list(one.look([])) == []
    assert list(one.look([child()])) == []
    clock.s += doctor.DEAF_S + 1

    assert list(one.look([])) == ["Supervisor answered nothing for 30 s and was killed."]
    assert ended == [True]


def is_heard(heard, process):
    heard.silent()
    return process.pid in heard._heard_s


def test_a_process_sends_its_pulse_until_it_hangs(tmp_path):
    heard = Pulses(tmp_path / "pulse.sock")
    code = "import time; from scanner_app.telemetry import pulse; pulse.start(); time.sleep(60)"
    environment = {**os.environ, pulse.VARIABLE: str(tmp_path / "pulse.sock")}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        wait_until(lambda: is_heard(heard, process), "its pulse comes")
        process.kill()


def test_a_pulse_goes_on_when_all_files_of_the_process_are_closed(tmp_path):
    heard = Pulses(tmp_path / "pulse.sock")
    code = (
        "import os; from scanner_app.telemetry import pulse; pulse.PULSE_S = 0.1; pulse.start(); input();"
        " os.closerange(3, 256); print(flush=True); input()"  # as supervisor does when it begins
    )
    environment = {**os.environ, pulse.VARIABLE: str(tmp_path / "pulse.sock")}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=pipe, stdout=pipe) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            wait_until(lambda: is_heard(heard, process), "its pulse comes")
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            heard.silent()
            heard._heard_s.clear()

            wait_until(lambda: is_heard(heard, process), "another pulse comes")
        finally:
            process.kill()


def test_pulses_that_come_at_one_moment_are_all_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(pulse, "PULSE_S", 60)  # a busy machine has time
    heard = Pulses(tmp_path / "pulse.sock")  # in whose socket ten wait at a time
    came: list[bytes] = []

    def all_came() -> bool:
        with suppress(BlockingIOError):
            while True:
                came.append(heard._socket.recv(64))
        return len(came) == 40

    with ThreadPoolExecutor(40) as threads:
        for _ in range(40):
            threads.submit(pulse.send, str(tmp_path / "pulse.sock"))
        wait_until(all_came, "all forty came")


def test_a_process_whose_work_hangs_sends_none(monkeypatch, clock):
    pulse.works_for(30)
    assert pulse.is_working()
    clock.s += 31
    assert not pulse.is_working()
    monkeypatch.setattr(pulse, "_until_s", float("inf"))
