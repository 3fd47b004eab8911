"""Unexpected errors: bugs and crashes that belong to no bar."""

from django.db import models

from scanner_app.domain.enums import ErrorSource
from scanner_app.models.choices import choices_of


class UnexpectedError(models.Model):
    """The newest series of errors of a program, a task or an address. Written by alerts/unexpected.py alone.

    One row for each of them, so the table stays small however often something fails.
    """

    source = models.CharField(max_length=8, choices=choices_of(ErrorSource))
    name = models.CharField(max_length=200)  # as domain/unexpected.py: UnexpectedErrors has it
    count = models.IntegerField(default=0)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    error = models.CharField(max_length=200)  # the last one, in one line; its traceback is in the log

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="unexpected_error_once"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.name}: {self.error}"
