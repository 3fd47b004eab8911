"""Faults on request, for tests, and for people who want to watch the scanner recover."""

from django.db import models

from scanner_app.models.symbols import Symbol


class InjectedFault(models.Model):
    """The faults of a symbol's next runs. Each is counted down before it happens, so that it ends."""

    symbol = models.OneToOneField(Symbol, on_delete=models.CASCADE, primary_key=True, related_name="injected")
    fail_runs = models.IntegerField(default=0)  # so many of the next runs fail
    crash_runs = models.IntegerField(default=0)  # so many of the next runs kill their process
    hang_s = models.FloatField(default=0)  # the next run sleeps for so many seconds
    unusable = models.BooleanField(default=False)  # the next run raises BarUnusable
    outage_until = models.DateTimeField(null=True)  # until then every run fails, control runs included

    def __str__(self) -> str:
        return f"faults injected into symbol {self.symbol_id}"
