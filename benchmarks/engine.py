"""What a bar costs beside Celery's own limit: backlogs that are drained, and latencies of feeds.

ceiling   tasks that do nothing, over the same queues, broker and pool
bare      tasks that store the same result in one statement, with no guarantee at all
ours      the whole state machine without detectors; and with those that ship

All on one scanner with one database and one broker, its main workers exchanged from case to case. A backlog is
there before its workers start. The cases take turns for some rounds, every second one in reverse. Beside each rate
stands the processor time that the main workers spent on a task: a busy machine changes it less than the rate.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import tables
from benchmarks.load import EDGES, Load, percentiles, steady_rate, store
from benchmarks.own import POOLS, PREFORK, STOCK, Pool, Scanner, in_a_process, scanner
from benchmarks.tables import BARE, CEILING, DETECTING, OURS

DETECTORS = "scanner_app.detectors.candlesticks.Candlesticks,scanner_app.detectors.wyckoff.Wyckoff"
"""Those of a normal installation."""

FEEDS = {"100/s, spread": (100.0, 0), "100/s, bursts of 20": (100.0, 20), "80 % of our ceiling, spread": (0.0, 0)}
"""Bars a second and bars of a burst; a rate of 0 comes from the ceiling."""

PART = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of task on one kind of pool."""

    what: str
    pool: Pool

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.what} | {self.pool.name}"


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drained backlog showed."""

    rate: float  # tasks/s
    cpu_ms: float  # of the main workers, a task


class Meter:
    """Looks at a backlog, and at what its workers have cost, over the same part of it as the rate."""

    def __init__(self, done: Callable[[], int], cpu_s: Callable[[], float], total: int) -> None:
        self._done = done
        self._cpu_s = cpu_s
        self._edges = [edge * total for edge in EDGES]
        self._seen: list[tuple[int, float]] = []  # tasks and seconds, at each edge

    def done(self) -> int:
        """How much of the backlog is done."""
        count = self._done()
        if len(self._seen) < len(self._edges) and count >= self._edges[len(self._seen)]:
            self._seen.append((count, self._cpu_s()))
        return count

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time a task."""
        (low, began_s), (high, ended_s) = self._seen
        return 1000 * (ended_s - began_s) / (high - low)


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.engine", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.engine", description="A bar beside Celery's own limit.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"))
    parser.add_argument("--bars", type=int, default=3_000, help="of a backlog (3000)")
    parser.add_argument("--pools", type=int, default=len(POOLS), help="kinds of pool, beginning with plain prefork")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a feed (20)")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    load = Load(bars=options.bars)
    with scanner(options.database, Scanner) as own:
        found = _drain(own, load, options)
        drained = _drained_rows(found)
        print(f"\nBacklogs drained, {kind}\n\n{tables.engine(drained, kind)}\n")  # noqa: T201
        store(options.results, f"engine-{kind}", drained, database=kind)
        fed = _feed(own, load, options.rounds, options.seconds)
    print(f"\nLatencies, {kind}, {PREFORK.name}\n\n{tables.latency(fed)}\n")  # noqa: T201
    store(options.results, f"engine-latency-{kind}", fed, database=kind)


def _cases(pools: int) -> Iterator[Case]:
    for what in (CEILING, BARE):
        yield Case(what=what, pool=STOCK)
    for pool in POOLS[:pools]:
        for what in (CEILING, BARE, OURS):
            yield Case(what=what, pool=pool)
    yield Case(what=DETECTING, pool=PREFORK)


