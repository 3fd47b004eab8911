"""`python -m benchmarks [NAME…]`: run measurements; all of them without names."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import django

ON_REQUEST = {"memory"}
"""Measured only when they are named: an hour for one figure."""


def main() -> None:
    """Parse, set Django up, run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    django.setup()
    from benchmarks import engine, growth, ingest, isolation, memory, pages, scaling, watching  # noqa: PLC0415 - models need Django set up
    from benchmarks.peers import driver as peers  # noqa: PLC0415

    measurements: dict[str, Callable[..., None]] = {
        "engine": engine.run,
        "ingest": ingest.run,
        "growth": growth.run,
        "isolation": isolation.run,
        "memory": memory.run,
        "pages": pages.run,
        "peers": peers.run,
        "scaling": scaling.run,
        "watching": watching.run,
    }
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measurements, described in benchmarks/README.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(measurements)} (all but memory)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each case is measured (3)")
    parser.add_argument("--database", default="", metavar="URL", help="of an empty PostgreSQL database (SQLite)")
    parser.add_argument(
        "--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER", help="for JSON (var/benchmarks)"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="that memory is watched (60); it has no rounds")
    options = parser.parse_args()
    if unknown := set(options.names) - set(measurements):
        parser.error(f"no measurement is named {', '.join(sorted(unknown))}")
    for name in options.names or [name for name in measurements if name not in ON_REQUEST]:
        more = {"minutes": options.minutes} if name == "memory" else {}
        measurements[name](rounds=options.rounds, database=options.database, results=options.results, **more)


main()
