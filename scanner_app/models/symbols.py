"""A symbol, its status row, and its breaker."""

from django.db import models

from scanner_app.domain.breaker import Breaker
from scanner_app.domain.enums import Lane, Stage
from scanner_app.models.choices import choices_of


class Symbol(models.Model):
    """An instrument whose bars are scanned. Its ticker is stored in upper case."""

    ticker = models.CharField(max_length=32, unique=True)
    enabled = models.BooleanField(default=True)
    calendar = models.CharField(max_length=16, blank=True, default="")  # when it trades; "": by SCANNER_CALENDARS
    disabled_until = models.DateTimeField(null=True, blank=True)  # when it is enabled by itself; None: by an operator
    p95_ms = models.IntegerField(null=True, blank=True)  # over which it is slow; None: SCANNER_ALERT_P95_MS
    deleted_at = models.DateTimeField(null=True, blank=True)  # hidden, its rows are being removed
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["ticker"]
        permissions = [
            ("operate_symbol", "Can reset, skip, enable, disable, delete, replay, discard, acknowledge and silence")
        ]

    def __str__(self) -> str:
        return self.ticker


class SymbolStatus(models.Model):
    """How far a symbol has come in its log of bars. Every bar updates this row; only `mailbox` writes it.

    The head, if there is one, is always `cursor + 1`. There is one exactly while `last_sequence` is above `cursor`. So
    order and backlog follow from this row alone.

    Written by hand in mailbox/sql.py: a new column must be added there too.
    """

    symbol = models.OneToOneField(Symbol, on_delete=models.CASCADE, primary_key=True, related_name="status")
    head = models.BigIntegerField(null=True)  # sequence of the one bar in flight
    cursor = models.BigIntegerField(default=0)  # the last sequence that is finished
    last_sequence = models.BigIntegerField(default=0)  # the last sequence given out
    revision = models.BigIntegerField(default=0, db_default=0)  # raised by each revision of bars: windows may be old
    epoch = models.IntegerField(default=0)  # raised by operators' actions only: older messages become stale
    attempts = models.IntegerField(default=0)  # failures of the head: the `retries` of its live message
    stage = models.CharField(max_length=7, choices=choices_of(Stage), default=Stage.RUN)
    next_attempt_at = models.DateTimeField(null=True)  # when the head may run; None: now
    deferrals = models.IntegerField(default=0)  # times that the head was published again for a later time
    losses = models.IntegerField(default=0)  # times in a row that the head was lost with its worker
    lane = models.CharField(max_length=4, choices=choices_of(Lane), default=Lane.MAIN)
    quick_bars = models.IntegerField(default=0)  # quick bars in a row, while in the slow lane
    catching_up = models.BooleanField(default=False)  # bars that waited during a pause are still being worked off
    newest = models.JSONField(default=dict)  # {timeframe: ISO time of the newest bar known}
    watched = models.JSONField(default=list)  # timeframes of which a bar was once fresh: only they can become stale
    gaps = models.IntegerField(default=0)  # gaps inside its series, as last counted
    gaps_sequence = models.BigIntegerField(default=0)  # last_sequence at that count; 0: count again
    bars_processed = models.BigIntegerField(default=0)
    last_bar_time = models.DateTimeField(null=True)  # opening of the bar processed last
    last_processed_at = models.DateTimeField(null=True)  # when that bar was processed
    latencies = models.JSONField(default=list)  # [[ms, unix s], …] of the last 100 bars that were not held
    avg_latency_ms = models.FloatField(default=0)
    p95_latency_ms = models.BigIntegerField(default=0)
    # The longest of `latencies`: finds symbols that can't be slow without reading the list. With a database default,
    # since the code of an older version may still add rows during an upgrade.
    longest_latency_ms = models.BigIntegerField(default=0, db_default=0)
    last_error = models.TextField(default="")

    class Meta:
        verbose_name_plural = "symbol statuses"

    def __str__(self) -> str:
        return f"status of symbol {self.symbol_id}"

    @property
    def backlog(self) -> int:
        """Bars that are not finished, the head included."""
        return self.last_sequence - self.cursor


class CircuitBreaker(models.Model):
    """The stored values of a symbol's breaker, written only at failures, recovery and reset."""

    symbol = models.OneToOneField(Symbol, on_delete=models.CASCADE, primary_key=True, related_name="breaker")
    failures = models.IntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    incident_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # The few breakers that are not closed, for alerts.
            models.Index(fields=["opened_at"], name="breaker_opened", condition=models.Q(opened_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"breaker of symbol {self.symbol_id}"

    @property
    def value(self) -> Breaker:
        """The row as a value for the functions of `scanner_app.domain.breaker`."""
        return Breaker(failures=self.failures, opened_at=self.opened_at, incident_at=self.incident_at)
