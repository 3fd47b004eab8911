"""Detectors that are, or were, switched off, what happened to each, and failures of one kind on many symbols."""

from django.db import models

from scanner_app.domain.enums import DetectorAct, DetectorState
from scanner_app.models.choices import choices_of


class DetectorSwitch(models.Model):
    """Whether a detector runs. One without a row is on. Workers read this table every two seconds, not at each bar."""

    name = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=7, choices=choices_of(DetectorState))
    changed_at = models.DateTimeField()  # when it was switched off or on
    by = models.CharField(max_length=150, blank=True)  # a user's name, or "scanner"; "": it was never switched
    reason = models.TextField(blank=True)
    returns = models.IntegerField(default=0)  # times that it failed again: each doubles its recovery time
    probe_at = models.DateTimeField(null=True)  # the next probe; of one that is running, its end; None: no probes

    class Meta:
        verbose_name_plural = "detector switches"

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class DetectorEvent(models.Model):
    """A detector was switched off or on, or a probe of it failed: when, by whom and why. Only added."""

    detector = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=choices_of(DetectorAct))
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)  # a user's name, or "scanner"
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.detector} {self.kind} by {self.actor}"


class FailureIncident(models.Model):
    """Failures of one kind on many symbols at once: one message tells of all of them."""

    detector = models.CharField(max_length=64)
    error_type = models.CharField(max_length=200)
    place = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()  # the newest failure
    symbols = models.IntegerField()  # that had failed when it was last looked at
    told_at = models.DateTimeField(null=True)  # symbols that first failed later have not been told yet
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # One incident of a kind at a time.
            models.UniqueConstraint(
                fields=["detector", "error_type", "place"], name="incident_once", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.detector}: {self.error_type} at {self.place}"
