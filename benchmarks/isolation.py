"""What a symbol in trouble costs the others: their latencies beside those of an undisturbed run.

Twenty healthy symbols get 100 bars/s, spread over the second or, in the burst cases, all at one moment. Ten
seconds later the disturbance begins: bars of symbols that fail, sleep, hang or kill their process each time.
Limits, delays and breaker are those of a normal installation. The cases take turns for some rounds.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from django.utils import timezone

from benchmarks import tables
from benchmarks.load import store
from scanner_app.domain.latency import percentile
from scanner_app.tools.chaos.stack import Stack
from scanner_app.tools.loadtest.client import Client
from scanner_app.tools.loadtest.feed import Posting, drain, post_all
from scanner_app.tools.loadtest.plan import Plan

SYMBOLS = 20
RATE = 100.0

WARM_S = 10.0
"""Until the disturbance: fresh symbols' queues take up to a second to be consumed."""

LIMIT_S = 11.0
"""From its beginning until the first soft limit (10 s) has surely struck."""

AFTER_S = 15.0
"""What is measured after that."""

PROCESSES = {"main": 8, "slow": 4, "upkeep": 2, "notify": 1}
"""As `make up` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One disturbance."""

    name: str
    kind: str = ""  # FAIL, SLEEP, HANG or CRASH; empty: none
    victims: int = 0
    burst: bool = False


CASES = (
    Case(name="undisturbed"),
    Case(name="one fails", kind="FAIL", victims=1),
    Case(name="one sleeps 5 s a bar", kind="SLEEP", victims=1),
    Case(name="one hangs", kind="HANG", victims=1),
    Case(name="one kills its process", kind="CRASH", victims=1),
    Case(name="ten hang, of eight slots", kind="HANG", victims=10),
    Case(name="bursts of 20, undisturbed", burst=True),
    Case(name="bursts of 20, one sleeps 5 s a bar", kind="SLEEP", victims=1, burst=True),
)

PHASES = ("until the first soft limit", "after it")


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure all cases `rounds` times on a scanner of their own; print and store the medians."""
    seen: dict[tuple[str, str], list[list[int]]] = {}
    detectors = "scanner_app.detectors.candlesticks.Candlesticks,benchmarks.faulty.Faulty"
    with TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder), database, processes=PROCESSES, environment={"SCANNER_DETECTORS": detectors})
        try:
            stack.up()
            for number in range(rounds):
                for case in CASES:
                    print(f"round {number + 1} of {rounds}: {case.name}", flush=True)  # noqa: T201
                    for phase, latencies in _measure(stack, case, f"{number}{CASES.index(case)}").items():
                        seen.setdefault((case.name, phase), []).append(latencies)
        finally:
            stack.down()
    _report(seen, database, results)


def _measure(stack: Stack, case: Case, run_id: str) -> dict[str, list[int]]:
    """The healthy symbols' latencies (ms) of one case, by phase."""
    plan = Plan(
        run=f"B{run_id}",
        symbols=SYMBOLS,
        rate=RATE,
        seconds=WARM_S + LIMIT_S + AFTER_S,
        now=timezone.now(),
        burst=case.burst,
    )
    victims = [f"{case.kind}-{run_id}-{number}" for number in range(case.victims)]
    over = threading.Event()
    with Client(stack.url, stack.token) as client, Client(stack.url, stack.token) as other:
        began = timezone.now()
        trouble = threading.Thread(target=_disturb, args=(other, victims, over), daemon=True)
        trouble.start()
        post_all(plan, client, Posting())
        over.set()
        trouble.join()
        _, counts = drain(plan, client, deadline_s=60)
        if any(each.backlog for each in counts.values()):
            raise RuntimeError(f"{case.name}: healthy symbols still wait after a minute")
        struck, limit = began + timedelta(seconds=WARM_S), began + timedelta(seconds=WARM_S + LIMIT_S)
        found: dict[str, list[int]] = {phase: [] for phase in PHASES}
        for accepted_at, latency_ms in _latencies(client, plan.tickers):
            if accepted_at >= struck.isoformat():
                found[PHASES[accepted_at >= limit.isoformat()]].append(latency_ms)
        _calm_down(other, victims)
    return found


def _disturb(client: Client, victims: list[str], over: threading.Event) -> None:
    """A bar a second of each victim, from WARM_S on."""
    second = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    if not victims or over.wait(WARM_S):
        return
    while not over.wait(1.0):
        second += timedelta(seconds=1)
        stamp = second.isoformat().replace("+00:00", "Z")
        values = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
        client.post_bars([{"symbol": name, "timeframe": "1s", "timestamp": stamp, **values} for name in victims])


def _calm_down(client: Client, victims: list[str]) -> None:
    """Disable the victims, and wait until the last run of theirs is surely over."""
    for name in victims:
        client.act(name, "disable")
    if victims:
        time.sleep(16)  # the hard limit, and a second


def _latencies(client: Client, tickers: list[str]) -> Iterator[tuple[str, int]]:
    for ticker in tickers:
        for bar in client.bars(ticker):
            yield bar["accepted_at"].replace("Z", "+00:00"), bar["latency_ms"]


def _report(seen: dict[tuple[str, str], list[list[int]]], database: str, results: Path) -> None:
    rows = []
    for (name, phase), rounds in seen.items():
        p95s = [percentile(each, 95) or 0 for each in rounds]
        rows.append(
            {
                "case": name,
                "phase": phase,
                "p50_ms": median(percentile(each, 50) or 0 for each in rounds),
                "p95_ms": median(p95s),
                "p95_rounds_ms": p95s,
                "p99_ms": median(percentile(each, 99) or 0 for each in rounds),
                "max_ms": max(max(each) for each in rounds),
            }
        )
    kind = "postgresql" if database else "sqlite"
    store(results, f"isolation-{kind}", rows, database=kind)
    print(f"\nLatencies of the healthy symbols, {kind}\n\n{tables.isolation(rows)}")  # noqa: T201
