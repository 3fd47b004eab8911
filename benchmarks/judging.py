"""What traders' rules cost a running scanner: a backlog's rate and the latency at 100 bars/s, with 0, 20 and 200 rules.

The detectors of a normal installation are on; 20 symbols walk at random; every rule looks at every bar. The cases take
turns for some rounds, every second one in reverse. `benchmarks.rules` has the processor time of a rule alone.
`python -m benchmarks.judging [--rounds 3] [--rules 0 20 200]`
"""

import argparse
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import goal_tables
from benchmarks.engine import DETECTORS, Meter
from benchmarks.load import Load, percentiles, steady_rate, store
from benchmarks.own import PREFORK, Scanner, in_a_process, scanner
from benchmarks.rules import expressions

RATE = 100.0

HISTORY = 250
"""Bars of a symbol before anything is measured: the rules' windows are as long as they get."""

WARM_S = 3.0
"""Of a feed that is not measured: all processes have run a bar."""

DAYS_BACK = 3
"""Where the bars' times begin. A hit is stored only while its bar is young enough to be told: of a week, with these
rules."""


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.judging", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.judging", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", type=int, nargs="+", default=[0, 20, 200], help="numbers of rules (0 20 200)")
    parser.add_argument("--bars", type=int, default=3_000, help="of a backlog (3000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a feed (20)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, Scanner) as own:
        rows = _rows(_measure(own, options))
    print(f"\nRules on a running scanner, {kind}\n\n{goal_tables.judging(rows)}\n")  # noqa: T201
    store(options.results, f"judging-{kind}", rows, database=kind)


def _measure(own: Scanner, options: argparse.Namespace) -> dict[int, list[dict[str, float]]]:
    """The figures of each round, by the number of rules."""
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up
    from scanner_app.models import Hit  # noqa: PLC0415 - as above

    load, feeder = Load(bars=options.bars), feeding.Walker(days_back=DAYS_BACK)
    own.run_main(PREFORK, DETECTORS)
    feeder.accept(Load(bars=HISTORY * load.symbols))
    feeding.wait_until_idle(load.tickers)
    found: dict[int, list[dict[str, float]]] = {count: [] for count in options.rules}
    for number in range(options.rounds):
        for count in reversed(options.rules) if number % 2 else options.rules:
            own.end_main()
            _set_rules(count)
            done_before, hits_before = feeding.done(), Hit.objects.count()
            feeder.accept(load)
            meter = Meter(lambda before=done_before: feeding.done() - before, own.main_cpu_s, load.bars)  # type: ignore[misc]
            own.run_main(PREFORK, DETECTORS)
            rate = steady_rate(meter.done, load.bars)
            hits = Hit.objects.count() - hits_before
            feeder.feed(load.tickers, rate=RATE, seconds=WARM_S)
            figures = percentiles(feeder.feed(load.tickers, rate=RATE, seconds=options.seconds))
            one = {
                "rate": round(rate, 1),
                "cpu_ms": round(meter.cpu_ms, 2),
                "hits": round(hits / load.bars, 2),
                "fed_rate": round(feeder.fed_rate, 1),
                **figures,
            }
            found[count].append(one)
            print(f"round {number + 1} of {options.rounds}: {count} rules: {one}", flush=True)  # noqa: T201
    _must_not_have_failed()
    return found


def _set_rules(count: int) -> None:
    """So many rules in place of those that are there. No worker runs: none has the old ones in memory."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - models need Django set up
    from django.utils import timezone  # noqa: PLC0415 - as above

    from scanner_app.models import Rule  # noqa: PLC0415 - as above

    now = timezone.now()
    owner = User.objects.get(username="admin")
    Rule.objects.all().delete()
    Rule.objects.bulk_create(
        Rule(
            owner=owner,
            name=str(number),
            expression=text,
            timeframes=["1s"],
            tell_within_s=round(timedelta(days=7).total_seconds()),
            created_at=now,
            changed_at=now,
        )
        for number, text in enumerate(expressions(count))
    )


def _must_not_have_failed() -> None:
    """A rule that raised is off for its series from then on: the figures would be of fewer rules."""
    from scanner_app.models import RuleFailure  # noqa: PLC0415 - models need Django set up

    if failure := RuleFailure.objects.first():
        raise RuntimeError(f"{RuleFailure.objects.count()} rules failed, one of them with {failure.error}")


def _rows(found: dict[int, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """A row of medians for each number of rules, with its ratios to the first."""
    rows: list[dict[str, Any]] = [
        {
            "rules": count,
            **{name: round(median(one[name] for one in rounds), 2) for name in rounds[0]},
            "rate_rounds": [one["rate"] for one in rounds],
            "p95_rounds_ms": [one["p95_ms"] for one in rounds],
        }
        for count, rounds in found.items()
    ]
    for row in rows:
        row["rate_ratio"] = round(row["rate"] / rows[0]["rate"], 2)
        row["p95_ratio"] = round(row["p95_ms"] / rows[0]["p95_ms"], 2)
    return rows


if __name__ == "__main__":
    main()