def _drain(own: Scanner, load: Load, options: argparse.Namespace) -> dict[str, list[Drained]]:
    """What each case showed, by its name."""
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    feeder = feeding.Feeder()
    feeder.accept(load)  # makes the symbols and all caches warm, and its bars are what `bare` stores again
    feeding.wait_until_idle(load.tickers)
    found: dict[str, list[Drained]] = {}
    for number in range(options.rounds):
        cases = list(_cases(options.pools))
        for case in reversed(cases) if number % 2 else cases:
            own.end_main()
            own.queues = [f"symbol.{ticker}" for ticker in load.tickers]
            meter = Meter(_backlog(own, load, feeder, case.what), own.main_cpu_s, load.bars)
            own.run_main(case.pool, DETECTORS if case.what == DETECTING else "")
            one = Drained(steady_rate(meter.done, load.bars), meter.cpu_ms)
            found.setdefault(case.name, []).append(one)
            label = f"round {number + 1} of {options.rounds}: {case.name}"
            print(f"{label}: {one.rate:,.0f}/s, {one.cpu_ms:.2f} ms", flush=True)  # noqa: T201
    return found


def _backlog(own: Scanner, load: Load, feeder: Any, what: str) -> Callable[[], int]:
    """Let a backlog wait; how to see how much of it is done."""
    from benchmarks import feeding, plain  # noqa: PLC0415 - models need Django set up
    from scanner_app.models import Bar  # noqa: PLC0415

    if what in {OURS, DETECTING}:
        before = feeding.done()
        feeder.accept(load)
        return lambda: feeding.done() - before
    ids = Bar.objects.filter(status="processed").order_by("-id").values_list("id", flat=True)[: load.bars]
    for place, bar_id in enumerate(ids):
        ticker = load.tickers[place % load.symbols]
        plain.publish(plain.NOTHING_TASK if what == CEILING else plain.STORE_TASK, ticker, bar_id)
    broker = own.broker()

    def done() -> int:
        with broker.pipeline(transaction=False) as pipe:
            for ticker in load.tickers:
                pipe.llen(f"symbol.{ticker}")
            waiting: list[int] = pipe.execute()
        return load.bars - sum(waiting)

    return done


def _feed(own: Scanner, load: Load, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Percentiles of each feed's latencies, over all rounds, with the rounds' p95s.

    Our own ceiling is that of the whole path: accepting takes the same cores as working off.
    """
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    feeder = feeding.Feeder(days_back=200)
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(rounds):
        for what, detectors in ((OURS, ""), (DETECTING, DETECTORS)):
            own.run_main(PREFORK, detectors)
            feeder.feed(load.tickers, rate=100, seconds=3)  # all processes have started and are warm
            ceiling = feeder.through(load)
            for name, (given, burst) in FEEDS.items():
                rate = given or PART * ceiling
                figures = percentiles(feeder.feed(load.tickers, rate=rate, seconds=seconds, burst=burst))
                figures["rate"] = round(rate)
                found.setdefault((what, name), []).append(figures)
                print(f"round {number + 1} of {rounds}: {what}, {name}: {figures}", flush=True)  # noqa: T201
    return [
        {
            "case": what,
            "feed": name,
            **{each: median(one[each] for one in figures) for each in figures[0]},
            "p95_rounds_ms": [one["p95_ms"] for one in figures],
        }
        for (what, name), figures in found.items()
    ]


def _drained_rows(found: dict[str, list[Drained]]) -> list[dict[str, Any]]:
    rates = {name: median(one.rate for one in all_) for name, all_ in found.items()}
    prefork, celery = (rates[Case(what=CEILING, pool=pool).name] for pool in (PREFORK, STOCK))
    return [
        {
            "case": case.what,
            "pool": case.pool.name,
            "rate": round(rates[case.name]),
            "rounds": [round(one.rate) for one in found[case.name]],
            "cpu_ms": round(median(one.cpu_ms for one in found[case.name]), 2),
            "of_own_ceiling": round(rates[case.name] / rates[Case(what=CEILING, pool=case.pool).name], 2),
            "of_prefork_ceiling": round(rates[case.name] / prefork, 2),
            "of_celery_ceiling": round(rates[case.name] / celery, 2),
            "time_limits": case.pool.kind == "prefork",
        }
        for case in _cases(len(POOLS))
        if case.name in found
    ]


if __name__ == "__main__":
    main()
