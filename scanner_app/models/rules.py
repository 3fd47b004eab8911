"""Traders' rules, what they said last, and their hits.

What the transaction that completes a bar writes (states, failures, hits) names a rule by its number alone, without a
foreign key: so no bar fails because a rule was deleted, and deleting one locks nothing that a bar needs.
"""

from django.contrib.auth.models import User
from django.db import models

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.bars import Bar
from scanner_app.models.symbols import Symbol
from scanner_app.models.watchlists import WatchList

_TIMEFRAMES = [(name, name) for name in TIMEFRAMES]


class Rule(models.Model):
    """A trader's condition on bars, and what is done when it becomes true. Written by signals/rules.py."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False, related_name="rules")
    name = models.CharField(max_length=100)
    expression = models.TextField()
    # None: all symbols. A list may be deleted although a rule uses it: the rule keeps its number, looks at nothing
    # and is shown as failed. Without the number it would suddenly look at all symbols.
    watchlist = models.ForeignKey(
        WatchList, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="rules"
    )
    timeframes = models.JSONField()  # a list, e.g. ["1m", "1h"]
    cooldown_s = models.IntegerField(default=0)  # in bar time, from one hit of a series to the next
    tell_within_s = models.IntegerField(null=True)  # after a bar's end; None: as long as the bar is fresh
    tell_late = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    shared = models.BooleanField(default=False)  # others may read and copy it; the owner alone changes it
    channels = models.JSONField(default=list)  # ids of the channels by which its hits are told
    revision = models.BigIntegerField(default=1)  # raised by each change after which its states do not count
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)  # hidden and disabled; its rows are being removed

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"], condition=models.Q(deleted_at=None), name="rule_name_of_owner"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RuleStates(models.Model):
    """What each rule said last of one series: one row, because a bar reads all of them and changes few.

    Written by mailbox/hits.py with the bar's completion. Entries of rules that no longer look at the series are dropped
    with the next bar.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="rule_states")
    timeframe = models.CharField(max_length=3, choices=_TIMEFRAMES)
    states = models.JSONField()  # {rule's id: [its revision, whether it held (null: failed), unix s of the last hit]}

    class Meta:
        verbose_name_plural = "rule states"
        constraints = [models.UniqueConstraint(fields=["symbol", "timeframe"], name="rule_states_series")]

    def __str__(self) -> str:
        return f"rules on {self.timeframe} bars of symbol {self.symbol_id}"


class RuleFailure(models.Model):
    """A rule that raised on a series and is off for it until the rule is changed. Written by mailbox/hits.py."""

    rule_id = models.BigIntegerField()
    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="rule_failures")
    timeframe = models.CharField(max_length=3, choices=_TIMEFRAMES)
    timestamp = models.DateTimeField()  # the bar's
    revision = models.BigIntegerField()  # of the rule; a failure of an earlier one is over
    error = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # Also the failures of a rule.
            models.UniqueConstraint(fields=["rule_id", "symbol", "timeframe"], name="rule_failure_series")
        ]
        indexes = [models.Index(fields=["symbol"], name="rule_failure_symbol")]

    def __str__(self) -> str:
        return f"rule {self.rule_id} on {self.timeframe} bars of symbol {self.symbol_id}"


class Hit(models.Model):
    """A rule that became true with a bar. Written by mailbox/hits.py with the bar's completion."""

    rule_id = models.BigIntegerField()
    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="hits")
    bar = models.ForeignKey(Bar, on_delete=models.CASCADE, db_index=False, related_name="hits")
    timeframe = models.CharField(max_length=3, choices=_TIMEFRAMES)
    timestamp = models.DateTimeField()  # the bar's
    values = models.JSONField()  # {word of the condition: its value, null if it was not known}
    late = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    # Whether its deliveries were made: signals/deliveries.py. What writes hits leaves it to the database.
    told = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bar", "rule_id"], name="hit_once")]
        indexes = [
            # Lists of one rule, or of one symbol, newest first, by cursor.
            models.Index(fields=["rule_id", "id"], name="hit_rule_newest"),
            models.Index(fields=["symbol", "id"], name="hit_symbol_newest"),
            # Lists of a span of time.
            models.Index(fields=["timestamp"], name="hit_timestamp"),
            # Hits whose deliveries are still to be made.
            models.Index(fields=["id"], name="hit_untold", condition=models.Q(told=False)),
        ]

    def __str__(self) -> str:
        return f"hit of rule {self.rule_id} on the {self.timeframe} bar of {self.timestamp:%Y-%m-%d %H:%M:%S}"
