"""`manage.py whatif`: the failures of the last days, gone through again with other breaker settings."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.domain.what_if import Setting
from scanner_app.domain.what_if_words import MOST_DAYS, delays_of, named, other_setting, sentence
from scanner_app.domain.wording import counted
from scanner_app.reading import what_if


class Command(BaseCommand):
    """Compare the settings, for faults as short and as long as they can have been."""

    help = (
        "Go through the failures of the last days again, with other settings of the breaker than the present ones: how "
        "many openings more or fewer, and how many bars later or sooner. Reads only. See docs/operators.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the settings to compare with."""
        parser.add_argument("--threshold", type=int, metavar="N", help="instead of SCANNER_BREAKER_THRESHOLD")
        parser.add_argument("--recovery", type=float, metavar="S", help="instead of SCANNER_BREAKER_RECOVERY_S")
        parser.add_argument("--delays", metavar="S,S,…", help="instead of SCANNER_RETRY_DELAYS")
        parser.add_argument("--days", type=float, default=30, metavar="N", help="how far back (30)")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *_: Any, **options: Any) -> None:
        """Read the failures once, go through them with both settings, and print the difference."""
        present = what_if.present()
        other = _other(present, options)
        if not 0 < options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be above 0 and at most {MOST_DAYS}, not {options['days']:g}")
        now = timezone.now()
        found = what_if.compared(other, now - timedelta(days=options["days"]), now)
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "present": _as_json(present),
                        "other": _as_json(other),
                        "days": options["days"],
                        "shortest_faults": asdict(found.short),
                        "longest_faults": asdict(found.long),
                    }
                )
            )
            return
        self.stdout.write(
            f"{counted(found.streaks, 'streak')} of failures in {options['days']:g} days. "
            f"With {named(other)} instead of {named(present)}:"
        )
        self.stdout.write(f"  if each fault was as short as it can have been: {sentence(found.short)}")
        self.stdout.write(f"  if each fault was as long as it can have been:  {sentence(found.long)}")


def _other(present: Setting, options: dict[str, Any]) -> Setting:
    try:
        return other_setting(
            present,
            threshold=options["threshold"],
            recovery_s=options["recovery"],
            delays_s=None if options["delays"] is None else delays_of(options["delays"]),
        )
    except ValueError as exc:
        raise CommandError(str(exc)) from None


def _as_json(setting: Setting) -> dict[str, Any]:
    return {
        "threshold": setting.rules.threshold,
        "recovery_s": setting.rules.recovery.total_seconds(),
        "delays_s": list(setting.delays_s),
    }
