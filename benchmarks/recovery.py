"""Faults on a scanner with a live feed: how long until all bars are done again, and what became of every bar.

A venue of our own sends bars of one second; feed, workers, broker and database's server are killed or stopped in random
order. After each fault the run waits until all bars are done in time again, and then a little more. At the end every
bar of the venue must be stored once, in order, with its values, processed, with one signal; each hole in the ledger has
ended rightly, and `manage.py verify` finds nothing. The seed decides the order: `python -m benchmarks.recovery
[--minutes 10] [--seed 31]`; short: `--minutes 1.5`. On PostgreSQL it starts a server of its own, which it may stop.
"""

import argparse
import os
import random
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import feed_account, feed_tables, venue
from benchmarks.footprint import free_port
from benchmarks.load import load_average, store
from benchmarks.own import MAIN, PREFORK, Scanner, end_cleanly, in_a_process, scanner
from scanner_app.domain.worker_roles import Role
from scanner_app.tools.chaos import plan, stack
from scanner_app.tools.chaos.faults import Faults

INTERVAL, SYMBOLS = "1s", 20
SECOND = timedelta(seconds=1)

GRACE_S = 2.0
"""A bar is in time if it is done within this of its period's end."""

IN_TIME_S = 6.0
"""For so long all bars must be in time before the next fault: bars of a killed feed are late only after GRACE_S."""

BETWEEN_S = (0.5, 4.0)
"""A random pause after that."""

PATIENCE_S = 180.0

AWAY_S = (0.5, 5.0)
"""How long a server is away."""

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that happened. Times in unix s."""

    kind: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How long a fault lasted for the bars."""

    recovered_s: float  # from the fault's end until the last bar was done that it made late; 0: it made none late
    longest_s: float  # from a bar's end until it was done


