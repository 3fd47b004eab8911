"""Calls to a supervisor that hangs."""

import os
import socket
import subprocess
import sys
import time

import pytest

from scanner_project.up import supervision
from scanner_project.up.supervision import Supervisor

MUTE = r"import sys, time; sys.stderr.write('x' * 300_000 + '\nthe end'); time.sleep(60)"


@pytest.fixture
def mute(tmp_path, monkeypatch):
    """A supervisor whose socket takes calls and answers nothing. In its place runs a program that only sleeps."""
    (tmp_path / "logs").mkdir()
    file = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(file))
        listener.listen(100)
        real = subprocess.Popen
        monkeypatch.setattr(
            "scanner_project.up.supervision.subprocess.Popen",
            lambda _, **options: real(
                [
                    sys.executable,
                    "-c",
                    "import sys, time; sys.stderr.write('x' * 300_000 + '\\nthe end'); time.sleep(60)",
                ],
                **options,
            ),
        )
        one = Supervisor(configuration=tmp_path / "c", socket_file=file, environment=os.environ)
        yield one
        one.kill()
        one.process.wait()


def test_no_call_waits_for_ever(mute, monkeypatch):
    monkeypatch.setattr(supervision, "ANSWER_S", 0.05)
    began = time.monotonic()

    assert mute.children() == []
    mute.start("workers")

    assert time.monotonic() - began < supervision.START_PATIENCE_S


def test_what_it_writes_to_standard_error_is_read_and_bounded(mute):
    while mute.last_words != "the end":
        time.sleep(0.01)

    assert len(mute._stderr) <= supervision.MOST_OF_STDERR
