"""Faults on request, for tests and for people who want to see the scanner recover."""

from django.db import models

from scanner_app.models.symbols import Symbol


class InjectedFault(models.Model):
    """What will go wrong with a symbol's next runs. Counted down before the fault, so that it ends."""

    symbol = models.OneToOneField(Symbol, on_delete=models.CASCADE, primary_key=True, related_name="injected")
    fail_runs = models.IntegerField(default=0)  # the next so many runs of the head fail
    crash_runs = models.IntegerField(default=0)  # … kill their process
    hang_s = models.FloatField(default=0)  # the next run sleeps so many seconds
    unusable = models.BooleanField(default=False)  # the next run raises BarUnusable
    outage_until = models.DateTimeField(null=True)  # every run fails until then, the control run included

    def __str__(self) -> str:
        return f"faults injected into symbol {self.symbol_id}"
