"""A symbol, its one hot row, and its breaker."""

from django.db import models

from scanner_app.domain.breaker import Breaker
from scanner_app.domain.enums import Lane, Stage
from scanner_app.models.choices import choices_of


class Symbol(models.Model):
    """An instrument on the watch list. Its ticker is stored in upper case."""

    ticker = models.CharField(max_length=32, unique=True)
    enabled = models.BooleanField(default=True)
    calendar = models.CharField(max_length=16, blank=True, default="")  # when it trades; "": by SCANNER_CALENDARS
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
    """The place of a symbol in its log of bars: the only hot row, written by `mailbox` alone.

    The head, if there is one, is always `cursor + 1`; there is one exactly while `last_sequence` is above
    `cursor`. So order and backlog come from this row and from nothing else.

    Written by hand in mailbox/sql.py: a new column must be added there too.
    """

    symbol = models.OneToOneField(Symbol, on_delete=models.CASCADE, primary_key=True, related_name="status")
    head = models.BigIntegerField(null=True)  # sequence of the one bar in flight
    cursor = models.BigIntegerField(default=0)  # the last sequence that is done with
    last_sequence = models.BigIntegerField(default=0)  # the last sequence given out
    revision = models.BigIntegerField(default=0, db_default=0)  # raised by each revision of bars: windows may be old
    epoch = models.IntegerField(default=0)  # raised by operators' acts alone: older messages are stale
    attempts = models.IntegerField(default=0)  # failures of the head: the `retries` of its live message
    stage = models.CharField(max_length=7, choices=choices_of(Stage), default=Stage.RUN)
    next_attempt_at = models.DateTimeField(null=True)  # when the head may run; None: now
    deferrals = models.IntegerField(default=0)  # times that the head was published again for a later time
    losses = models.IntegerField(default=0)  # times in a row that the head was lost with a whole worker
    lane = models.CharField(max_length=4, choices=choices_of(Lane), default=Lane.MAIN)
    quick_bars = models.IntegerField(default=0)  # quick bars in a row, while in the slow lane
    catching_up = models.BooleanField(default=False)  # bars of a pause are not worked off yet
    newest = models.JSONField(default=dict)  # {timeframe: ISO time of the newest bar known}
    watched = models.JSONField(default=list)  # timeframes of which a bar has come fresh: they can be stale
    gaps = models.IntegerField(default=0)  # inside its series, as last counted
    gaps_sequence = models.BigIntegerField(default=0)  # last_sequence when that was
    bars_processed = models.BigIntegerField(default=0)
    last_bar_time = models.DateTimeField(null=True)  # opening of the bar processed last
    last_processed_at = models.DateTimeField(null=True)  # when that was
    latencies = models.JSONField(default=list)  # [[ms, unix s], …]: the last 100 that were not held
    avg_latency_ms = models.FloatField(default=0)
    p95_latency_ms = models.BigIntegerField(default=0)
    # The longest of those kept: who can't be slow, without reading them. Old code may make rows, but leaves it at 0.
    longest_latency_ms = models.BigIntegerField(default=0, db_default=0)
    last_error = models.TextField(default="")

    class Meta:
        verbose_name_plural = "symbol statuses"

    def __str__(self) -> str:
        return f"status of symbol {self.symbol_id}"

    @property
    def backlog(self) -> int:
        """Bars that are not done with, the head included."""
        return self.last_sequence - self.cursor


class CircuitBreaker(models.Model):
    """The stored values of a symbol's breaker, written only on failure and recovery."""

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
        """The row as the pure value that `scanner_app.domain.breaker` decides on."""
        return Breaker(failures=self.failures, opened_at=self.opened_at, incident_at=self.incident_at)
