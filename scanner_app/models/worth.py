"""What signals were worth, as it was last worked out."""

from django.db import models

from scanner_app.domain.enums import WorthVerdict
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.choices import choices_of


class SignalWorth(models.Model):
    """One kind of signal, or one rule's hits, at one horizon: what followed, beside the same series without it.

    Returns are shares. Rows of rules have no detector and no pattern, and point nowhere.
    """

    rule_id = models.BigIntegerField(null=True)  # as in Hit: without a foreign key; None: signals of a detector
    detector = models.CharField(max_length=64)
    pattern = models.CharField(max_length=64)
    direction = models.CharField(max_length=7)
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    horizon = models.IntegerField()  # bars
    count = models.IntegerField()
    clusters = models.IntegerField()  # blocks of days, each of which counts as one observation
    mean_return = models.FloatField()
    baseline_return = models.FloatField()
    hit_rate = models.FloatField()
    baseline_hit_rate = models.FloatField()
    lift = models.FloatField()
    lift_low = models.FloatField(null=True)  # None: too few
    lift_high = models.FloatField(null=True)
    verdict = models.CharField(max_length=13, choices=choices_of(WorthVerdict))
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["detector", "pattern", "direction", "timeframe", "horizon"],
                condition=models.Q(rule_id=None),
                name="worth_of_kind",
            ),
            models.UniqueConstraint(
                fields=["rule_id", "timeframe", "horizon"],
                condition=models.Q(rule_id__isnull=False),
                name="worth_of_rule",
            ),
        ]

    def __str__(self) -> str:
        kind = self.pattern if self.rule_id is None else f"rule {self.rule_id}"
        return f"{kind} {self.timeframe} after {self.horizon} bars"
