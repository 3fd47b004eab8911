"""`manage.py whatif`: the failures of the last days, gone through again with other breaker settings."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.conf import breaker_rules
from scanner_app.domain.breaker import Rules
from scanner_app.domain.what_if import Difference, Setting, compare
from scanner_app.domain.wording import counted, span
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
        present = Setting(rules=breaker_rules(), delays_s=settings.SCANNER_RETRY_DELAYS)
        other = _other(present, options)
        if not 0 < options["days"] <= 3_650:
            raise CommandError(f"--days must be above 0 and at most 3650, not {options['days']:g}")
        now = timezone.now()
        streaks = list(what_if.streaks(now - timedelta(days=options["days"]), now))
        short, long = (compare(streaks, present, other, longest=longest) for longest in (False, True))
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "present": _as_json(present),
                        "other": _as_json(other),
                        "days": options["days"],
                        "shortest_faults": asdict(short),
                        "longest_faults": asdict(long),
                    }
                )
            )
            return
        self.stdout.write(
            f"{counted(len(streaks), 'streak')} of failures in {options['days']:g} days. "
            f"With {_named(other)} instead of {_named(present)}:"
        )
        self.stdout.write(f"  if each fault was as short as it can have been: {_sentence(short)}")
        self.stdout.write(f"  if each fault was as long as it can have been:  {_sentence(long)}")


def _other(present: Setting, options: dict[str, Any]) -> Setting:
    threshold, recovery_s, delays = options["threshold"], options["recovery"], options["delays"]
    if threshold is None and recovery_s is None and delays is None:
        raise CommandError("give at least one of --threshold, --recovery and --delays")
    try:
        rules = Rules(
            threshold=present.rules.threshold if threshold is None else threshold,
            recovery=present.rules.recovery if recovery_s is None else timedelta(seconds=recovery_s),
        )
        delays_s = present.delays_s if delays is None else [float(one) for one in delays.split(",") if one.strip()]
    except (ValueError, OverflowError) as exc:
        raise CommandError(str(exc)) from None
    if not all(0 <= one < 1e6 for one in delays_s):
        raise CommandError("--delays must be seconds such as 1,2,4")
    return Setting(rules=rules, delays_s=delays_s)


def _named(setting: Setting) -> str:
    delays = ",".join(f"{one:g}" for one in setting.delays_s)
    return (
        f"threshold {setting.rules.threshold}, recovery {setting.rules.recovery.total_seconds():g} s, delays {delays}"
    )


def _as_json(setting: Setting) -> dict[str, Any]:
    return {
        "threshold": setting.rules.threshold,
        "recovery_s": setting.rules.recovery.total_seconds(),
        "delays_s": list(setting.delays_s),
    }


def _sentence(found: Difference) -> str:
    parts = [
        _more_or_fewer(found.openings_if - found.openings, "opening"),
        _more_or_fewer(found.failed_runs_if - found.failed_runs, "failed run"),
    ]
    if found.bars_later:
        parts.append(f"{counted(found.bars_later, 'bar')} later, by up to {span(found.longest_later_s)}")
    if found.bars_sooner:
        parts.append(f"{counted(found.bars_sooner, 'bar')} sooner, by up to {span(found.longest_sooner_s)}")
    return ", ".join(parts)


def _more_or_fewer(difference: int, word: str) -> str:
    if not difference:
        return f"as many {word}s"
    return f"{counted(abs(difference), word)} {'more' if difference > 0 else 'fewer'}"
