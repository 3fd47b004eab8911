"""Two hosts that share all symbols, one of them killed and another added under load.

A "host" is a main worker with a name and a data folder of its own; all use one PostgreSQL and one Redis. One of the two
is killed with `kill -9` after a while, and a new one takes its place ten seconds later. What must hold: the bars that
it did not have do not notice, and not a bar is lost, doubled or out of order.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils import timezone

from benchmarks import tables
from benchmarks.load import store
from scanner_app.domain.latency import percentile
from scanner_app.tools.chaos.stack import Stack
from scanner_app.tools.loadtest.client import Client
from scanner_app.tools.loadtest.feed import Posting, drain, post_all
from scanner_app.tools.loadtest.plan import Plan
from scanner_app.workers.command_lines import worker_command
from scanner_project.env import BASE_DIR

SYMBOLS, RATE = 40, 100.0

STEPS_S = (15.0, 25.0, 45.0)
"""After the beginning: the host is killed, its successor starts, the load ends."""

PHASES = ("both hosts", "one was killed", "another was added")


def run(*, rounds: int, database: str, results: Path) -> None:
    """Make the experiment `rounds` times; print and store what the bars waited."""
    rows = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)  # noqa: T201
        with TemporaryDirectory(prefix="bench-") as folder:
            rows += _one_round(Path(folder), database, number)
    store(results, "scaling", rows, database="postgresql" if database else "sqlite")
    print(f"\nTwo hosts, one of them replaced under load\n\n{tables.scaling(rows)}")  # noqa: T201


def _one_round(folder: Path, database: str, number: int) -> list[dict[str, Any]]:
    (folder / "a").mkdir()
    stack = Stack(folder / "a", database, environment={"SCANNER_DETECTORS": ""})
    try:
        stack.up()
        with Client(stack.url, stack.token) as client, _host(stack, folder / "b", "b") as second:
            plan = Plan(
                run=f"S{number}{os.getpid():X}", symbols=SYMBOLS, rate=RATE, seconds=STEPS_S[-1], now=timezone.now()
            )
            began = timezone.now()
            posting = Posting()
            load = threading.Thread(target=post_all, args=(plan, client, posting))
            load.start()
            time.sleep(STEPS_S[0])
            os.killpg(second.pid, signal.SIGKILL)
            time.sleep(STEPS_S[1] - STEPS_S[0])
            with _host(stack, folder / "c", "c"):
                load.join()
                _, counts = drain(plan, client, deadline_s=60)
                if left := sum(each.backlog for each in counts.values()):
                    raise RuntimeError(f"{left} bars still wait after a minute")
                return list(_judge(client, plan, posting, began))
    finally:
        stack.down()


@contextmanager
def _host(stack: Stack, folder: Path, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A further main worker, with a folder of its own."""
    folder.mkdir()
    command = shlex.split(worker_command("main", 4).replace("-n main@%h", f"-n main@host-{name}"))
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", *command],
            cwd=BASE_DIR,
            env={**stack.environment, "DATA_DIR": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(30)


def _judge(client: Client, plan: Plan, posting: Posting, began: datetime) -> Iterator[dict[str, Any]]:
    waits: dict[str, list[int]] = {name: [] for name in PHASES}
    for ticker in plan.tickers:
        bars = sorted(client.bars(ticker), key=lambda bar: int(bar["sequence"]))
        if {datetime.fromisoformat(bar["timestamp"]) for bar in bars} != posting.accepted[ticker]:
            raise RuntimeError(f"{ticker}: other bars than were accepted")
        finished = [bar["finished_at"] for bar in bars]
        if any(bar["status"] != "processed" for bar in bars) or finished != sorted(finished):
            raise RuntimeError(f"{ticker}: not processed once each, in order")
        for bar in bars:
            at = datetime.fromisoformat(bar["accepted_at"])
            phase = sum(at >= began + timedelta(seconds=step) for step in STEPS_S[:-1])
            waits[PHASES[phase]].append(bar["latency_ms"])
    for name, each in waits.items():
        p50, p95 = percentile(each, 50) or 0, percentile(each, 95) or 0
        yield {"phase": name, "bars": len(each), "p50_ms": p50, "p95_ms": p95, "max_ms": max(each, default=0)}
