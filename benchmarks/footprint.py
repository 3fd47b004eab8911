"""The memory of all processes of `make up`, Flower and supervisor among them, at 100 bars a second.

Every half minute the kernel is asked for each process's proportional set size (PSS: what processes share is divided
among them, so that the sum is right). Without the demo's replay. `benchmarks.memory` has the parts of the engine alone.
`python -m benchmarks.footprint [--minutes 60]`
"""

import argparse
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg

from benchmarks import goal_tables
from benchmarks.load import Load, store
from benchmarks.memory import growth, memory_of
from benchmarks.own import end_cleanly, in_a_process
from scanner_app.tools.chaos.stack import OwnDatabase
from scanner_project.env import BASE_DIR
from scanner_project.up.programs import MARKER

RATE = 100
SAMPLE_S = 30.0
SETTLED_MIN = 10.0
"""Minutes after which growth counts; of a shorter run, the second half."""

READY_S = 120.0


def run(*, rounds: int, database: str, results: Path, minutes: float = 60.0) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own."""
    in_a_process("benchmarks.footprint", database=database, results=results, minutes=minutes)


def main() -> None:
    """Run, feed, look, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.footprint", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="of the feed (60)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner_of_make_up(options.database) as made:
        over = threading.Event()
        feeder = threading.Thread(target=_feed, args=(made.url, made.token, over), daemon=True)
        feeder.start()
        series = []
        began, until = time.monotonic(), time.monotonic() + 60 * options.minutes
        while (now := time.monotonic()) < until:
            time.sleep(min(SAMPLE_S, max(0.1, until - now)))
            minute = round((time.monotonic() - began) / 60, 2)
            series += [{"minute": minute, **row} for row in made.look()]
        if not feeder.is_alive():
            raise SystemExit("the feed has failed")
        over.set()
        feeder.join(30)
    rows = [{"database": kind, "minutes": options.minutes, **row} for row in _summaries(series, options.minutes)]
    print(f"\nMemory of `make up`, {options.minutes:g} minutes, {kind}\n\n{goal_tables.footprint(rows)}\n")  # noqa: T201
    store(options.results, f"footprint-{kind}", rows, database=kind)


@dataclass(frozen=True, slots=True)
class Made:
    """A scanner that `make up` runs."""

    folder: Path  # DATA_DIR
    pid: int  # of `make up`
    url: str
    token: str
    database_url: str  # empty: SQLite

    def waiting(self) -> int:
        """Symbols whose bars are not all done; from the database, since it is asked for often."""
        question = "SELECT count(*) FROM scanner_app_symbolstatus WHERE head IS NOT NULL"
        if self.database_url:
            with psycopg.connect(self.database_url) as server:
                row = server.execute(question).fetchone()
        else:
            with closing(sqlite3.connect(self.folder / "scanner.sqlite3", timeout=20)) as file:
                row = file.execute(question).fetchone()
        return int(row[0]) if row else 0

    def look(self) -> list[dict[str, Any]]:
        """The memory of each kind of process now, and of all."""
        found: dict[str, list[float]] = defaultdict(list)
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._is_mine(place):
                    memory = memory_of(int(place.name))
                    if memory is not None:
                        found[_kind(place)].append(memory.pss_mb)
        rows: list[dict[str, Any]] = [
            {"process": kind, "processes": len(each), "pss_mb": sum(each)} for kind, each in sorted(found.items())
        ]
        whole = {"processes": sum(row["processes"] for row in rows), "pss_mb": sum(row["pss_mb"] for row in rows)}
        return [*rows, {"process": "all", **whole}]

    def _is_mine(self, place: Path) -> bool:
        """By its environment; the bundled server overwrites that with its name, but runs in the folder."""
        mine = f"{MARKER}={self.folder}".encode()
        return (
            int(place.name) == self.pid
            or mine in (place / "environ").read_bytes().split(b"\0")
            or (place / "cwd").readlink() == self.folder
        )


