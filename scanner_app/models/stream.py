"""The stream of signals and hits: numbers that are given after the commit."""

from django.db import models

from scanner_app.domain.enums import StreamKind
from scanner_app.models.choices import choices_of


class StreamEntry(models.Model):
    """The number of a signal or a hit in the stream. Without foreign keys: readers skip what is gone.

    Written by signals/numbering.py, hours and not months are kept.
    """

    number = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=6, choices=choices_of(StreamKind))
    row_id = models.BigIntegerField()
    at = models.DateTimeField()  # when the number was given

    class Meta:
        verbose_name_plural = "stream entries"
        constraints = [
            # Each row has one number; also how rows without one are found.
            models.UniqueConstraint(fields=["kind", "row_id"], name="stream_entry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.kind} {self.row_id}"


class StreamState(models.Model):
    """How far the numbering has come: one row, whose lock lets one process at a time give numbers."""

    THE_ROW = 1

    last_number = models.BigIntegerField(default=0)
    begins_after = models.BigIntegerField(default=0)  # what came before this number may be missing
    numbered_at = models.DateTimeField(null=True)
    # All rows up to these ids have a number, or never get one: their transactions were rolled back.
    signals_done = models.BigIntegerField(default=0)
    hits_done = models.BigIntegerField(default=0)
    # The newest ids that have a number.
    signals_seen = models.BigIntegerField(default=0)
    hits_seen = models.BigIntegerField(default=0)
    # PostgreSQL: the same at an earlier look, and a transaction that began after it.
    signals_marked = models.BigIntegerField(default=0)
    hits_marked = models.BigIntegerField(default=0)
    first_later_transaction = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"numbered up to {self.last_number}"
