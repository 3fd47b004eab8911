"""What derived timeframes cost: the same one-minute bars without any, and with 5m and 1h made from them.

Backlogs that are drained, and 100 bars/s of 20 symbols, with the detectors that ship. The rates and latencies are those
of the one-minute bars. Each case on a fresh scanner, in a process of its own; the cases take turns, every second round
in reverse. `python -m benchmarks.derived [--rounds 3]`; short: `--rounds 1 --bars 600 --seconds 8`
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import databases, feed_tables
from benchmarks.engine import DETECTORS, Meter
from benchmarks.load import EDGES, Load, load_average, percentiles, rate_between, store, watch_backlog
from benchmarks.own import PREFORK, Scanner, in_a_process, run_ourselves, scanner

CASES = {"none derived": "", "5m and 1h from 1m": "1m=5m,1h"}
"""By name, the value of SCANNER_DERIVE."""

CALENDARS = "*=24/7"
"""The bars come at night and on Sundays too: without it the symbols would be New York shares, and most not derived."""

RATE = 100.0
WARM_S = 3.0
PATIENCE_S = 1_800.0


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.derived", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store; or measure one case."""
    parser = argparse.ArgumentParser(prog="benchmarks.derived", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bars", type=int, default=6_000, help="of a backlog (6000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the feed (60)")
    parser.add_argument("--database", default="", metavar="D", help="empty or sqlite; postgresql; or a server's URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    parser.add_argument("--case", choices=list(CASES), help="only this one, once; for ourselves")
    parser.add_argument("--answer", type=Path, metavar="FILE", help="of its figures; for ourselves")
    options = parser.parse_args()
    kind, server = next(iter(databases.servers(options.database).items()))
    if options.case:
        settings = {"SCANNER_DERIVE": CASES[options.case], "SCANNER_CALENDARS": CALENDARS}
        with scanner(server, lambda folder, url: Scanner(folder, url, settings)) as own:
            options.answer.write_text(json.dumps(_measure(own, options)))
        return
    rows = []
    for number in range(options.rounds):
        for case in reversed(CASES) if number % 2 else CASES:
            figures = _in_a_process(case, server, options)
            print(f"round {number + 1} of {options.rounds}: {case}: {figures}", flush=True)  # noqa: T201
            rows.append({"database": kind, "case": case, **figures})
    rows.sort(key=lambda row: list(CASES).index(row["case"]))
    print(f"\nDerived timeframes, {kind}\n\n{feed_tables.derived(rows)}\n")  # noqa: T201
    store(options.results, f"derived-{kind}", rows, database=kind)


def _in_a_process(case: str, server: str, options: argparse.Namespace) -> dict[str, Any]:
    with TemporaryDirectory(prefix="bench-") as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.derived", "--case", case, "--answer", str(answer)]
        sizes = ["--bars", str(options.bars), "--seconds", str(options.seconds)]
        run_ourselves([*command, *sizes, "--database", server])
        figures: dict[str, Any] = json.loads(answer.read_text())
    return figures


def _measure(own: Scanner, options: argparse.Namespace) -> dict[str, Any]:
    """One case's figures, on a scanner that has done nothing yet."""
    from django.utils import timezone  # noqa: PLC0415 - models need Django set up

    from benchmarks import feeding  # noqa: PLC0415
    from scanner_app.models import Bar  # noqa: PLC0415

    began = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=100)
    newest: dict[str, datetime] = {}

    class Minutes(feeding.Feeder):
        """One-minute bars, of each symbol one after the other."""

        def bars(self, tickers: Sequence[str], number: int) -> list[dict[str, object]]:
            """See Feeder: there the bars of all symbols are a second apart."""
            made = super().bars(tickers, number)
            for bar in made:
                ticker = str(bar["symbol"])
                newest[ticker] = newest.get(ticker, began) + timedelta(minutes=1)
                bar |= {"timeframe": "1m", "timestamp": newest[ticker]}
            return made

    feeder = Minutes()
    tickers = Load().tickers
    own.run_main(PREFORK, DETECTORS)
    feeder.feed(tickers, rate=RATE, seconds=WARM_S)
    since = timezone.now()
    feeder.feed(tickers, rate=RATE, seconds=options.seconds)
    rows = Bar.objects.filter(accepted_at__gte=since, status="processed").values_list(
        "derived", "accepted_at", "finished_at"
    )
    took: dict[bool, list[float]] = {False: [], True: []}
    for is_derived, accepted, finished in rows:
        if finished is not None:
            took[is_derived].append((finished - accepted).total_seconds())
    if bool(took[True]) is not bool(CASES[options.case]):
        raise RuntimeError(f"{len(took[True])} derived bars with SCANNER_DERIVE={CASES[options.case]!r}")
    own.end_main()
    feeding.accept_all(feeder.bars(tickers, options.bars))
    waiting = Bar.objects.filter(timeframe="1m", status="waiting")
    meter = Meter(lambda: options.bars - waiting.count(), own.main_cpu_s, options.bars)
    own.run_main(PREFORK, DETECTORS)
    looks = watch_backlog(meter.done, options.bars, patience_s=PATIENCE_S)
    feeding.wait_until_idle(tickers)
    return {
        "rate": round(rate_between(looks, *(edge * options.bars for edge in EDGES)), 1),
        "cpu_ms": round(meter.cpu_ms, 2),
        **percentiles(took[False]),
        "derived_p95_ms": percentiles(took[True])["p95_ms"] if took[True] else None,
        "derived_share": round(len(took[True]) / len(took[False]), 3),
        "fed_rate": round(feeder.fed_rate, 1),
        "load_1m": load_average(),
    }


if __name__ == "__main__":
    main()
