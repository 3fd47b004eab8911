"""Bars: each symbol's log."""

from django.db import models

from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.choices import choices_of
from scanner_app.models.symbols import Symbol
from scanner_app.telemetry.request_id import MAX_LENGTH


class Bar(models.Model):
    """One accepted bar. `sequence` is its place in its symbol's log. Ids never decide an order.

    Written by hand in mailbox/sql.py: a new column must be added there too.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="bars")
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    timestamp = models.DateTimeField()  # its opening
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()
    sequence = models.BigIntegerField()
    status = models.CharField(max_length=11, choices=choices_of(BarStatus), default=BarStatus.WAITING)
    late = models.BooleanField(default=False)  # older than the newest known of its series, or replayed
    replayed = models.BooleanField(default=False)  # from quarantine: one attempt, and the breaker does not count it
    held = models.BooleanField(default=False)  # accepted before a pause had been worked off
    attempts = models.IntegerField(default=0)  # once it is finished; while it is the head: SymbolStatus.attempts
    accepted_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    latency_ms = models.BigIntegerField(null=True)  # from acceptance to the commit of its result
    # The request that brought it, for the log. NULL, not '': adding a column with '' makes SQLite copy the whole table.
    request_id = models.CharField(max_length=MAX_LENGTH, null=True)  # noqa: DJ001

    class Meta:
        constraints = [
            # Deduplication, and the window: the last bars of a series up to a time.
            models.UniqueConstraint(fields=["symbol", "timeframe", "timestamp"], name="bar_series"),
            # The head: by symbol and number.
            models.UniqueConstraint(fields=["symbol", "sequence"], name="bar_sequence"),
        ]
        indexes = [
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="bar_symbol_newest"),
            # bars_per_second: those that finished in the last seconds.
            models.Index(fields=["finished_at"], name="bar_finished", condition=models.Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.timeframe} bar of {self.timestamp:%Y-%m-%d %H:%M:%S}, number {self.sequence}"
