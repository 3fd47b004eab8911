"""What the measurements have in common: which symbols, how a backlog's rate is read, where results go. No Django."""

import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOOK_S = 0.05
"""Between two looks at how far a backlog has been worked off."""

EDGES = (0.1, 0.9)
"""The part of a backlog whose rate counts: before it processes start, after it some symbols are through already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many bars, of the symbols in turn."""

    symbols: int = 20
    bars: int = 3_000  # of all symbols together

    @property
    def tickers(self) -> list[str]:
        """The symbols' names."""
        return [f"B{number:05d}" for number in range(1, self.symbols + 1)]


Looks = list[tuple[float, int]]
"""Seconds since the first look, and bars that were done by then."""


def watch_backlog(
    done: Callable[[], int],
    total: int,
    *,
    patience_s: float = 300.0,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> Looks:
    """Look at a backlog that is being worked off until all is done.

    `done` says how many bars are. It is asked often: it must cost next to nothing. Raises TimeoutError.
    """
    began = clock()
    looks: Looks = []
    while True:
        count = done()
        looks.append((clock() - began, count))
        if count >= total:
            return looks
        if looks[-1][0] > patience_s:
            raise TimeoutError(f"{count} of {total} bars are done after {patience_s:g} s")
        sleep(LOOK_S)


def rate_between(looks: Looks, low: float, high: float) -> float:
    """Bars/s from the look at which at most `low` bars were done to that at which `high` were."""
    first = max((look for look in looks if look[1] <= low), default=looks[0])
    last = next(look for look in looks if look[1] >= high)
    return (last[1] - first[1]) / (last[0] - first[0])


def steady_rate(
    done: Callable[[], int],
    total: int,
    *,
    patience_s: float = 300.0,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> float:
    """Bars/s of a backlog that is being worked off, over the middle of it; returns once all is done.

    As watch_backlog.
    """
    looks = watch_backlog(done, total, patience_s=patience_s, clock=clock, sleep=sleep)
    low, high = (round(edge * total) for edge in EDGES)
    return rate_between(looks, low, high)


def percentiles(latencies_s: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in ms, to a tenth."""
    if len(latencies_s) == 1:  # of which quantiles() knows none
        latencies_s = [*latencies_s, *latencies_s]
    cuts = statistics.quantiles(latencies_s, n=100, method="inclusive")
    return {f"p{percent}_ms": round(1000 * cuts[percent - 1], 1) for percent in (50, 95, 99)}


def store(results: Path, name: str, rows: Sequence[dict[str, Any]], *, database: str = "") -> None:
    """Write the results, the kind of database, and when and on what they were measured."""
    results.mkdir(parents=True, exist_ok=True)
    stored = {"machine": machine(datetime.now(UTC)), "database": database, "rows": list(rows)}
    (results / f"{name}.json").write_text(json.dumps(stored, indent=1))


def walked(before: float, chance: random.Random) -> dict[str, float]:
    """The prices and volume of a bar after one that closed at `before`."""
    close = max(1.0, before * (1 + chance.gauss(0, 0.003)))
    spread = abs(chance.gauss(0, 0.002)) * before
    extremes = {"high": max(before, close) + spread, "low": min(before, close) - spread}
    return {"open": before, **extremes, "close": close, "volume": float(chance.randint(1_000, 9_000))}


def load_average() -> float:
    """Of the last minute: how many processes ran or wanted to."""
    return os.getloadavg()[0]


def machine(now: datetime) -> dict[str, Any]:
    """What a measurement that ends now has run on. The load is the measurement's own too."""
    return {
        "date": now.astimezone(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "load": " ".join(f"{average:.2f}" for average in os.getloadavg()),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }
