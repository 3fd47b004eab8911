"""Series of derived bars."""

from django.db import models

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.symbols import Symbol


class DerivedSeries(models.Model):
    """How far a symbol has come in making the bars of one higher timeframe. Written under its status row's lock."""

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="derived_series")
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    base = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    since = models.DateTimeField()  # the first period of which a bar was made, or is to be made
    open_at = models.DateTimeField(null=True)  # begin of the period whose bar is not made yet; None: there is none
    due_at = models.DateTimeField(null=True)  # when its bar is made although no further base bar has come
    ended_at = models.DateTimeField(null=True)  # when a bar of the series came from outside: no more are made

    class Meta:
        verbose_name_plural = "derived series"
        constraints = [models.UniqueConstraint(fields=["symbol", "timeframe"], name="derived_series")]
        indexes = [
            # Those that may be overdue.
            models.Index(fields=["due_at"], name="derived_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.timeframe} bars made from {self.base}"
