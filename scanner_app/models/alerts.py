"""Alerts, silences, and when the alert rules were last evaluated."""

from datetime import UTC, datetime

from django.db import models

from scanner_app.domain.enums import AlertState, Severity
from scanner_app.models.choices import choices_of
from scanner_app.models.symbols import Symbol

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""A time before all others: the rules have not been evaluated yet."""


class Alert(models.Model):
    """One time that a rule held: for the whole scanner, for a symbol, or for another subject such as a worker."""

    rule = models.CharField(max_length=40)  # a name of scanner_app.domain.alert_rules
    severity = models.CharField(max_length=7, choices=choices_of(Severity))
    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, null=True, db_index=False, related_name="alerts")
    subject = models.CharField(max_length=200, blank=True)  # if it is not a symbol: a lane, or a worker's name
    state = models.CharField(max_length=10, choices=choices_of(AlertState), default=AlertState.PENDING)
    message = models.TextField()  # a sentence with the figures, as they were when it last fired or was sent
    began_at = models.DateTimeField()  # since when the rule holds
    fired_at = models.DateTimeField(null=True)
    clear_since = models.DateTimeField(null=True)  # while recovering
    cleared_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when the last notification that it fires was written; None: none was
    muted_by = models.CharField(max_length=40, blank=True)  # the stronger rule that explains it: nothing is sent
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledge_reason = models.TextField(blank=True)
    silenced_until = models.DateTimeField(null=True)
    silenced_by = models.CharField(max_length=150, blank=True)
    silence_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            # One open alert of a rule for each symbol or subject. Two constraints, since NULLs are never equal.
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=models.Q(symbol=None) & ~models.Q(state="resolved"),
                name="alert_open_once",
            ),
            models.UniqueConstraint(
                fields=["rule", "symbol", "subject"],
                condition=models.Q(symbol__isnull=False) & ~models.Q(state="resolved"),
                name="alert_open_once_of_symbol",
            ),
        ]
        indexes = [
            # Open alerts: read by every status and every evaluation.
            models.Index(fields=["state"], name="alert_open", condition=~models.Q(state="resolved")),
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="alert_symbol_newest"),
            # Silences that outlive their alert.
            models.Index(
                fields=["silenced_until"], name="alert_silenced", condition=models.Q(silenced_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}".rstrip() + f": {self.state}"

    @property
    def weight(self) -> int:
        """The severity as a number to sort by; a higher one is worse."""
        return list(Severity).index(Severity(self.severity))

    def is_silenced(self, now: datetime) -> bool:
        """Whether its notifications are silenced at the time `now`."""
        return self.silenced_until is not None and now < self.silenced_until


class Silence(models.Model):
    """Nothing is sent about a rule, a symbol, or a rule of one symbol until a time, whether or not an alert fires."""

    rule = models.CharField(max_length=40, blank=True)  # empty: every rule, and the breaker's messages
    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, null=True, related_name="silences")  # None: all
    until = models.DateTimeField()
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True)  # an operator ended it before its time
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = [
            # Those in force: read by each evaluation.
            models.Index(fields=["until"], name="silence_in_force", condition=models.Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        about = f"{self.rule or 'all rules'} of {self.symbol}" if self.symbol else self.rule or "everything"
        return f"silence of {about} until {self.until:%Y-%m-%d %H:%M:%S}"

    def in_force(self, now: datetime) -> bool:
        """Whether it still silences at the time `now`."""
        return self.ended_at is None and now < self.until


class WriteCheck(models.Model):
    """One row that is written only to see whether the database takes writes."""

    THE_ROW = 1  # its primary key

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"written at {self.at}"


class Evaluation(models.Model):
    """When the rules were last evaluated, in a single row. Evaluations also use it as their lock."""

    THE_ROW = 1  # its primary key

    evaluated_at = models.DateTimeField(default=NEVER)  # the time of the facts that were judged last
    complete = models.BooleanField(default=True)  # whether every rule could be judged
    beat_at = models.DateTimeField(null=True)  # when beat last triggered an evaluation; None: never
    pinged_at = models.DateTimeField(null=True)  # when the outside watcher was last pinged, or the ping withheld
    ping_answer = models.CharField(max_length=200, default="", db_default="")  # what it answered, or why not pinged
    asked_at = models.DateTimeField(null=True)  # when an evaluation last began; its write measures the database

    def __str__(self) -> str:
        return f"evaluated at {self.evaluated_at}"
