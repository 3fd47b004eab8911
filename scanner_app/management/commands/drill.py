"""`manage.py drill`: prove the alarm path on the running scanner, with a canary symbol."""

import json
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.alerts import drill as drills
from scanner_app.domain.drill import Result, Step, StepState, first_failed
from scanner_app.domain.wording import clock, span
from scanner_app.management.start_hint import HOW_TO_START
from scanner_app.management.system_user import system_user
from scanner_app.models import Drill

LOOK_EVERY_S = 0.5
"""Seconds between two looks. The steps' times are the scanner's own, so this only delays their lines."""

MARKS = {StepState.OK: "ok", StepState.FAILED: "FAILED", StepState.NOT_REACHED: "not reached"}


class Command(BaseCommand):
    """Hold a drill, print each step with its time, and say whether the alarm path is proven."""

    help = (
        "Walk a canary symbol of the scanner's own through failure, breaker, message, half-open and recovery, on the "
        "running scanner; no other symbol is touched. The administrators get two messages, marked as a drill. Takes "
        "SCANNER_BREAKER_RECOVERY_S and about ten seconds. Exit status 1 if a step failed. See docs/alerts.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object with all steps at the end")

    def handle(self, *_: Any, **options: Any) -> None:
        """Hold the drill to its end, whatever fails in it."""
        lines = self.stderr if options["json"] else self.stdout
        signal.signal(signal.SIGTERM, _interrupt)  # so that the canary is removed
        try:
            row = drills.begin(by=system_user(), now=timezone.now())
        except drills.DrillRunning as exc:
            raise CommandError(str(exc)) from None
        try:
            results = _held(row, lines.write)
        except drills.DrillTaken as exc:
            raise CommandError(str(exc)) from None
        failed = first_failed(results)
        took = span((timezone.now() - row.began_at).total_seconds())
        if failed is None:
            lines.write(f"Alarm path proven in {took}.")
        else:
            lines.write(f"The drill failed at {failed.step} after {took}: {failed.detail}")
            if failed.step is Step.RUN:
                lines.write(HOW_TO_START)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(row, results)))
        if failed is not None:
            sys.exit(1)


def _held(row: Drill, write: Any) -> list[Result]:
    try:
        return _to_its_end(row, write)
    except KeyboardInterrupt:
        return drills.stop(row, "the command was interrupted", timezone.now())


def _to_its_end(row: Drill, write: Any) -> list[Result]:
    """Drive the drill on until it is over; each step is written when it is decided."""
    written: set[Step] = set()
    while True:
        results = drills.advance(row, timezone.now())
        for one in results:
            if one.state is not StepState.WAITING and one.step not in written:
                written.add(one.step)
                write(_line(row, one))
        if len(written) == len(results):
            return results
        time.sleep(LOOK_EVERY_S)


def _line(row: Drill, one: Result) -> str:
    when = clock(one.at, row.began_at) if one.at else ""
    return f"{when:12}  {one.step:9}  {MARKS[one.state]:11}  {one.detail}".rstrip()


def _as_json(row: Drill, results: Sequence[Result]) -> dict[str, Any]:
    failed = first_failed(results)
    row.refresh_from_db()
    return {
        "ok": failed is None,
        "failed_step": failed and failed.step,
        "detail": failed.detail if failed else "",
        "began_at": drills.iso(row.began_at),
        "ended_at": None if row.ended_at is None else drills.iso(row.ended_at),
        "steps": drills.as_json(results),
    }


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
