"""`manage.py verify`: prove from the database that every accepted bar was done with once and in order."""

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from scanner_app.domain.wording import counted
from scanner_app.models import Symbol
from scanner_app.reading import log_proof, symbols

PROGRESS_S = 5.0
"""Seconds between two lines of progress."""


class Command(BaseCommand):
    """Prove the log of each symbol, or of those named."""

    help = (
        "Prove from the database that every accepted bar was processed, quarantined, discarded or waits, once and in "
        "order. Reads only, also while the scanner runs. Exit status 1 if not, with what contradicts it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the symbols and the form of the answer."""
        parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="only these symbols; without any, all")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *_: Any, **options: Any) -> None:
        """Prove each symbol, print what contradicts the promise, and the sum."""
        chosen = _chosen(options["symbols"])
        total = dict.fromkeys(("processed", "quarantined", "discarded", "waiting"), 0)
        found: dict[str, list[str]] = {}
        proved, shown_s = 0, time.monotonic()
        for proof in log_proof.prove(chosen, timezone.now()):
            proved += 1
            for name in total:
                total[name] += getattr(proof.figures, name)
            if proof.faults:
                found[proof.symbol] = list(proof.faults)
                for fault in proof.faults:
                    self.stderr.write(f"{proof.symbol}: {fault}")
            if time.monotonic() - shown_s > PROGRESS_S:
                shown_s = time.monotonic()
                self.stderr.write(f"{proved:,} symbols, {sum(total.values()):,} bars so far")
        accepted = sum(total.values())
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": not found, "symbols": proved, "bars": accepted, **total, "faults": found})
            )
        else:
            parts = ", ".join(f"{number:,} {name}" for name, number in total.items())
            verdict = f"{counted(len(found), 'symbol')} with faults" if found else "proved: each bar once and in order"
            self.stdout.write(f"{counted(proved, 'symbol')}, {counted(accepted, 'bar')} ({parts}): {verdict}")
        if found:
            sys.exit(1)


def _chosen(tickers: list[str]) -> QuerySet[Symbol]:
    if not tickers:
        return Symbol.objects.all()
    known, unknown = symbols.find_all(tickers)
    if unknown:
        raise CommandError(f"Symbol {', '.join(unknown)} not found")
    return Symbol.objects.filter(pk__in=[symbol.pk for symbol in known])
