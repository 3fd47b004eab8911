"""Events: the timeline of each symbol, and its audit log."""

from django.db import models

from scanner_app.domain.enums import EventKind
from scanner_app.models.bars import Bar
from scanner_app.models.choices import choices_of
from scanner_app.models.symbols import Symbol


class SymbolEvent(models.Model):
    """What happened to a symbol, when, by whom and why.

    Events are only added, with one exception: during a hold, each failed probe renews the event of the last one.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="events")
    kind = models.CharField(max_length=11, choices=choices_of(EventKind))
    at = models.DateTimeField()
    bar = models.ForeignKey(Bar, on_delete=models.SET_NULL, null=True, related_name="events")
    actor = models.CharField(max_length=150)  # a user's name, or "scanner"
    reason = models.TextField(blank=True)
    # Of an operator's action: {"before": {…}, "after": {…}}, and "filter" if it was done to all that matched.
    detail = models.JSONField(null=True)

    class Meta:
        indexes = [
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="event_symbol_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
