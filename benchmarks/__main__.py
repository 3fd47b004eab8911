"""`python -m benchmarks [NAME…]`: run measurements; all of them without names."""

import argparse
import os
from pathlib import Path

import django


def main() -> None:
    """Parse, set Django up, run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    django.setup()
    from benchmarks import (  # noqa: PLC0415 - models need Django set up
        engine,
        growth,
        ingest,
        isolation,
        pages,
        scaling,
        watching,
    )
    from benchmarks.peers import driver as peers  # noqa: PLC0415

    measurements = {
        "engine": engine.run,
        "ingest": ingest.run,
        "growth": growth.run,
        "isolation": isolation.run,
        "pages": pages.run,
        "peers": peers.run,
        "scaling": scaling.run,
        "watching": watching.run,
    }
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measurements, described in benchmarks/README.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(measurements)} (all)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each case is measured (3)")
    parser.add_argument("--database", default="", metavar="URL", help="of an empty PostgreSQL database (SQLite)")
    parser.add_argument(
        "--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER", help="for JSON (var/benchmarks)"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(measurements):
        parser.error(f"no measurement is named {', '.join(sorted(unknown))}")
    for name in options.names or measurements:
        measurements[name](rounds=options.rounds, database=options.database, results=options.results)


main()
