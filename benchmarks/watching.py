"""What it costs to be watched: ten open boards, Prometheus, Flower and Celery's events, beside a run without them.

Each round measures both, in turn, on the same scanner: latencies at 100 bars/s over 20 symbols, and bars/s while a
backlog is worked off. The alert rules are evaluated in both: they can't be switched off.
"""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from django.utils import timezone

from benchmarks import tables
from benchmarks.load import store
from scanner_app.domain.latency import percentile
from scanner_app.tools.chaos.stack import Stack
from scanner_app.tools.loadtest.client import Client
from scanner_app.tools.loadtest.feed import Posting, drain, post_all
from scanner_app.tools.loadtest.plan import Plan
from scanner_project.env import BASE_DIR
from scanner_project.up.programs import flower_command

SYMBOLS, RATE, SECONDS = 20, 100.0, 15.0

BACKLOG = 3_000
"""Bars that are posted at once and then worked off."""

PAGES, PAGE_S, SCRAPE_S = 10, 1.0, 5.0
"""Open boards, how often each asks, and how often Prometheus does."""

PROCESSES = {"main": 8, "slow": 4, "upkeep": 2, "notify": 1}
"""As `make up` has them."""

WAYS = ("unwatched", "watched")


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure both ways `rounds` times; print and store the medians."""
    seen: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder), database, processes=PROCESSES)
        try:
            stack.up()
            for number in range(rounds):
                for way in WAYS:
                    print(f"round {number + 1} of {rounds}: {way}", flush=True)  # noqa: T201
                    _set_events(stack, on=way == "watched")
                    with _watchers(stack) if way == "watched" else _nobody():
                        seen[way].append(_measure(stack, f"{way[0]}{number}{os.getpid():X}".upper()))
        finally:
            stack.down()
    rows = [_row(way, figures) for way, figures in seen.items()]
    kind = "postgresql" if database else "sqlite"
    store(results, f"watching-{kind}", rows, database=kind)
    print(f"\nThe cost of being watched, {kind}\n\n{tables.watching(rows)}")  # noqa: T201


def _row(way: str, rounds: list[dict[str, float]]) -> dict[str, Any]:
    return {
        "way": way,
        **{name: round(float(median(one[name] for one in rounds)), 1) for name in rounds[0]},
        "rate_rounds": [round(one["rate"], 1) for one in rounds],
        "p95_rounds_ms": [one["p95_ms"] for one in rounds],
    }


def _measure(stack: Stack, run_id: str) -> dict[str, float]:
    with Client(stack.url, stack.token) as client:
        steady = Plan(run=run_id, symbols=SYMBOLS, rate=RATE, seconds=SECONDS, now=timezone.now())
        post_all(steady, client, Posting())
        drain(steady, client, deadline_s=60)
        # Without the first seconds, in which fresh symbols' queues are not consumed yet.
        waits = [
            bar["latency_ms"]
            for ticker in steady.tickers
            for bar in list(client.bars(ticker))[: int((SECONDS - 3) * RATE / SYMBOLS)]
        ]
        crowd = Plan(run=f"{run_id}X", symbols=SYMBOLS, rate=BACKLOG * 10.0, seconds=0.1, now=timezone.now())
        began = time.monotonic()
        post_all(crowd, client, Posting())
        drain(crowd, client, deadline_s=120)
        rate = BACKLOG / (time.monotonic() - began)
    shares = {f"p{percent}_ms": float(percentile(waits, percent) or 0) for percent in (50, 95, 99)}
    return {"rate": rate, **shares}


def _set_events(stack: Stack, *, on: bool) -> None:
    command = ["celery", "-A", "scanner_project", "control", "enable_events" if on else "disable_events"]
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", *command], cwd=BASE_DIR, env=stack.environment, check=True, capture_output=True
    )


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _watchers(stack: Stack) -> Iterator[None]:
    """Flower, Prometheus and the open boards, while the block runs."""
    over = threading.Event()
    asking = [*([("/api/v1/scanner/board", PAGE_S)] * PAGES), ("/metrics", SCRAPE_S)]
    threads = [
        threading.Thread(target=_ask, args=(stack, path, every_s, over), daemon=True) for path, every_s in asking
    ]
    command = [sys.executable, "-m", *shlex.split(flower_command("127.0.0.1", _port_beside(stack)))]
    with (stack.folder / "logs" / "flower.log").open("ab") as log:
        flower = subprocess.Popen(command, cwd=BASE_DIR, env=stack.environment, stdout=log, stderr=log)  # noqa: S603
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
        flower.terminate()
        flower.wait(30)


def _port_beside(stack: Stack) -> int:
    return stack.port + 1


def _ask(stack: Stack, path: str, every_s: float, over: threading.Event) -> None:
    """Ask as a page does: with the ETag of what it has."""
    headers: dict[str, Any] = {"Authorization": f"Token {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=30) as client:
        etag = ""
        while not over.wait(every_s):
            answer = client.get(path, headers={"If-None-Match": etag} if etag else {})
            if answer.status_code not in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                raise RuntimeError(f"{path} answered {answer.status_code}")
            etag = answer.headers.get("ETag", "")
