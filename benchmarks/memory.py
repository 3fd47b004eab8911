"""Whether processes grow: the memory of each over an hour at 100 bars/s.

Twenty symbols, with the detectors that ship, fed through ingest from this process, which is not measured. Each half
minute the kernel is asked for every process's proportional set size (PSS: shared pages are divided among those that
share them, so that sums are right) and resident set size (RSS: they count for each).
"""

import argparse
import json
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression
from typing import Any

from benchmarks import tables
from benchmarks.engine import DETECTORS
from benchmarks.load import Load, load_average, percentiles, store
from benchmarks.own import PREFORK, PROCESSES, Scanner, in_a_process, scanner

RATE = 100.0
"""Bars/s over all symbols."""

SAMPLE_S = 30.0

SETTLED_MIN = 10.0
"""Minutes after which all processes have done everything once: growth is what comes after."""

PARENTS = ("broker", "web", *(f"worker-{role}" for role in PROCESSES), "beat")
"""Processes as the stack names them; some have children."""

MB = 1024
"""In kB, as the kernel counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Of one process."""

    pss_mb: float
    rss_mb: float


@dataclass(slots=True)
class Sampler:
    """Rows of a time series: one for each process, or group of children, at each moment."""

    own: Scanner
    began: float = field(default_factory=time.monotonic)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def sample(self) -> None:
        """Look at every process now."""
        minute = round((time.monotonic() - self.began) / 60, 2)
        now = [{"minute": minute, **row} for name in PARENTS for row in _rows(self.own, name)]
        whole = [row for row in now if row["part"] in {"parent", "children, sum"}]
        self.rows += [*now, {"minute": minute, "process": "all", "part": "sum", **_sum(whole)}]

    def until(self, over: threading.Event) -> None:
        """Look at once and then every SAMPLE_S; return after the last look."""
        while True:
            self.sample()
            if over.wait(SAMPLE_S):
                return


def run(*, rounds: int, database: str, results: Path, minutes: float) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own."""
    in_a_process("benchmarks.memory", database=database, results=results, minutes=minutes)


def main() -> None:
    """Feed, look, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description="Memory of each process over time.")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the feed (60)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, Scanner) as own:
        series, figures = _measure(own, options.minutes)
    parts = list(_summaries(series))
    store(options.results, f"memory-series-{kind}", [{"database": kind, **row} for row in series], database=kind)
    store(options.results, f"memory-{kind}", [{"database": kind, **row, **figures} for row in parts], database=kind)
    print(f"\nMemory over {options.minutes:g} minutes at {RATE:g} bars/s, {kind}\n\n{tables.memory(parts)}\n")  # noqa: T201
    print(json.dumps(figures))  # noqa: T201


def _measure(own: Scanner, minutes: float) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The time series, and what else the feed showed."""
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    own.run_main(PREFORK, DETECTORS)
    tickers, feeder = Load().tickers, feeding.Feeder(days_back=100)
    feeder.feed(tickers, rate=RATE, seconds=3.0)  # makes the symbols
    sampler, over = Sampler(own), threading.Event()
    sampling = threading.Thread(target=sampler.until, args=(over,), name="sampler")
    sampling.start()
    try:
        latencies = feeder.feed(tickers, rate=RATE, seconds=60 * minutes)
    finally:
        over.set()
        sampling.join()
    sampler.sample()
    figures = {"fed_bars": len(latencies), "fed_rate": round(feeder.fed_rate, 1), **percentiles(latencies)}
    # A worker that was restarted begins with little memory again.
    return sampler.rows, {**figures, "restarts": sum(own.restarts.values()), "load_1m": load_average()}


def _rows(own: Scanner, name: str) -> Iterator[dict[str, Any]]:
    """A process, and its children: their sum and the largest of them."""
    parent = memory_of(own.pid(name))
    if parent is None:  # it has just ended, and is started again
        return
    yield {"process": name, "part": "parent", "processes": 1, "pss_mb": parent.pss_mb, "rss_mb": parent.rss_mb}
    children = [found for pid in own.children(name) if (found := memory_of(pid)) is not None]
    if children:
        rows = [{"processes": 1, "pss_mb": child.pss_mb, "rss_mb": child.rss_mb} for child in children]
        yield {"process": name, "part": "children, sum", **_sum(rows)}
        largest = max(rows, key=lambda row: row["pss_mb"])
        yield {"process": name, "part": "children, largest", **largest}


def _sum(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    each = list(rows)
    return {name: round(sum(row[name] for row in each), 2) for name in ("processes", "pss_mb", "rss_mb")}


def memory_of(pid: int) -> Memory | None:
    """A process's memory, from /proc; None if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return None
    kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    # Of a process that is just ending nothing is known.
    return Memory(pss_mb=round(kb["Pss"] / MB, 2), rss_mb=round(kb["Rss"] / MB, 2)) if "Pss" in kb else None


def _summaries(series: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each process and part: at the start, once settled, at the end, and the growth since it settled."""
    for process, part in dict.fromkeys((row["process"], row["part"]) for row in series):
        mine = [row for row in series if (row["process"], row["part"]) == (process, part)]
        settled = [row for row in mine if row["minute"] >= SETTLED_MIN]
        yield {
            "process": process,
            "part": part,
            "processes": mine[-1]["processes"],
            "start_pss_mb": mine[0]["pss_mb"],
            "settled_pss_mb": settled[0]["pss_mb"] if settled else None,
            "end_pss_mb": mine[-1]["pss_mb"],
            "end_rss_mb": mine[-1]["rss_mb"],
            # Of a run that is shorter: over all of it, which has the warming up in it.
            "growth_mb_an_hour": growth(settled if len(settled) > 2 else mine),
        }


def growth(rows: list[dict[str, Any]]) -> float:
    """PSS in MB an hour: the slope of the straight line through all samples, which one odd sample hardly tilts.

    0 for what was seen once.
    """
    if len(rows) == 1:
        return 0.0
    line = linear_regression([row["minute"] / 60 for row in rows], [row["pss_mb"] for row in rows])
    return round(line.slope, 2)


if __name__ == "__main__":
    main()
