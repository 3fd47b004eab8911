"""Signals: what the detectors found."""

from django.db import models
from django.db.models import Case, Value, When

from scanner_app.detectors import Direction
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.bars import Bar
from scanner_app.models.symbols import Symbol


class Signal(models.Model):
    """A pattern that a detector found on a bar. Symbol, timeframe and time are the bar's, so that filters need no join.

    Written by hand in mailbox/sql.py and mailbox/at_once.py: a new column must be added there too.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="signals")
    bar = models.ForeignKey(Bar, on_delete=models.CASCADE, db_index=False, related_name="signals")
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    timestamp = models.DateTimeField()
    detector = models.CharField(max_length=64)
    pattern = models.CharField(max_length=64)
    direction = models.CharField(max_length=7, choices=[(d.value, d.value) for d in Direction])
    strength = models.FloatField()
    late = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    # Found by a re-run, not when the bar was processed.
    revised = models.BooleanField(default=False, db_default=False)
    withdrawn_at = models.DateTimeField(null=True)  # a re-run did not find it again; never deleted for that
    detector_version = models.CharField(max_length=64, default="", db_default="")
    window_gaps = models.IntegerField(null=True)  # bars missing in the window; None: not counted

    class Meta:
        constraints = [
            # Each effect once, among those not withdrawn; also the way from a bar to its signals, which an index
            # with a condition would not be.
            models.UniqueConstraint(
                "bar",
                "detector",
                "pattern",
                Case(When(withdrawn_at=None, then=Value(0)), default="id", output_field=models.BigIntegerField()),
                name="signal_valid_once",
            ),
        ]
        indexes = [
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="signal_symbol_newest"),
            # Lists of a span of time over all symbols.
            models.Index(fields=["timestamp"], name="signal_timestamp"),
        ]

    def __str__(self) -> str:
        return f"{self.pattern} ({self.direction})"
