"""The goals of the engine, as one table: each figure, its goal, and whether it is met.

`python -m benchmarks.goals [--only PART…] [--database D] [--short]` runs the parts, reads what they have stored, and
stores the table (`benchmarks.report` writes it into the README). What was not measured now keeps its last figure.
`--short` runs small forms of all parts, to see that they run; their results are in a folder of their own and judge
nothing. `--table` runs nothing.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import databases, goal_tables, tables
from benchmarks.load import machine
from benchmarks.own import end_cleanly, run_ourselves

Rows = Sequence[dict[str, Any]]

LIMIT_MS = 200.0
"""Of the worst bar of a burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A measurement: a module with its arguments, and those of its short form."""

    module: str
    full: str = ""
    short: str = ""
    server_alone: bool = False  # not on SQLite


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A figure that is judged."""

    figure: str
    part: str
    file: str  # of results, without the database's name
    limit: float
    value: Callable[[Rows], float | None]  # None: the rows do not have it
    least: bool = False  # at least `limit`; else at most
    unit: str = ""


PARTS = {
    "engine": Part(module="engine", full="--rounds 3", short="--rounds 1 --bars 1000 --pools 2 --seconds 5"),
    "burst": Part(module="opening", full="--only burst --rounds 3", short="--only burst --rounds 1"),
    "paced": Part(module="opening", full="--only paced --rounds 3", short="--only paced --rounds 1 --seconds 8"),
    "first": Part(module="opening", full="--only first --rounds 3", short="--only first --rounds 1"),
    "symbols": Part(module="growth", full="symbols --rounds 3", short="symbols --small --rounds 1"),
    "peers": Part(module="", full="peers --rounds 3", short="peers --rounds 1", server_alone=True),
    "history": Part(module="growth", full="history --rounds 3", short="history --small --rounds 1"),
    "snapshot": Part(module="snapshot", full="--minutes 30", short="--minutes 0.5", server_alone=True),
    "memory": Part(module="footprint", full="--minutes 60", short="--minutes 1"),
    "status-1000": Part(module="status", full="--symbols 1000 --asks 120", short="--symbols 1000 --asks 20"),
    "status-10000": Part(module="status", full="--symbols 10000 --asks 120", short="--symbols 10000 --asks 10"),
    "judging": Part(module="judging", full="--rounds 3", short="--rounds 1 --bars 600 --seconds 4"),
    "streams": Part(module="streams", full="--rounds 3", short="--rounds 1 --seconds 4"),
    "broken-detector": Part(module="broken_detector", short="--symbols 100 --bars 5 --mended 20"),
    "revising": Part(module="revising", short="--bars 5000 --seconds 10"),
    "day": Part(module="day", full="--symbols 8000 --minutes 20", short="--symbols 400 --minutes 2"),
}
"""The last five have no goal; they have tables of their own."""


def _ratio(case: str) -> Callable[[Rows], float | None]:
    """Tasks/s of a case on plain prefork, over the best ceiling of any prefork pool."""

    def value(rows: Rows) -> float | None:
        ceilings = [row["rate"] for row in rows if row["case"] == tables.CEILING and "prefork" in row["pool"]]
        ours = [row["rate"] for row in rows if row["case"] == case and row["pool"] == "prefork 8"]
        return round(ours[0] / max(ceilings), 2) if ours and ceilings else None

    return value


def _of(figure: str, place: int = 0) -> Callable[[Rows], float | None]:
    """A figure of one row."""
    return lambda rows: rows[place][figure] if place < len(rows) else None


def _largest_burst(rows: Rows) -> float | None:
    return float(max((row["size"] for row in rows if row["value_ms"] < LIMIT_MS), default=0))


def _worse_by(figure: str, *, more_is_worse: bool = True) -> Callable[[Rows], float | None]:
    """In percent: by how much any case's median is worse than the first case's; 0 if none is."""

    def value(rows: Rows) -> float | None:
        names = list(dict.fromkeys(row["name"] for row in rows if figure in row))
        medians = [median(row[figure] for row in rows if row["name"] == name) for name in names]
        if len(medians) < 2:
            return None
        changes = [each / medians[0] - 1 if more_is_worse else 1 - each / medians[0] for each in medians[1:]]
        worst = max(0.0, *(float(change) for change in changes))
        return round(100 * worst, 1)

    return value


def _beside_peers(figure: str, *, most: bool) -> Callable[[Rows], float | None]:
    """Ours over the best of the peers that keep the order, also when workers are killed."""

    def value(rows: Rows) -> float | None:
        ours = next((row[figure] for row in rows if row["peer"] == "the scanner"), None)
        wrong = ("retry_out_of_order", "kill_out_of_order", "kill_lost")
        peers = [row[figure] for row in rows if row["peer"] != "the scanner" and not any(row[kind] for kind in wrong)]
        return round(ours / (max(peers) if most else min(peers)), 2) if ours is not None and peers else None

    return value


def _snapshot_cost(rows: Rows) -> float | None:
    return round(100 * (rows[1]["bar_ms"] / rows[0]["bar_ms"] - 1), 1) if len(rows) > 1 else None


def _memory(figure: str) -> Callable[[Rows], float | None]:
    return lambda rows: next((row[figure] for row in rows if row["process"] == "all"), None)


