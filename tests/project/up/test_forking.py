"""A program that is forked from supervisor finds what it would have found if it had been started anew."""

import json
import os
import subprocess
import sys

import pytest

from scanner_project.env import BASE_DIR
from scanner_project.up import forking

SUPERVISOR = """
import os, signal, sys
from scanner_project.up import forking
forking.install()
signal.signal(signal.SIGTERM, print)
if not (pid := os.fork()):
    os.closerange(3, 256)
    env = {name: value for name, value in os.environ.items() if name != "TAKEN"}
    forking._run(None, sys.argv[1], sys.argv[2:], {**env, "GIVEN": "1"})
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def forked(*command: str) -> subprocess.CompletedProcess[str]:
    """What a program under our supervisor does."""
    return subprocess.run(
        [sys.executable, "-c", SUPERVISOR, sys.executable, *command],
        env={**os.environ, "TAKEN": "1", "SCANNER_RUN": "here", "SPT_NOENV": "1"},
        cwd=BASE_DIR,
        input="",  # a pipe, as supervisor gives it
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_has_its_arguments_its_environment_its_signals_and_its_name():
    ended = forked("python", "-m", "tests.project.up.forked", "nothing", "a b")

    assert (ended.returncode, ended.stderr) == (0, "")
    said, at_exit = ended.stdout.splitlines()
    found = json.loads(said)
    assert found.pop("name").startswith("python -m tests.project.up.forked nothing")
    assert found == {
        "argv": ["nothing", "a b"],
        "given": "1",
        "taken": None,
        "default": [True, True],
        "marked": True,
        "has_django": True,
        "counted": 1,
    }
    assert at_exit == "at exit"


@pytest.mark.parametrize(
    ("ends", "status", "says"),
    [("number", 3, ""), ("text", 1, "a sentence\n"), ("raise", 1, "ValueError: as told\n")],
)
def test_it_ends_like_any_program(ends, status, says):
    ended = forked("python", "-m", "tests.project.up.forked", ends)

    assert ended.returncode == status
    assert ended.stderr.endswith(says)
    assert ended.stdout.endswith("at exit\n")


def test_a_command_of_manage_is_forked_too():
    ended = forked("python", "manage.py", "version")

    assert ended.returncode == 0
    assert ended.stdout.strip()


@pytest.mark.parametrize("command", [["valkey-server", "--port", "0"], ["python", "-c"], ["sh", "-m", "x"]])
def test_other_programs_are_executed(command):
    assert not forking.is_ours(command)
