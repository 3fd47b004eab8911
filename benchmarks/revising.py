"""What a long series that is revised costs live bars: as after a split, all of its values change.

One symbol has a long history. 100 bars/s of twenty symbols are fed, the revised one among them: first undisturbed, then
while new values of its whole history are sent, and the re-run looks at it again. Shown are the latencies of the revised
symbol and of the others, how quickly the new values are taken, and how quickly the re-run goes meanwhile.
`python -m benchmarks.revising [--bars 100000] [--seconds 60]`
"""

import argparse
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import goal_tables
from benchmarks.engine import DETECTORS
from benchmarks.load import percentiles, store
from benchmarks.own import ALL_PROCESSES, PREFORK, Scanner, in_a_process, scanner

RATE = 100.0

SYMBOLS = 20

FIGURES = (
    ("fed_rate", "bars/s that were fed"),
    ("others_p50_ms", "the others' bars, p50 ms"),
    ("others_p95_ms", "p95 ms"),
    ("others_worst_ms", "worst ms"),
    ("own_p50_ms", "bars of the revised symbol, p50 ms"),
    ("own_p95_ms", "p95 ms"),
    ("own_worst_ms", "worst ms"),
)

HISTORY_AGE = timedelta(days=1)
"""The history was accepted long before; what is fed now is not."""

CALL = 2_000
"""Bars of a call that brings new values, as `replay --revise` sends them."""


def run(*, rounds: int, database: str, results: Path) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own."""
    in_a_process("benchmarks.revising", database=database, results=results)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.revising", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bars", type=int, default=100_000, help="of the revised series (100000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each feed (60)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, WithReruns) as own:
        rows = _measure(own, options.bars, options.seconds)
    print(f"\nA series of {options.bars:,} bars is revised, {kind}\n\n{goal_tables.revising(rows)}\n")  # noqa: T201
    store(options.results, f"revising-{kind}", rows, database=kind)


class WithReruns(Scanner):
    """A scanner that also has the workers that look again."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url, {"SCANNER_DETECTORS": DETECTORS})
        self.processes: Mapping[str, int] = ALL_PROCESSES


def _measure(own: Scanner, bars: int, seconds: float) -> list[dict[str, Any]]:
    from benchmarks import feeding, history  # noqa: PLC0415 - models need Django set up
    from scanner_app.models import Rerun  # noqa: PLC0415 - as above

    own.run_main(PREFORK, DETECTORS)
    history.write_history(["LONG"], bars)
    tickers = ["LONG", *(f"S{number:02}" for number in range(1, SYMBOLS))]
    feeder = feeding.Walker(days_back=100)
    feeding.accept_all(feeder.bars(tickers, 2 * SYMBOLS))
    feeding.wait_until_idle(tickers)
    undisturbed = _latencies(feeder, tickers, seconds)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_revise_all)
        began = time.monotonic()
        revised = _latencies(feeder, tickers, seconds)
        lasted_s = time.monotonic() - began
        done = Rerun.objects.filter(symbol__ticker="LONG").values_list("bars_done", flat=True).first()
        taken, taken_s = sending.result()
    looked_at = bars if done is None else done
    return [
        *({"figure": words, "undisturbed": undisturbed[name], "revised": revised[name]} for name, words in FIGURES),
        {"figure": "new values", "undisturbed": None, "revised": taken},
        {
            "figure": "new values taken a second",
            "undisturbed": None,
            "revised": round(taken / taken_s),
        },
        {"figure": "bars looked at again a second", "undisturbed": None, "revised": round(looked_at / lasted_s)},
        {"figure": "restarts of workers", "undisturbed": None, "revised": sum(own.restarts.values())},
    ]


def _latencies(feeder: Any, tickers: list[str], seconds: float) -> dict[str, Any]:
    """Percentiles (ms) of the bars of a feed: those of the revised symbol, and those of the others."""
    from django.utils import timezone  # noqa: PLC0415 - needs Django set up

    from benchmarks.feeding import SETTLE_S  # noqa: PLC0415 - models need Django set up
    from scanner_app.models import Bar  # noqa: PLC0415 - as above

    began = timezone.now()
    feeder.feed(tickers, rate=RATE, seconds=seconds)
    fed = Bar.objects.filter(symbol__ticker__in=tickers, accepted_at__gt=began, revised=False).exclude(finished_at=None)
    times = list(fed.values_list("symbol__ticker", "accepted_at", "finished_at"))
    found: dict[str, Any] = {"fed_rate": round(feeder.fed_rate, 1)}
    for name, chosen in (("own", {"LONG"}), ("others", set(tickers) - {"LONG"})):
        waits = [
            (finished - accepted).total_seconds()
            for ticker, accepted, finished in times
            if finished is not None and ticker in chosen and (accepted - began).total_seconds() > SETTLE_S
        ]
        found |= {f"{name}_{key}": value for key, value in percentiles(waits).items()}
        found[f"{name}_worst_ms"] = round(1000 * max(waits), 1)
    return found


def _revise_all() -> tuple[int, float]:
    """Send new values of all of the history, a quarter of the old ones, oldest first; how many, and how long (s)."""
    from django.db import connection  # noqa: PLC0415 - needs Django set up
    from django.utils import timezone  # noqa: PLC0415 - as above

    from scanner_app.domain.bars import VALUES  # noqa: PLC0415 - as above
    from scanner_app.engine import ingest  # noqa: PLC0415 - as above
    from scanner_app.models import Bar  # noqa: PLC0415 - as above

    began, taken, after = time.monotonic(), 0, 0
    series = Bar.objects.filter(symbol__ticker="LONG", accepted_at__lt=timezone.now() - HISTORY_AGE)
    try:
        while rows := list(series.filter(pk__gt=after).order_by("pk").values("pk", "timestamp", *VALUES)[:CALL]):
            after = rows[-1]["pk"]
            sent = [
                {"symbol": "LONG", "timeframe": "1s", "timestamp": row["timestamp"]}
                | {name: row[name] / 4 for name in VALUES}
                for row in rows
            ]
            report = ingest.accept(sent, now=timezone.now(), revising=True, source="benchmark")
            if report.revised != len(sent):
                raise RuntimeError(f"of {len(sent)} bars {report.revised} were revised: {report.rejected[:1]}")
            taken += report.revised
    finally:
        connection.close()
    return taken, time.monotonic() - began


if __name__ == "__main__":
    main()
