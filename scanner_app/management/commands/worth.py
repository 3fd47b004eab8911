"""`manage.py worth`: work out what the stored signals were worth, and show it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.forms import model_to_dict
from django.utils import timezone

from scanner_app.domain.wording import counted
from scanner_app.models import Rule, SignalWorth
from scanner_app.signals import outcomes
from scanner_app.signals.wording import kind, sentence


class Command(BaseCommand):
    """Work out the figures now, instead of once a day."""

    help = (
        "Work out what the stored signals were worth: the price after them, beside the same series without them. "
        "The figures replace those of GET worth and of the page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object with all figures at the end")

    def handle(self, *_: Any, **options: Any) -> None:
        """Compute, store and print, the greatest lift first."""
        count = outcomes.compute(timezone.now())
        rows = list(SignalWorth.objects.order_by("verdict", "-lift_low", "-lift"))
        if options["json"]:
            self.stdout.write(json.dumps({"count": count, "results": [_as_json(row) for row in rows]}))
            return
        names = dict(Rule.objects.values_list("pk", "name"))
        for row in rows:
            self.stdout.write(f"{kind(row, names)}: {sentence(row)}")
        self.stdout.write(f"{counted(count, 'figure')} worked out.")


def _as_json(row: SignalWorth) -> dict[str, Any]:
    figures = model_to_dict(row, exclude=["id", "rule_id"])
    return {"rule": row.rule_id, **figures, "computed_at": row.computed_at.isoformat()}
