"""What a snapshot that somebody holds open costs (PostgreSQL): old rows can't be cleaned up while it is there.

A feed of 100 bars a second; before it and after it a backlog is drained, the second time with the snapshot still open.
`python -m benchmarks.snapshot --database URL [--minutes 30]`
"""

import argparse
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import goal_tables
from benchmarks.engine import DETECTORS, Meter
from benchmarks.load import Load, percentiles, steady_rate, store
from benchmarks.own import PREFORK, Scanner, in_a_process, scanner

RATE = 100.0


def run(*, rounds: int, database: str, results: Path, minutes: float = 30.0) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own; nothing on SQLite, which has no such snapshots."""
    if database:
        in_a_process("benchmarks.snapshot", database=database, results=results, minutes=minutes)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.snapshot", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="for which the snapshot is open under load (30)")
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    with scanner(options.database, Scanner) as own:
        rows = _measure(own, options.minutes)
    rows = [{"database": "postgresql", "minutes": options.minutes, **row} for row in rows]
    print(f"\n{goal_tables.snapshot(rows)}\n")  # noqa: T201
    store(options.results, "snapshot-postgresql", rows, database="postgresql")


def _measure(own: Scanner, minutes: float) -> list[dict[str, Any]]:
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    load, feeder = Load(), feeding.Feeder(days_back=100)
    own.run_main(PREFORK, DETECTORS)
    feeder.feed(load.tickers, rate=RATE, seconds=10)  # everything is warm
    rows = [{"what": "before", **_drain(own, feeder, load)}]
    with psycopg.connect(own.database_url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM scanner_app_symbolstatus")  # takes the snapshot
        latencies = feeder.feed(load.tickers, rate=RATE, seconds=60 * minutes)
        rows.append(
            {"what": f"a snapshot of {minutes:g} minutes", **_drain(own, feeder, load), **percentiles(latencies)}
        )
        reader.rollback()
    return rows


def _drain(own: Scanner, feeder: Any, load: Load) -> dict[str, float]:
    """Bars/s of a backlog, and processor time of a bar."""
    from benchmarks import feeding  # noqa: PLC0415 - as above

    own.end_main()
    done_before = feeding.done()
    feeder.accept(load)
    meter = Meter(lambda: feeding.done() - done_before, own.main_cpu_s, load.bars)
    own.run_main(PREFORK, DETECTORS)
    rate = steady_rate(meter.done, load.bars)
    return {"rate": round(rate, 1), "cpu_ms": round(meter.cpu_ms, 3), "bar_ms": round(1000 / rate, 3)}


if __name__ == "__main__":
    main()
