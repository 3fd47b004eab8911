"""What a bar costs as things grow: symbols, history, backlog, blocked symbols, workers.

Each case on a fresh scanner, in a process of its own; the cases take turns for some rounds, every second one in
reverse. The dear ones are measured once. `python -m benchmarks.growth symbols history` measures some groups of
cases, `--small` each with a hundredth of its bars, to see that it runs.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import tables
from benchmarks.engine import Meter
from benchmarks.load import EDGES, Load, Looks, load_average, percentiles, rate_between, store, watch_backlog
from benchmarks.own import Pool, Scanner, run_ourselves, scanner

RATE = tables.GROWTH_RATE
"""Bars/s of the feeds, over all symbols."""

WARM_S = 3.0
"""Of a feed before the one that counts: processes are warm, connections made."""

LOOK_S = 0.25
"""Between two looks at a backlog: with 50,000 symbols a look costs some ten ms."""

PATIENCE_S = 1_800.0

FAULTY = "benchmarks.faulty.Faulty"

OLD_BARS = 100_000
"""Processed before the feed of the cases of retention: more than a minute's runs of it remove."""

KEEP_DAYS = 101
"""Days after which bars are forgotten there: the history's are older (history.ENDED), the feed's are not."""

CANDLESTICKS = "scanner_app.detectors.candlesticks.Candlesticks"
"""Of those that ship: its window of 15 bars makes the query for older bars a part of what a bar costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured. The fields are those of the JSON rows."""

    group: str
    name: str
    symbols: int = 20
    history: int = 0  # bars processed before, of all symbols together
    feed_s: float = 0.0  # length of the feed; 0: none
    backlog: int = 0  # bars that wait, of all symbols together, when the main workers start; 0: nothing is drained
    blocked: int = 0  # symbols beside them whose every bar fails
    waiting: int = 0  # bars of each of those
    workers: int = 1  # main workers
    slots: int = 8  # of each
    detectors: str = ""
    keep_days: int = 0  # SCANNER_KEEP_BARS_DAYS; 0: nothing is forgotten
    once: bool = False  # too dear for rounds

    @property
    def pool(self) -> Pool:
        """Its main workers."""
        return Pool(name=f"{self.workers} x prefork {self.slots}", slots=self.slots, workers=self.workers)

    @property
    def small(self) -> "Case":
        """The same in little."""
        return replace(
            self,
            history=min(self.history, max(1_000, self.history // 100)),
            symbols=min(self.symbols, max(20, self.symbols // 10)),
            feed_s=min(self.feed_s, 5.0),
            backlog=min(self.backlog, max(400, self.backlog // 100)),
            waiting=self.waiting // 50,
        )


def _symbols(number: int, *, once: bool = False) -> Case:
    # Of each symbol a bar waits behind another: draining is not only taking what is published already.
    length, backlog = (60.0, 2 * number) if once else (30.0, 3_000)
    name = f"{number:,} symbols"
    return Case(group="symbols", name=name, symbols=number, feed_s=length, backlog=backlog, once=once)


def _history(bars: int, *, once: bool = False) -> Case:
    name = f"history of {bars:,} bars"
    numbers = {"history": bars, "feed_s": 30.0, "backlog": 6_000}
    return Case(group="history", name=name, **numbers, detectors=CANDLESTICKS, once=once)  # type: ignore[arg-type]


def _blocked(name: str, number: int) -> Case:
    return Case(group="blocked", name=name, symbols=180, feed_s=30.0, blocked=number, waiting=1_000, detectors=FAULTY)


def _retention(name: str, keep_days: int) -> Case:
    return Case(group="retention", name=name, history=OLD_BARS, feed_s=60.0, keep_days=keep_days)


def _workers(number: int) -> Case:
    return Case(group="workers", name=f"{number} x 4 slots", workers=number, slots=4, backlog=3_000)


CASES = (
    _symbols(20),
    _symbols(100),
    _symbols(1_000),
    _symbols(5_000, once=True),
    _symbols(50_000, once=True),
    _history(1_000),
    _history(100_000),
    _history(10_000_000, once=True),
    Case(group="backlog", name="backlog of 100,000 bars", backlog=100_000, once=True),
    _blocked("180 symbols", 0),
    _blocked("180 beside 20 blocked ones with 1,000 bars each", 20),
    _retention(f"{OLD_BARS:,} old bars", 0),
    _retention(f"{OLD_BARS:,} old bars that are forgotten meanwhile", KEEP_DAYS),
    _workers(1),
    _workers(2),
    _workers(4),
)

GROUPS = tuple(dict.fromkeys(case.group for case in CASES))


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure every case, the dear ones once, the others `rounds` times; print and store."""
    _run(CASES, rounds=rounds, database=database, results=results)


def main() -> None:
    """Measure some groups of cases; or, for ourselves, one case whose figures go into a file."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description="What a bar costs as things grow.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}, or a case's name (all)")
    parser.add_argument("--rounds", type=int, default=3, help="of the cases that are not measured once (3)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    parser.add_argument("--small", action="store_true", help="each case in little, to see that it runs")
    parser.add_argument("--answer", type=Path, metavar="FILE", help="measure one case in this process")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.groups or {case.group, case.name} & set(options.groups)]
    if unknown := set(options.groups) - {name for case in chosen for name in (case.group, case.name)}:
        parser.error(f"no group or case is named {', '.join(sorted(unknown))}")
    cases = [case.small if options.small else case for case in chosen]
    if options.answer is None:
        _run(cases, rounds=options.rounds, database=options.database, results=options.results)
        return
    (case,) = cases
    settings = {"SCANNER_KEEP_BARS_DAYS": str(case.keep_days)}
    with scanner(options.database, partial(Scanner, settings=settings)) as own:
        options.answer.write_text(json.dumps(_measure(own, case)))


def _run(cases: Sequence[Case], *, rounds: int, database: str, results: Path) -> None:
    kind = "postgresql" if database else "sqlite"
    groups = "-".join(dict.fromkeys(case.group for case in cases))
    whole = "growth" if set(cases) == set(CASES) else f"growth-{groups}" if set(cases) <= set(CASES) else "growth-small"
    stored = f"{whole}-{kind}"
    rows: list[dict[str, Any]] = []
    for number in range(1, rounds + 1):
        for case in cases if number % 2 else reversed(cases):
            if number == 1 or not case.once:
                figures = _in_a_process(case, database)
                print(f"round {number} of {rounds}: {case.name}: {figures}", flush=True)  # noqa: T201
                rows.append({"database": kind, **asdict(case), "round": number, **figures})
                # After each: an hour's work is not lost with its last case.
                store(results, stored, rows, database=kind)
    print(f"\nGrowth, {kind}\n\n{tables.growth(rows)}\n")  # noqa: T201


def _in_a_process(case: Case, database: str) -> dict[str, float]:
    with TemporaryDirectory(prefix="bench-") as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.growth", case.name, "--database", database]
        small = ["--small"] if case not in CASES else []
        run_ourselves([*command, *small, "--answer", str(answer)])
        figures: dict[str, float] = json.loads(answer.read_text())
    return figures


def _measure(own: Scanner, case: Case) -> dict[str, float]:
    """A case's figures, on a scanner that has done nothing yet."""
    from benchmarks import feeding, history  # noqa: PLC0415 - models need Django set up

    figures: dict[str, float] = {}
    tickers = Load(symbols=case.symbols).tickers
    own.run_main(case.pool, case.detectors)
    if case.history:
        began = time.monotonic()
        history.write_history(tickers, case.history)
        figures["history_written_s"] = round(time.monotonic() - began, 1)
    feeder = feeding.Feeder(days_back=100)
    # A bar of each: once they are done, every symbol is there, and its queue is consumed.
    feeding.accept_all(feeder.bars(tickers, len(tickers)))
    feeding.wait_until_idle(tickers, patience_s=PATIENCE_S)
    if case.blocked:
        failing = [f"FAIL-{one}" for one in range(case.blocked)]
        feeding.accept_all(feeding.Feeder().bars(failing, case.blocked * case.waiting))
    if case.feed_s:
        forgotten = feeding.forgotten()
        figures |= _feed(feeder, tickers, case.feed_s)
        figures["forgotten"] = feeding.forgotten() - forgotten
        if case.keep_days and case in CASES and not figures["forgotten"]:
            raise RuntimeError(f"nothing was forgotten that is older than {case.keep_days} days")
    if case.backlog:
        figures |= _drain(own, case, feeder, tickers)
    # A worker that ended and was restarted explains a figure like no other.
    return {**figures, "restarts": sum(own.restarts.values()), "load_1m": load_average()}


def _feed(feeder: Any, tickers: list[str], seconds: float) -> dict[str, float]:
    """Percentiles of the latencies at RATE, and the rate that it came to."""
    feeder.feed(tickers, rate=RATE, seconds=WARM_S)
    latencies = feeder.feed(tickers, rate=RATE, seconds=seconds)
    return {"fed_bars": len(latencies), "fed_rate": round(feeder.fed_rate, 1), **percentiles(latencies)}


def _drain(own: Scanner, case: Case, feeder: Any, tickers: list[str]) -> dict[str, float]:
    """The rate of a drained backlog, also of its thirds, and the main workers' processor time of a bar."""
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    own.end_main()
    before = feeding.done()
    feeding.accept_all(feeder.bars(tickers, case.backlog))
    meter = Meter(lambda: feeding.done() - before, own.main_cpu_s, case.backlog)
    own.run_main(case.pool, case.detectors)
    looks = watch_backlog(meter.done, case.backlog, patience_s=PATIENCE_S, sleep=lambda _: time.sleep(LOOK_S))
    return {**_rates(looks, case.backlog), "cpu_ms": round(meter.cpu_ms, 2)}


def _rates(looks: Looks, bars: int) -> dict[str, float]:
    """Bars/s of the middle of a backlog, and of that part's thirds."""
    low, high = (edge * bars for edge in EDGES)
    third = (high - low) / 3
    parts = {"rate": (low, high)}
    for number, name in enumerate(("rate_first", "rate_middle", "rate_last")):
        parts[name] = (low + number * third, low + (number + 1) * third)
    return {name: round(rate_between(looks, *part), 1) for name, part in parts.items()}


if __name__ == "__main__":
    main()
