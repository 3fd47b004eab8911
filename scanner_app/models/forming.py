"""Bars whose period is not over."""

from django.db import models

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.symbols import Symbol


class FormingBar(models.Model):
    """The newest values known of a bar that is not closed: one row for each period of a series.

    Up to some seconds old: the broker has newer ones (messaging/forming.py), and both are joined by engine/forming.py,
    which alone writes them. No log, no number: what becomes of it is either a closed bar or an assumed one.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="forming")
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    ends_at = models.DateTimeField()  # when its period is over
    timestamp = models.DateTimeField()  # its opening; some vendors stamp it with their last trade instead
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True)  # None: unknown
    sent_at = models.DateTimeField()  # when these values came

    class Meta:
        constraints = [
            # The period and not the timestamp, since that may change from one message to the next.
            models.UniqueConstraint(fields=["symbol", "timeframe", "ends_at"], name="forming_period"),
        ]

    def __str__(self) -> str:
        return f"forming {self.timeframe} bar of {self.timestamp:%Y-%m-%d %H:%M:%S}"