@contextmanager
def scanner_of_make_up(server_url: str) -> Iterator[Made]:
    """All that `make up` runs, in a folder of its own; on a PostgreSQL server, or on SQLite without one."""
    end_cleanly()
    database = OwnDatabase(server_url) if server_url else None
    try:
        with TemporaryDirectory(prefix="bench-") as name:
            folder, password = Path(name).resolve(), secrets.token_urlsafe(16)
            inherited = {key: value for key, value in os.environ.items() if not key.startswith("SCANNER_")}
            port = free_port()
            environment = {
                **inherited, "DATA_DIR": str(folder), "DATABASE_URL": database.url if database else "", "REDIS_URL": "",
                "WEB_PORT": str(port), "FLOWER_PORT": str(free_port()), "DEMO": "0", "ADMIN_PASSWORD": password,
                "EMAIL_URL": "dummymail://",
            }  # fmt: skip
            command = [sys.executable, "-m", "scanner_project.up"]
            with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.DEVNULL) as up:  # noqa: S603 - ourselves
                try:
                    url = f"http://127.0.0.1:{port}"
                    yield Made(folder, up.pid, url, _token(url, password), environment["DATABASE_URL"])
                finally:
                    up.send_signal(signal.SIGTERM)
                    with suppress(subprocess.TimeoutExpired):
                        up.wait(90)
                    up.kill()
    finally:
        if database is not None:
            database.drop()


def _kind(place: Path) -> str:
    """What a process is, by its command line."""
    text = (place / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    if worker := re.match(r"\[celeryd: (\w+)@", text):
        return f"worker {worker[1]}"
    known = {
        "scanner_project.up.supervised": "supervisor",
        "scanner_project.up": "make up",
        "scanner_project.flower": "flower",
        "scanner_project.web": "web",
        "multiprocessing": "web",
        "valkey-server": "broker",
        "beat": "beat",
    }
    return next((kind for part, kind in known.items() if part in text), "other")


def _feed(url: str, token: str, over: threading.Event) -> None:
    """RATE bars a second, in ten calls, of bars that have just ended: of every symbol one after the other."""
    tickers = Load().tickers
    time_of = {ticker: datetime.now(UTC).replace(microsecond=0) - timedelta(days=30) for ticker in tickers}
    began, number = time.monotonic(), 0
    with httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=60) as http:
        while not over.is_set():
            bars = []
            for _ in range(RATE // 10):
                ticker, price = tickers[number % len(tickers)], 100.0 + number * 7 % 13
                time_of[ticker] += timedelta(seconds=1)
                values = {"open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": 1_000.0}
                bars.append({"symbol": ticker, "timeframe": "1s", "timestamp": time_of[ticker].isoformat(), **values})
                number += 1
            http.post(f"{url}/api/v1/scanner/bars", json=bars).raise_for_status()
            over.wait(max(0.0, began + number / RATE - time.monotonic()))


def _token(url: str, password: str) -> str:
    """Once it is ready. Raises SystemExit if it never is."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == HTTPStatus.OK:
                credentials = {"username": "admin", "password": password}
                answer = httpx.post(f"{url}/api/v1/auth/token", json=credentials, timeout=10)
                return str(answer.json()["token"])
        time.sleep(0.5)
    raise SystemExit(f"not ready within {READY_S:g} s")


def free_port() -> int:
    """A TCP port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _summaries(series: list[dict[str, Any]], minutes: float) -> Iterator[dict[str, Any]]:
    since = SETTLED_MIN if minutes > 2 * SETTLED_MIN else minutes / 2
    for process in dict.fromkeys(row["process"] for row in series):
        mine = [row for row in series if row["process"] == process]
        settled = [row for row in mine if row["minute"] >= since] or mine[-1:]
        yield {
            "process": process,
            "processes": mine[-1]["processes"],
            "start_mb": round(mine[0]["pss_mb"], 1),
            "end_mb": round(mine[-1]["pss_mb"], 1),
            "most_mb": round(max(row["pss_mb"] for row in mine), 1),
            "growth_mb_an_hour": growth(settled),
        }


if __name__ == "__main__":
    main()
