"""A real scanner for the tests: broker, database, workers, beat and web server as processes of their own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.servers import RedisServer, hasty_postgresql_url
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "made up for this test"
PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createsuperuser", interactive=False, username="admin", email="")
"""
"""Both in one process: to start one takes longer than what it does."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Stack:
    """One scanner. `env` changes its settings; `http` speaks to it as the administrator."""

    def __init__(self, folder: Path, database: str, **env: str) -> None:
        self.folder = folder
        self.redis = RedisServer(folder)
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        url = new_postgresql_database() if database == "postgresql" else ""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SCANNER_")}
        self.env = {
            **clean,
            "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url,
            "WEB_PORT": str(self.port),
            "SECRET_KEY": "for tests only, and no secret at all",
            "SCANNER_MAIN_PROCESSES": "4",
            "PYTHONPATH": str(ROOT),
            **env,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1/scanner/", timeout=20)

    def manage(self, *arguments: str, **env: str) -> str:
        """Run a management command to its end; returns what it printed. Fails with its errors."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *command: str, **env: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**self.env, **env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_worker(self, name: str, queue: str, *, processes: int = 4, **env: str) -> None:
        command = ["celery", "-q", "-A", "scanner_project", "worker", "-E", "-Q", queue, "-n", f"{name}@test"]
        self.start(name, *command, "-c", str(processes), **env)

    def start_web(self) -> None:
        self.start("web", "scanner_project.web")

    def up(self, *, workers: bool = True) -> None:
        self.redis.start()
        self.manage("shell", "-v0", "-c", PREPARE, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
        self.start_web()
        if workers:
            self.start_workers()
        self.sign_in()
        if workers:
            wait_until(lambda: self.get("/readyz").status_code == 200, "the scanner is ready")

    def start_workers(self) -> None:
        self.start_worker("main", "main")
        self.start_worker("slow", "slow", processes=2)
        self.start_worker("upkeep", "upkeep", processes=1)
        self.start_worker("notify", "notify", processes=1)
        self.start_worker("hits", "hits", processes=2)
        self.start("beat", "celery", "-q", "-A", "scanner_project", "beat")

    def sign_in(self) -> None:
        wait_until(lambda: self.get("/healthz") is not None, "the web server answers")
        answer = self.http.post(
            f"http://127.0.0.1:{self.port}/api/v1/auth/token", json={"username": "admin", "password": PASSWORD}
        )
        self.http.headers["Authorization"] = f"Token {answer.json()['token']}"

    def get(self, path: str) -> Any:
        """The answer, or None while nobody listens."""
        with contextlib.suppress(httpx.TransportError):
            return self.http.get(f"http://127.0.0.1:{self.port}{path}")
        return None

    def post_bars(self, bars: list[dict[str, Any]]) -> dict[str, Any]:
        answer = self.http.post("bars", json=bars)
        assert answer.status_code == 202, answer.text
        report: dict[str, Any] = answer.json()
        return report

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.http.get("status").json()
        return status

    def symbol(self, ticker: str) -> dict[str, Any]:
        status: dict[str, Any] = self.http.get(f"symbols/{ticker}/status").json()
        return status

    def rows(self, path: str, **filters: Any) -> list[dict[str, Any]]:
        """All pages of a list, newest first."""
        found: list[dict[str, Any]] = []
        page = self.http.get(path, params={"page_size": 1000, **filters}).json()
        found += page["results"]
        while page["next"]:
            page = self.http.get(page["next"]).json()
            found += page["results"]
        return found

    def wait_for_empty_backlog(self, *, deadline_s: float = 60) -> None:
        wait_until(lambda: self.status()["backlog"] == 0, "the backlog is worked off", deadline_s=deadline_s)

    def kill(self, name: str) -> None:
        """Kill -9 of a process with all its children, as by the kernel when memory runs out."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def down(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.redis.stop()
        self.http.close()

    def logs(self) -> str:
        """The end of every process's log, for a test that failed."""
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))


def new_postgresql_database() -> str:
    name = f"stack_{uuid.uuid4().hex[:12]}"
    url = hasty_postgresql_url()
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    return url.replace("/postgres?", f"/{name}?")


@contextlib.contextmanager
def running_stack(folder: Path, database: str, *, workers: bool = True, **env: str) -> Iterator[Stack]:
    """A scanner that is up for the length of the block."""
    stack = Stack(folder, database, **env)
    try:
        stack.up(workers=workers)
        yield stack
    except BaseException:
        sys.stderr.write(stack.logs())
        raise
    finally:
        stack.down()
