"""Drills of the alarm path, with what each of their steps has shown."""

from django.db import models


class Drill(models.Model):
    """One drill. At most one runs at a time; written by alerts/drill.py alone."""

    running = models.BooleanField(null=True, unique=True)  # True while it runs, then NULL: two rows can't be True
    scheduled = models.BooleanField()  # by SCANNER_DRILL_AT, and driven by beat; else by a command
    actor = models.CharField(max_length=150)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when it was last driven on: a drill whose process died is taken over after that
    ended_at = models.DateTimeField(null=True)
    proven = models.BooleanField(default=False)  # it has ended, and no step failed
    steps = models.JSONField(default=list)  # [{step, state, at, detail}], as domain/drill.py: Result has them
    failed_step = models.CharField(max_length=9, blank=True, default="")
    detail = models.TextField(blank=True, default="")  # why that step failed

    def __str__(self) -> str:
        return f"drill of {self.began_at:%Y-%m-%d %H:%M:%S}"
