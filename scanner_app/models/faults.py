"""Failures, and bars in quarantine."""

from django.db import models

from scanner_app.domain.enums import Resolution
from scanner_app.models.bars import Bar
from scanner_app.models.choices import choices_of
from scanner_app.models.symbols import Symbol


class ProcessingFailure(models.Model):
    """One failed attempt of a bar, with its traceback."""

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="failures")
    bar = models.ForeignKey(Bar, on_delete=models.CASCADE, related_name="failures")
    timestamp = models.DateTimeField()  # the bar's
    attempt = models.IntegerField()  # 1, 2, …: Celery's `retries` + 1
    failed_at = models.DateTimeField()  # of the latest failure, if `times` is more than 1
    error_type = models.CharField(max_length=200)
    message = models.TextField()
    traceback = models.TextField()
    retry_delay_s = models.FloatField(null=True)  # from the setting; in a hold the recovery time; None: no retry
    next_attempt_at = models.DateTimeField(null=True)  # later than the delay says if the breaker is open
    times = models.IntegerField(default=1)  # failures in this row: more than 1 only in a hold
    # What tells one kind of failure from another, beside its type. NULL, not '': adding a column with '' makes SQLite
    # copy the whole table; and in rows of older versions.
    detector = models.CharField(max_length=64, null=True)  # noqa: DJ001 - as above; NULL: of no detector
    place = models.CharField(max_length=200, null=True)  # noqa: DJ001 - where it was raised
    detector_version = models.CharField(max_length=64, null=True)  # noqa: DJ001
    worker_since = models.DateTimeField(null=True)  # when the worker that ran it had begun

    class Meta:
        indexes = [
            # The failures of the last minute: is one detector broken?
            models.Index(fields=["failed_at"], name="failure_newest"),
            # Failures by their kind, without reading their tracebacks.
            models.Index(
                fields=["detector", "error_type", "place", "symbol", "failed_at", "times"], name="failure_kind"
            ),
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="failure_symbol_newest"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt}: {self.error_type}"


class QuarantinedBar(models.Model):
    """A bar that went to quarantine, so that its symbol could go on."""

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="quarantine")
    bar = models.ForeignKey(Bar, on_delete=models.CASCADE, related_name="quarantine")
    timestamp = models.DateTimeField()  # the bar's
    reason = models.TextField()
    error_type = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    attempt = models.IntegerField(default=0)  # attempts it had
    failed_at = models.DateTimeField()  # when it went to quarantine
    resolution = models.CharField(max_length=9, choices=choices_of(Resolution), blank=True, default="")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A bar is in quarantine at most once at a time.
            models.UniqueConstraint(fields=["bar"], name="quarantine_once", condition=models.Q(resolution="")),
        ]
        indexes = [
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="quarantine_symbol_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.error_type}"
