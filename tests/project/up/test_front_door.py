"""`make up` as people use it: from the start over the sign-in to Ctrl-C, and the ends that nobody wished for."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from scanner_project.up import leftovers
from tests.integration.stack import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
PYTHON = sys.executable
READY_S = 120
"""Deadlines are long: the machine may be busy with other things."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.skipif(
        os.environ.get("SCANNER_TEST_DATABASE") == "postgresql", reason="has a database of its own: SQLite"
    ),
    pytest.mark.timeout(300),
]


class Run:
    """One run in a folder of its own, with nobody's settings but these."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.web, self.flower = free_port(), free_port()
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
        self.env = {name: os.environ[name] for name in kept if name in os.environ}
        self.env |= {"DATA_DIR": str(folder), "WEB_PORT": str(self.web), "FLOWER_PORT": str(self.flower)}
        self.env |= {"DEMO": "0", "SCANNER_MAIN_PROCESSES": "2", "SCANNER_SLOW_PROCESSES": "1", **env}
        self.said = ""

    def on_a_terminal(self) -> None:
        """`make up` with a terminal, as from a shell. The recipe is the Makefile's; its interpreter is this one."""
        makefile = self.folder.parent / "Makefile"
        makefile.write_text(f".PHONY: up\nup:\n\t@exec {PYTHON} -m scanner_project.up\n")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execvpe("make", ["make", "-f", str(makefile), "up"], self.env)  # noqa: S606 - a child of ours
        threading.Thread(target=self._listen, daemon=True).start()

    def without_terminal(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [PYTHON, "-m", "scanner_project.up"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def to_its_end(self, *, timeout_s: float = 100) -> "subprocess.CompletedProcess[str]":
        """A run that can't start."""
        return subprocess.run(
            [PYTHON, "-m", "scanner_project.up"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.web}/readyz", timeout=5).status_code == 200
        return False

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        leftovers.stop(self.folder, patience_s=20)

    def _listen(self) -> None:
        while True:
            with suppress(OSError):
                if select.select([self.terminal], [], [], 1)[0] and (text := os.read(self.terminal, 4096)):
                    self.said += text.decode()
                continue
            return


@pytest.fixture
def run(tmp_path):
    one = Run(tmp_path / "var")
    yield one
    one.end()


def test_from_start_to_ctrl_c(run):
    run.on_a_terminal()
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
    wait_until(lambda: "Ready in" in run.said, "it says that it is ready", deadline_s=10)

    # who may sign in, and where
    file = run.folder / "admin-password"
    password = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"with the password {password} (kept in {file})" in run.said
    for path in ("/api/v1/scanner/", "/api/docs/", "/admin/"):
        assert f"http://127.0.0.1:{run.web}{path}" in run.said
    token = httpx.post(
        f"http://127.0.0.1:{run.web}/api/v1/auth/token", json={"username": "admin", "password": password}
    )
    assert token.status_code == 200

    # Flower asks for the same, and knows every worker
    flower = f"http://127.0.0.1:{run.flower}/api/workers"
    wait_until(lambda: _answers(flower), "Flower answers", deadline_s=60)
    assert httpx.get(flower).status_code == 401

    def workers() -> set[str]:
        return {name.partition("@")[0] for name in httpx.get(flower, auth=("admin", password), timeout=20).json()}

    wait_until(
        lambda: workers() == {"main", "slow", "upkeep", "notify", "hits", "rerun"}, "Flower knows all", deadline_s=60
    )

    # no password is shown to those who list processes
    running = leftovers.find(run.folder)
    assert len(running) > 10
    assert all(password not in each.command for each in running)

    # nobody else can read what was made
    assert not [path for path in (run.folder, *run.folder.rglob("*")) if _others_may(path)]

    # a second run in the same folder
    second = run.to_its_end(timeout_s=60)
    assert second.returncode == 1
    assert re.fullmatch(r"The scanner can't start: a scanner is running in DATA_DIR=.*\n", second.stderr)

    # a worker dies
    worker = next(each for each in running if "-n main@" in each.command and each.parent not in _pids(running))
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: "worker-main ended and was started again" in run.said, "it says so", deadline_s=30)

    os.write(run.terminal, b"\x03")
    wait_until(lambda: "Stopping" in run.said, "it stops", deadline_s=10)
    os.write(run.terminal, b"\x03")  # once more, in vain
    _, status = os.waitpid(run.pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert leftovers.find(run.folder) == []
    assert "It is stopping already" in run.said
    assert "Traceback" not in run.said

    # all programs log in one form
    for log in sorted((run.folder / "logs").glob("*.log")):
        if log.stem not in {"redis", "supervisord"}:
            for line in log.read_text().splitlines():
                assert line.startswith("{"), (log.name, line)
                assert {"timestamp", "level", "logger", "event"} <= set(json.loads(line))


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url).status_code > 0
    return False


def _others_may(path: Path) -> int:
    with suppress(FileNotFoundError):  # it was there for a moment only
        return path.lstat().st_mode & 0o077
    return 0


def _pids(running: list[leftovers.Leftover]) -> set[int]:
    # supervisor is the parent of all; a worker's children have the worker as parent
    return {each.pid for each in running if "-n main@" in each.command}


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        pytest.param({"WEB_PORT": "no"}, "WEB_PORT='no': ", id="a setting that is none"),
        pytest.param({"EMAIL_URL": "secret"}, r"EMAIL_URL=\(hidden\): must be a mail", id="no mail server"),
        pytest.param(
            {"SCANNER_NOTIFY_URLS": "foo://secret"},
            r"SCANNER_NOTIFY_URLS: address 1 \(foo\) is none that apprise knows",
            id="no service that apprise knows",
        ),
        pytest.param(
            {"SCANNER_SOFT_LIMIT_S": "20"}, "SCANNER_SOFT_LIMIT_S=20 must be below", id="settings that contradict"
        ),
        pytest.param(
            {"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/bars"},
            r"the database of DATABASE_URL \(127.0.0.1:1/bars\) refused: ",
            id="a database that is away",
        ),
        pytest.param(
            {"REDIS_URL": "redis://127.0.0.1:1"},
            r"the server of REDIS_URL \(127.0.0.1:1\) does not",
            id="redis is away",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(run, env, sentence):
    run.env |= env

    done = run.to_its_end()

    assert done.returncode == 1
    assert re.fullmatch(f"The scanner can't start: {sentence}.*\n", done.stderr)
    assert "secret" not in done.stderr
    assert leftovers.find(run.folder) == []


def test_a_misspelt_setting_is_told_once(run):
    run.env |= {"SCANNER_BREAKER_TRESHOLD": "5", "DATABASE_URL": "postgres://u@127.0.0.1:1/bars"}

    done = run.to_its_end()

    said = "SCANNER_BREAKER_TRESHOLD is no setting; did you mean SCANNER_BREAKER_THRESHOLD?"
    assert (done.stdout + done.stderr).count(said) == 1


@pytest.mark.slow
def test_sigterm_ends_it_with_status_0_and_the_next_start_goes_on(run):
    passwords = []
    for _ in range(2):
        process = run.without_terminal()
        wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=90)

        assert process.returncode == 0
        assert leftovers.find(run.folder) == []
        assert "Traceback" not in said
        passwords.append((run.folder / "admin-password").read_text())
    assert passwords[0] == passwords[1]
    assert "Made the administrator" not in said


@pytest.mark.slow
def test_a_killed_runner_takes_everything_with_it_warm(run):
    process = run.without_terminal()
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)

    process.kill()
    process.communicate()

    wait_until(lambda: not leftovers.find(run.folder), "everything has stopped", deadline_s=90)


@pytest.mark.slow
def test_a_killed_supervisor_is_cleared_up_after(run):
    process = run.without_terminal()
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)

    os.kill(int((run.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "Supervisor died, so everything was stopped; its log is" in said
    assert leftovers.find(run.folder) == []


@pytest.mark.slow
def test_what_both_left_behind_is_stopped_by_the_next_start(run):
    first = run.without_terminal()
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
    supervisor = int((run.folder / "supervisord.pid").read_text())
    os.kill(first.pid, signal.SIGSTOP)  # so that it does not clear up
    os.kill(supervisor, signal.SIGKILL)
    first.kill()
    first.communicate()
    old = {each.pid for each in leftovers.find(run.folder)}
    assert old

    second = run.without_terminal()
    wait_until(lambda: not old & {each.pid for each in leftovers.find(run.folder)}, "the old ones end", deadline_s=60)
    wait_until(run.is_ready, "/readyz answers 200", deadline_s=READY_S)
    second.send_signal(signal.SIGTERM)
    said, _ = second.communicate(timeout=90)

    assert second.returncode == 0
    assert re.match(r"Stopping \d+ processes that an earlier run in .* left behind", said)
