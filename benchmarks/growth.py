"""What a bar costs as things grow: symbols, history, backlog, and symbols that are blocked.

Each case on a fresh scanner, in a process of its own, without detectors; the cases take turns for some rounds.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import tables
from benchmarks.load import Load, percentiles, steady_rate, store
from benchmarks.own import PREFORK, Scanner, scanner

RATE, SECONDS = 100.0, 15.0
"""Of the feeds, over all symbols."""

BARS = 2_000
"""Of a drained backlog, where the backlog is not the question."""

BACKLOG = 20_000

BLOCKED, HEALTHY, WAITING = 20, 180, 1_000
"""Symbols that always fail, symbols beside them, and bars that wait behind each failing one."""

FAULTY = "benchmarks.faulty.Faulty"


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure each case `rounds` times; print and store the medians."""
    kind = "postgresql" if database else "sqlite"
    found: dict[str, list[dict[str, float]]] = {}
    for number in range(rounds):
        for case in CASES if number % 2 == 0 else reversed(CASES):
            one = _in_a_process(case, database)
            print(f"round {number + 1} of {rounds}: {case}: {one}", flush=True)  # noqa: T201
            found.setdefault(case, []).append(one)
    rows = [_row(case, found[case]) for case in CASES]
    store(results, f"growth-{kind}", rows, database=kind)
    print(f"\nGrowth, {kind}\n\n{tables.growth(rows)}\n")  # noqa: T201


def _row(case: str, rounds: list[dict[str, float]]) -> dict[str, Any]:
    return {
        "case": case,
        **{name: median(one[name] for one in rounds) for name in rounds[0]},
        "rate_rounds": [one["rate"] for one in rounds if "rate" in one],
        "p95_rounds_ms": [one["p95_ms"] for one in rounds if "p95_ms" in one],
    }


def _in_a_process(case: str, database: str) -> dict[str, float]:
    with TemporaryDirectory(prefix="bench-") as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.growth", case, "--database", database, "--answer", str(answer)]
        subprocess.run(command, check=True)  # noqa: S603 - ourselves
        figures: dict[str, float] = json.loads(answer.read_text())
    return figures


def main() -> None:
    """Measure one case and write its figures into a file."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description="One case; `benchmarks growth` runs all.")
    parser.add_argument("case", choices=list(CASES))
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--answer", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    with scanner(options.database, Scanner) as own:
        figures = CASES[options.case](own)
    options.answer.write_text(json.dumps(figures))


def _drain(own: Scanner, load: Load) -> dict[str, float]:
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    own.end_main()
    before = feeding.done()
    feeding.Feeder(days_back=200).accept(load)
    own.run_main(PREFORK)
    return {"rate": round(steady_rate(lambda: feeding.done() - before, load.bars), 1)}


def _feed(tickers: list[str]) -> dict[str, float]:
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    feeder = feeding.Feeder(days_back=100)
    feeder.feed(tickers, rate=RATE, seconds=max(3.0, len(tickers) / RATE))  # makes the symbols; all is warm
    return percentiles(feeder.feed(tickers, rate=RATE, seconds=SECONDS))


def _symbols(number: int) -> Callable[[Scanner], dict[str, float]]:
    def measure(own: Scanner) -> dict[str, float]:
        load = Load(symbols=number, bars=BARS)
        return _feed(load.tickers) | _drain(own, load)

    return measure


def _history(bars: int) -> Callable[[Scanner], dict[str, float]]:
    def measure(own: Scanner) -> dict[str, float]:
        load = Load(bars=BARS)
        _feed(load.tickers)
        _write_history(load, bars)
        return _feed(load.tickers) | _drain(own, load)

    return measure


def _write_history(load: Load, bars: int) -> None:
    """So many processed bars, older than all others, straight into the table; the logs begin after them."""
    from django.db import connection  # noqa: PLC0415 - the database is known by now
    from django.db.models import F  # noqa: PLC0415

    from scanner_app.models import Bar, Symbol, SymbolStatus  # noqa: PLC0415

    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=900)
    each = bars // load.symbols
    # The numbers of the history are below zero, so that nothing of the log has to move.
    for symbol in Symbol.objects.filter(ticker__in=load.tickers):
        for first in range(0, each, 10_000):
            Bar.objects.bulk_create(
                Bar(
                    symbol=symbol,
                    timeframe="1s",
                    timestamp=began + timedelta(seconds=number),
                    open=1.0,
                    high=1.0,
                    low=1.0,
                    close=1.0,
                    volume=1.0,
                    sequence=number - each,
                    status="processed",
                    accepted_at=began + timedelta(seconds=number),
                    finished_at=began + timedelta(seconds=number),
                    latency_ms=1,
                )
                for number in range(first, min(first + 10_000, each))
            )
    SymbolStatus.objects.update(bars_processed=F("bars_processed") + each)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _backlog(own: Scanner) -> dict[str, float]:
    return _drain(own, Load(bars=BACKLOG))


def _blocked(number: int) -> Callable[[Scanner], dict[str, float]]:
    def measure(own: Scanner) -> dict[str, float]:
        from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

        own.run_main(PREFORK, FAULTY)
        if number:
            failing = [f"FAIL-{one}" for one in range(number)]
            feeding.accept_all(feeding.Feeder().bars(failing, number * WAITING))
        return _feed(Load(symbols=HEALTHY).tickers)

    return measure


CASES: dict[str, Callable[[Scanner], dict[str, float]]] = {
    "10 symbols": _symbols(10),
    "100 symbols": _symbols(100),
    "1,000 symbols": _symbols(1_000),
    "history of 1,000 bars": _history(1_000),
    "history of 100,000 bars": _history(100_000),
    "history of 1,000,000 bars": _history(1_000_000),
    "backlog of 20,000 bars": _backlog,
    "180 symbols": _blocked(0),
    "180 beside 20 blocked ones with 1,000 bars each": _blocked(BLOCKED),
}


if __name__ == "__main__":
    main()
