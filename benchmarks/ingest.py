"""How many bars a second are accepted through HTTP, by bars of a POST; nobody processes them meanwhile."""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import tables
from benchmarks.load import Load, percentiles, store
from benchmarks.own import Scanner, in_a_process, scanner
from scanner_app.tools.loadtest.client import Client

SIZES = (1, 20, 100, 500, 5_000)


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.ingest", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.ingest", description="Bars accepted through HTTP.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"))
    parser.add_argument("--seconds", type=float, default=5.0, help="of each size (5)")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, Scanner) as own:
        own.end_main()
        rows = _measure(own, options.rounds, options.seconds)
    store(options.results, f"ingest-{kind}", rows, database=kind)
    print(f"\nIngest alone, one client, {kind}\n\n{tables.ingest(rows)}\n")  # noqa: T201


def _measure(own: Scanner, rounds: int, seconds: float) -> list[dict[str, Any]]:
    from benchmarks.feeding import Feeder  # noqa: PLC0415 - models need Django set up

    feeder, tickers = Feeder(), Load().tickers
    rates: dict[int, list[float]] = {size: [] for size in SIZES}
    posts: dict[int, list[float]] = {size: [] for size in SIZES}
    with Client(own.url, own.token) as client:
        client.post_bars(_json(feeder.bars(tickers, 100)))  # makes the symbols, and warms up
        for number in range(rounds):
            for size in SIZES if number % 2 == 0 else reversed(SIZES):
                accepted, spent_s = 0, 0.0
                while spent_s < seconds:
                    bars = _json(feeder.bars(tickers, size))  # not the scanner's work: not in the time
                    began = time.perf_counter()
                    accepted += client.post_bars(bars)["accepted"]
                    took_s = time.perf_counter() - began
                    posts[size].append(took_s)
                    spent_s += took_s
                rates[size].append(accepted / spent_s)
    return [
        {
            "size": size,
            "rate": round(median(rates[size])),
            "rounds": [round(rate) for rate in rates[size]],
            **percentiles(posts[size]),
        }
        for size in SIZES
    ]


def _json(bars: list[dict[str, Any]]) -> list[dict[str, object]]:
    return [bar | {"timestamp": bar["timestamp"].isoformat().replace("+00:00", "Z")} for bar in bars]


if __name__ == "__main__":
    main()
