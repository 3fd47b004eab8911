"""`python -m benchmarks [NAME…]`: run measurements; all of them without names, on both databases."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import django

ON_REQUEST = {"memory", "footprint", "snapshot", "day", "feeds", "recovery"}
"""Measured only when they are named: up to an hour for one figure."""

TIMED = {"memory": 60, "footprint": 60, "snapshot": 30, "day": 20, "feeds": 4, "recovery": 10}
"""Minutes of those that are measured once, unless --minutes says otherwise."""

SERVER_ALONE = {"scaling", "peers", "snapshot"}
"""Measured on PostgreSQL alone: SQLite has no further hosts, and no snapshots that stay."""


def main() -> None:
    """Parse, set Django up, run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    django.setup()
    from benchmarks import (  # noqa: PLC0415 - models need Django set up
        broken_detector,
        databases,
        day,
        derived,
        engine,
        feeds,
        footprint,
        growth,
        ingest,
        isolation,
        judging,
        memory,
        opening,
        pages,
        recovery,
        revising,
        scaling,
        snapshot,
        status,
        streams,
        watching,
    )
    from benchmarks.own import end_cleanly  # noqa: PLC0415
    from benchmarks.peers import driver as peers  # noqa: PLC0415

    measurements: dict[str, Callable[..., None]] = {
        "engine": engine.run,
        "ingest": ingest.run,
        "opening": opening.run,
        "status": status.run,
        "growth": growth.run,
        "isolation": isolation.run,
        "judging": judging.run,
        "streams": streams.run,
        "broken-detector": broken_detector.run,
        "revising": revising.run,
        "memory": memory.run,
        "footprint": footprint.run,
        "snapshot": snapshot.run,
        "day": day.run,
        "feeds": feeds.run,
        "derived": derived.run,
        "recovery": recovery.run,
        "pages": pages.run,
        "peers": peers.run,
        "scaling": scaling.run,
        "watching": watching.run,
    }
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measurements, described in benchmarks/README.md.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(measurements)} (all but the long ones)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="times that each case is measured (3)")
    parser.add_argument("--database", default="both", metavar="D", help=f"{databases.HELP} (both)")
    parser.add_argument(
        "--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER", help="for JSON (var/benchmarks)"
    )
    parser.add_argument("--minutes", type=int, help=f"of {', '.join(TIMED)}, which have no rounds")
    options = parser.parse_args()
    if unknown := set(options.names) - set(measurements):
        parser.error(f"no measurement is named {', '.join(sorted(unknown))}")
    end_cleanly()
    for kind, server in databases.servers(options.database).items():
        for name in options.names or [name for name in measurements if name not in ON_REQUEST]:
            if kind == "sqlite" and name in SERVER_ALONE:
                continue
            more = {"minutes": options.minutes or TIMED[name]} if name in TIMED else {}
            print(f"\n== {name}, {kind}", flush=True)  # noqa: T201
            with databases.own_database(server) as database:
                measurements[name](rounds=options.rounds, database=database, results=options.results, **more)


main()
