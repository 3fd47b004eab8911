"""Bars: each symbol's log."""

from django.db import models

from scanner_app.domain.enums import BarStatus, RerunCause
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
    volume = models.FloatField(null=True)  # None: unknown
    sequence = models.BigIntegerField()
    status = models.CharField(max_length=11, choices=choices_of(BarStatus), default=BarStatus.WAITING)
    late = models.BooleanField(default=False)  # older than the newest known of its series, or replayed
    replayed = models.BooleanField(default=False)  # from quarantine: one attempt, and the breaker does not count it
    held = models.BooleanField(default=False)  # accepted before a pause had been worked off
    # Old code may make rows while an upgrade runs, and leaves these at their defaults.
    revised = models.BooleanField(default=False, db_default=False)  # has had other values
    assumed = models.BooleanField(default=False, db_default=False)  # was forming and never confirmed as closed
    derived = models.BooleanField(default=False, db_default=False)  # made from bars of a smaller timeframe
    attempts = models.IntegerField(default=0)  # runs it took; of the head, see SymbolStatus.attempts
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


class BarRevision(models.Model):
    """The values that a bar had before a revision, oldest first by id."""

    bar = models.ForeignKey(Bar, on_delete=models.CASCADE, related_name="revisions")
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True)
    assumed = models.BooleanField(default=False)
    at = models.DateTimeField()  # when the values were replaced
    source = models.CharField(max_length=128)  # who sent the new values

    def __str__(self) -> str:
        return f"values of bar {self.bar_id} until {self.at:%Y-%m-%d %H:%M:%S}"


class Rerun(models.Model):
    """A span of a series at which the detectors must look again: something changed after its bars were processed.

    Neighbouring spans of a series and cause are one row. Written by mailbox/revise.py and mailbox/reruns.py under the
    lock of the symbol's status row; removed when all of it is done.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="reruns")
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    first = models.DateTimeField()  # the first changed bar
    last = models.DateTimeField()  # the last changed bar; bars after it see it in their windows
    detector = models.CharField(max_length=64, default="", blank=True)  # by name; "": all of them
    cause = models.CharField(max_length=16, choices=choices_of(RerunCause))
    created_at = models.DateTimeField()
    next_bar_at = models.DateTimeField(null=True)  # where it goes on; None: at `first`
    bars_done = models.BigIntegerField(default=0)
    failures = models.IntegerField(default=0)  # of the detectors at its first bar, in a row
    next_attempt_at = models.DateTimeField(null=True)  # None: now; while it is taken, the end of the lease
    # Until it is given back: a lease that ends while it is set was of a worker that died.
    taken = models.BooleanField(default=False, db_default=False)
    careful = models.IntegerField(default=0, db_default=0)  # of the bars to come, how many are looked at singly
    last_error = models.TextField(default="")

    class Meta:
        indexes = [models.Index(fields=["symbol", "timeframe"], name="rerun_series")]

    def __str__(self) -> str:
        return f"re-run of {self.timeframe} bars from {self.first:%Y-%m-%d %H:%M:%S} to {self.last:%Y-%m-%d %H:%M:%S}"
