"""`manage.py chaos`: faults in random order on a scanner of its own, and a check of what became of every bar."""

import json
import math
import secrets
import signal
import sys
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser

from scanner_app.tools.chaos.run import Result, RunOptions, run
from scanner_app.tools.chaos.stack import ChaosError

SEEDS = 1_000_000
MOST_MINUTES = 600


class Command(BaseCommand):
    """Check the options, make the run, print the result."""

    help = (
        "Chaos run: starts a scanner of its own in a temporary folder, posts bars of 20 symbols at a steady rate "
        "while faults strike in random order, and checks that every accepted bar was processed once and in order "
        "and that nothing waits afterwards. Your own scanner and data are not touched. Exit status 0 if all "
        "checks pass, 1 if not. See docs/chaos.md."
    )
    requires_system_checks = ()  # the run has a database and a broker of its own; those of this process are not used

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options of the run."""
        parser.add_argument("--minutes", type=float, default=2, metavar="N", help="how long faults strike (2)")
        parser.add_argument("--seed", type=int, metavar="N", help="of the faults' order; without it a random one")
        parser.add_argument("--rate", type=float, default=40, metavar="N", help="bars a second (40)")
        parser.add_argument(
            "--database",
            default="",
            metavar="URL",
            help="postgresql://… of a server where a database may be made; it is dropped after a good run (SQLite)",
        )
        parser.add_argument("--keep", action="store_true", help="keep logs and database, also if all is well")
        parser.add_argument("--json", action="store_true", help="end with all figures as one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        """Run the command; SystemExit carries the exit status."""
        run_options = _run_options(options)
        self._report(f"seed {run_options.seed}")
        signal.signal(signal.SIGTERM, _interrupt)  # so that all processes of the run are stopped
        try:
            result = run(run_options, self._report)
        except (ChaosError, psycopg.Error) as exc:
            raise CommandError(f"seed {run_options.seed}: {str(exc).strip()}") from exc
        except KeyboardInterrupt:
            raise CommandError("interrupted; everything is stopped", returncode=130) from None
        for line in _lines(result):
            self.stdout.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json()))
        if not result.good:
            raise SystemExit(1)

    def _report(self, text: str) -> None:
        self.stderr.write(text, self.style.NOTICE if sys.stderr.isatty() else None)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _run_options(options: dict[str, Any]) -> RunOptions:
    if not 0 < options["minutes"] <= MOST_MINUTES:
        raise CommandError(f"--minutes must be above 0 and at most {MOST_MINUTES}, not {options['minutes']:g}")
    if not 0 < options["rate"] < math.inf:
        raise CommandError(f"--rate must be a number above 0, not {options['rate']:g}")
    if options["database"] and urlsplit(options["database"]).scheme not in {"postgres", "postgresql"}:
        raise CommandError("--database must begin with postgresql://; without it SQLite is used")
    seed = secrets.randbelow(SEEDS) if options["seed"] is None else options["seed"]
    return RunOptions(
        minutes=options["minutes"],
        seed=seed,
        rate=options["rate"],
        database=options["database"],
        keep=options["keep"],
    )


def _lines(result: Result) -> list[str]:
    figures = result.as_json()
    lines = [f"{name}: {value}" for name, value in figures.items() if name not in {"good", "folder", "examples"}]
    lines += [f"{name}, for example: {bars}" for name, bars in figures["examples"].items()]
    if result.good:
        return [
            *lines,
            f"GOOD: every accepted bar was processed once and in order, and nothing waits (seed {result.options.seed})",
        ]
    return [*lines, f"BAD: see above; logs and database are kept in {result.folder} (seed {result.options.seed})"]