def run(*, rounds: int, database: str, results: Path, minutes: float = 10.0) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own; of the database only its kind counts."""
    kind = "postgresql" if database else "sqlite"
    in_a_process("benchmarks.recovery", database=kind, results=results, minutes=minutes)


def main() -> None:
    """Parse, make the run, judge, print, store. The exit status is 1 if a bar is not as it should be."""
    parser = argparse.ArgumentParser(prog="benchmarks.recovery", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long faults strike (10)")
    parser.add_argument("--seed", type=int, help="of the faults' order; without it a random one, which is printed")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    end_cleanly()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)  # noqa: T201
    server = _server() if options.database == "postgresql" else None
    port = free_port()
    settings = venue.settings(port=port, symbols=SYMBOLS, interval=INTERVAL)
    with scanner(server.url if server else "", lambda folder, url: Scanner(folder, url, settings)) as own:
        own.run_main(PREFORK, ",".join(stack.DETECTORS))
        venue.add_to(own, port=port, symbols=SYMBOLS, interval=INTERVAL)
        rows, faults = _Run(own, server, seed).make(60 * options.minutes)
    common = {"database": options.database, "seed": seed, "minutes": options.minutes, "load_1m": load_average()}
    print(f"\nRecovery, {options.database}, seed {seed}\n\n{feed_tables.recovery(rows)}\n")  # noqa: T201
    store(
        options.results, f"recovery-{options.database}", [{**common, **row} for row in rows], database=options.database
    )
    if faults:
        raise SystemExit(f"seed {seed}: these are wrong:\n" + "\n".join(faults[:20]))
    print("GOOD: every bar of the venue is stored once, in order, with its values, and processed once")  # noqa: T201


def _server() -> Any:
    from tests.servers import PostgreSQLServer  # noqa: PLC0415 - of the tests' packages

    return PostgreSQLServer(Path(tempfile.mkdtemp(prefix="bench-pg-")))


class _Run:
    """One run on a scanner that is ready. `server` is the database's; None: SQLite."""

    def __init__(self, own: Scanner, server: Any, seed: int) -> None:
        self._own = own
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._server = server
        self._faults = Faults(own, None, seed, lambda: None)
        self._struck: list[Struck] = []

    def make(self, seconds: float) -> tuple[list[dict[str, Any]], list[str]]:
        """A row of each fault, and what is wrong with the bars."""
        self._own.start("venue")
        self._own.start("feed")
        # Bars count from two seconds on: those before may come with the feed's join, by history.
        self._since = datetime.now(UTC).replace(microsecond=0) + 2 * SECOND
        self._wait_until_in_time("the feed has begun")
        until = time.time() + seconds
        for kind, act in self._acts():
            if time.time() > until:
                break
            began = time.time()
            act()
            self._struck.append(Struck(kind, began, time.time()))
            took = self._wait_until_in_time(f"recovered from {kind}")
            print(f"{kind}: away for {self._struck[-1].ended - began:.1f} s, calm after {took:.1f} s", flush=True)  # noqa: T201
            time.sleep(self._dice.uniform(*BETWEEN_S))
        over = datetime.now(UTC).replace(microsecond=0)
        self._wait_until_in_time("all is done")
        self._own.end("feed", signal.SIGTERM)
        found = feed_account.Account(venue.Made(venue.names(SYMBOLS), INTERVAL), INTERVAL, self._since, over)
        rows = [{**asdict(one), **asdict(took)} for one, took in self._recovered()]
        print(f"{found.bars} bars, of which {found.late} came late; {found.holes} holes", flush=True)  # noqa: T201
        print(f"restarts: {dict(sorted(self._own.restarts.items()))}", flush=True)  # noqa: T201
        return rows, [*found.faults, *(f"verify: {symbol}: {text}" for symbol, text in self._own.verify().items())]

    # --- Faults

    def _acts(self) -> Iterator[tuple[str, Act]]:
        """Every kind once in random order, then again, without end."""
        kinds = plan.Kind
        while True:
            times, away_s = self._dice.randint(1, 3), partial(self._dice.uniform, *AWAY_S)
            known: dict[str, Act] = {
                "kill_feed": lambda: os.kill(self._own.pid("feed"), signal.SIGKILL),
                "kill_worker": lambda: os.killpg(self._own.pid(MAIN), signal.SIGKILL),
                "kill_child": partial(self._strike, kinds.KILL_CHILD, times=times),
                "stop_broker": partial(self._strike, kinds.STOP_BROKER, lasts_s=away_s()),
                "kill_broker": partial(self._strike, kinds.KILL_BROKER, lasts_s=away_s()),
            }
            if self._server is None:
                known["lock_database"] = partial(self._strike, kinds.CUT_DATABASE, lasts_s=away_s())
            else:
                known["stop_database"] = partial(self._database_away, "fast", away_s())
                known["kill_database"] = partial(self._database_away, "immediate", away_s())
            yield from self._dice.sample(list(known.items()), len(known))

    def _strike(self, kind: plan.Kind, *, lasts_s: float = 0.0, times: int = 1) -> None:
        self._faults.strike(plan.Fault(at_s=0, kind=kind, lasts_s=lasts_s, worker=Role.MAIN, times=times))

    def _database_away(self, mode: str, lasts_s: float) -> None:
        self._server.stop(mode)
        time.sleep(lasts_s)
        self._server.start()

    # --- Recovery

    def _wait_until_in_time(self, what: str) -> float:
        """Return once all bars have been in time for a while; the seconds that it took until then."""
        began = calm_since = time.monotonic()
        while time.monotonic() < calm_since + IN_TIME_S:
            if not self._is_in_time():
                calm_since = time.monotonic()
            if time.monotonic() > began + PATIENCE_S:
                raise TimeoutError(f"not within {PATIENCE_S:g} s: {what}")
            time.sleep(0.2)
        return calm_since - began

    def _is_in_time(self) -> bool:
        """Whether all bars are done that ended GRACE_S ago, and no hole is open."""
        from django.db import connection  # noqa: PLC0415 - models need Django set up

        from scanner_app.models import Bar, Gap  # noqa: PLC0415
        from scanner_app.workers.outages import AWAY  # noqa: PLC0415

        until = datetime.now(UTC) - timedelta(seconds=GRACE_S)
        wanted = int((until - self._since).total_seconds())  # seconds that ended by then
        mine = Bar.objects.filter(timestamp__gte=self._since, timestamp__lt=self._since + wanted * SECOND)
        try:
            done = mine.filter(timeframe=INTERVAL, status="processed").count()
            return wanted > 0 and done == wanted * SYMBOLS and not Gap.objects.filter(state="open").exists()
        except AWAY:
            connection.close()
            return False

    def _recovered(self) -> Iterator[tuple[Struck, Recovery]]:
        from scanner_app.models import Bar  # noqa: PLC0415 - models need Django set up

        rows = Bar.objects.filter(timestamp__gte=self._since, finished_at__isnull=False)
        times = [
            ((opened + SECOND).timestamp(), done.timestamp())
            for opened, done in rows.values_list("timestamp", "finished_at")
            if done is not None
        ]
        return zip(self._struck, recoveries(self._struck, times), strict=True)


def recoveries(struck: Sequence[Struck], bars: Sequence[tuple[float, float]]) -> list[Recovery]:
    """What the bars show of each fault. Of a bar: when its period ended, and when it was done.

    All times in unix s, the faults in their order.
    """
    found = []
    for place, one in enumerate(struck):
        # A bar that ended just before a fault may be late by that fault.
        following = struck[place + 1].began - GRACE_S if place + 1 < len(struck) else float("inf")
        mine = [(ended, done) for ended, done in bars if one.began - GRACE_S <= ended < following and done > one.began]
        late = [done for ended, done in mine if done > max(ended + GRACE_S, one.ended)]
        longest_s = max((done - ended for ended, done in mine), default=0.0)
        recovered_s = max(late, default=one.ended) - one.ended
        found.append(Recovery(recovered_s=round(recovered_s, 1), longest_s=round(longest_s, 1)))
    return found


if __name__ == "__main__":
    main()