GOALS = (
    Goal(figure="bars/s over the best no-op Celery, detectors off", part="engine", file="engine", limit=0.85,
         value=_ratio(tables.OURS), least=True),
    Goal(figure="the same, detectors on", part="engine", file="engine", limit=0.65, value=_ratio(tables.DETECTING),
         least=True),
    Goal(figure="largest burst whose worst bar is under 200 ms", part="burst", file="burst", limit=200,
         value=_largest_burst, least=True, unit="symbols"),
    Goal(figure="p95 at 100 bars/s, one bar a call", part="paced", file="paced", limit=20, value=_of("value_ms"),
         unit="ms"),
    Goal(figure="p95 of 20 to 50,000 symbols, worse by", part="symbols", file="growth-symbols", limit=20,
         value=_worse_by("p95_ms"), unit="%"),
    Goal(figure="rate drained of 20 to 50,000 symbols, worse by", part="symbols", file="growth-symbols", limit=20,
         value=_worse_by("rate", more_is_worse=False), unit="%"),
    Goal(figure="bars/s over the best peer that keeps the order", part="peers", file="peers", limit=1.8,
         value=_beside_peers("bars_per_second", most=True), least=True),
    Goal(figure="p95 over the best peer that keeps the order", part="peers", file="peers", limit=1.0,
         value=_beside_peers("p95_ms", most=False)),
    Goal(figure="first bar of a new symbol, p95", part="first", file="first", limit=50, value=_of("value_ms"),
         unit="ms"),
    Goal(figure="cost of a bar, history of 1,000 to 10 M bars, more by", part="history", file="growth-history", limit=5,
         value=_worse_by("cpu_ms"), unit="%"),
    Goal(figure="cost of a bar beside a snapshot of half an hour, more by", part="snapshot", file="snapshot", limit=20,
         value=_snapshot_cost, unit="%"),
    Goal(figure="memory of all processes after an hour", part="memory", file="footprint", limit=800,
         value=_memory("end_mb"), unit="MB"),
    Goal(figure="its growth in an hour", part="memory", file="footprint", limit=10, value=_memory("growth_mb_an_hour"),
         unit="MB"),
    Goal(figure="status of 1,000 symbols, p95", part="status-1000", file="status-1000", limit=50,
         value=_of("status_p95_ms"), unit="ms"),
    Goal(figure="status of 10,000 symbols, p95", part="status-10000", file="status-10000", limit=400,
         value=_of("status_p95_ms"), unit="ms"),
    Goal(figure="board's first paint, 10,000 symbols, cold", part="status-10000", file="status-10000", limit=1_000,
         value=_of("board_cold_ms"), unit="ms"),
)  # fmt: skip


def main() -> None:
    """Parse, run, judge, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.goals", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--database", default="both", metavar="D", help=f"{databases.HELP} (both)")
    parser.add_argument("--short", action="store_true", help="small forms, which judge nothing")
    parser.add_argument("--table", action="store_true", help="run nothing: only the table, from what is stored")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    end_cleanly()
    results = options.results / "short" if options.short else options.results
    failed = [] if options.table else _run(options, results)
    rows = judged(results)
    (results / "goals.json").write_text(json.dumps({"machine": machine(datetime.now(UTC)), "rows": rows}, indent=1))
    print(f"\n{goal_tables.goals(rows)}\n")  # noqa: T201
    if failed:
        sys.exit(f"These failed: {', '.join(failed)}")


def _run(options: argparse.Namespace, results: Path) -> list[str]:
    """Run the parts; returns those that failed. One that fails does not keep the others from running."""
    results.mkdir(parents=True, exist_ok=True)
    failed = []
    for kind, server in databases.servers(options.database).items():
        for name in options.only:
            part = PARTS[name]
            if part.server_alone and kind == "sqlite":
                continue
            module = f"benchmarks.{part.module}" if part.module else "benchmarks"
            arguments = (part.short if options.short else part.full).split()
            print(f"\n== {name}, {kind}: {module} {' '.join(arguments)}", flush=True)  # noqa: T201
            command = [sys.executable, "-m", module, *arguments, "--database", server, "--results", str(results)]
            try:
                run_ourselves(command)
            except Exception as exc:  # noqa: BLE001 - whatever it is, the others are measured
                print(f"{name} failed: {exc}", flush=True)  # noqa: T201
                failed.append(f"{name} ({kind})")
    return failed


def judged(results: Path) -> list[dict[str, Any]]:
    """A row for each goal and database that was measured."""
    rows = []
    for goal in GOALS:
        for kind in ("sqlite", "postgresql"):
            path = next((file for file in _files(results, goal.file, kind) if file.exists()), None)
            if path is None:
                continue
            stored = json.loads(path.read_text())
            try:
                value = goal.value(stored["rows"])
            except (KeyError, IndexError):  # rows of another version
                value = None
            if value is None:
                continue
            rows.append(
                {
                    "figure": goal.figure,
                    "database": kind,
                    "value": value,
                    "goal": f"{'≥' if goal.least else '≤'} {goal.limit:g} {goal.unit}".strip(),
                    "met": value >= goal.limit if goal.least else value <= goal.limit,
                    "part": goal.part,
                    "measured": stored["machine"]["date"][:16],
                }
            )
    return rows


def _files(results: Path, name: str, kind: str) -> list[Path]:
    """Where a measurement may have stored its rows; the peers have one file, of PostgreSQL."""
    small = [results / f"growth-small-{kind}.json"] if results.name == "short" and name.startswith("growth") else []
    alone = [results / f"{name}.json"] if kind == "postgresql" else []
    return [results / f"{name}-{kind}.json", *alone, *small]


if __name__ == "__main__":
    main()
