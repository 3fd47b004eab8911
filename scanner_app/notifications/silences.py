"""Which silences are in force: about which rules and symbols nothing is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from scanner_app.models import Silence


def in_force(now: datetime) -> QuerySet[Silence]:
    """The silences that last at the time `now`."""
    return Silence.objects.filter(ended_at=None, until__gt=now)


@dataclass(frozen=True, slots=True)
class Silences:
    """The silences in force at one moment, those that last longest first."""

    rows: Sequence[Silence] = ()

    @classmethod
    def load(cls, now: datetime) -> "Silences":
        """Those in force at the time `now`. One query."""
        return cls(list(in_force(now).order_by("-until", "id")))

    def find(self, rule: str, symbol_id: int | None) -> Silence | None:
        """The longest silence of this rule's alerts about this symbol (None: about none); None without one.

        A silence without a rule is one of all rules, one without a symbol is one of all symbols and of the scanner.
        """
        for row in self.rows:
            if row.rule in {"", rule} and row.symbol_id in {None, symbol_id}:
                return row
        return None
