"""How rules, their words and their answers are described in answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scanner_app.models import Rule, RuleFailure
from scanner_app.signals import rules
from scanner_app.trader_rules import ExpressionError, compiled

MAX_FAILURES = 20
"""Failures that are shown with a rule, newest first."""

NUMBER_OR_NULL = {"type": "number", "nullable": True}


class RuleFailureOut(serializers.ModelSerializer[RuleFailure]):
    """A series on which the rule failed. It is off there until the rule is changed."""

    symbol = serializers.CharField(source="symbol.ticker")

    class Meta:
        model = RuleFailure
        fields = ["symbol", "timeframe", "timestamp", "error", "at"]


class RuleOut(serializers.ModelSerializer[Rule]):
    """A rule."""

    watchlist = serializers.IntegerField(source="watchlist_id", allow_null=True, help_text="null: all symbols")
    timeframes = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.IntegerField())
    owner = serializers.CharField(source="owner.username")
    state = serializers.SerializerMethodField(help_text="`on`, `off`, or `failed`: as a whole or on some series")
    problem = serializers.SerializerMethodField(help_text="why it is failed as a whole; empty if it is not")
    failures = serializers.SerializerMethodField(help_text="the newest series on which it failed")
    bars_needed = serializers.SerializerMethodField(help_text="bars of its longest window; 0 if it can't be asked")

    class Meta:
        model = Rule
        fields = [
            "id",
            "name",
            "expression",
            "watchlist",
            "timeframes",
            "cooldown_s",
            "tell_within_s",
            "channels",
            "tell_late",
            "enabled",
            "state",
            "problem",
            "failures",
            "bars_needed",
            "owner",
            "shared",
            "created_at",
            "changed_at",
        ]

    @extend_schema_field({"type": "string", "enum": ["on", "off", "failed"]})
    def get_state(self, row: Any) -> str:
        """Whether it looks at bars."""
        return rules.state_of(row, failing=row.failing, problem=self.get_problem(row))

    def get_problem(self, row: Any) -> str:
        """What is wrong with it as a whole."""
        return rules.problem_of(row, listed=row.listed)

    @extend_schema_field(RuleFailureOut(many=True))
    def get_failures(self, row: Any) -> Any:
        """Where it failed. Most rules never do, and cost no query for it."""
        return RuleFailureOut(rules.failures_of(row, MAX_FAILURES), many=True).data if row.failing else []

    def get_bars_needed(self, row: Rule) -> int:
        """The longest window of its timeframes."""
        try:
            expression = compiled(row.expression)
        except ExpressionError:
            return 0
        return max(expression.bars_needed(timeframe) for timeframe in row.timeframes)


class OtherOut(serializers.Serializer[Any]):
    """Another timeframe of which an expression asks."""

    timeframe = serializers.CharField()
    bars_needed = serializers.IntegerField()


class CheckOut(serializers.Serializer[Any]):
    """An expression that can be a rule."""

    ok = serializers.BooleanField()
    bars_needed = serializers.IntegerField(help_text="bars of its window, the newest included")
    others = OtherOut(many=True, help_text="what it needs of other timeframes")
    text = serializers.CharField(help_text="the expression as it was understood")


@extend_schema_field({"type": "object", "additionalProperties": NUMBER_OR_NULL})
class ValuesOut(serializers.DictField):
    """Words with their values; null: not known."""


class PartOut(serializers.Serializer[Any]):
    """One part of a condition."""

    text = serializers.CharField()
    held = serializers.BooleanField(allow_null=True, help_text="null: not known")
    values = ValuesOut()


class WhyOut(serializers.Serializer[Any]):
    """What a rule says of a bar."""

    rule = serializers.IntegerField()
    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    timestamp = serializers.DateTimeField()
    bar = serializers.IntegerField()
    expression = serializers.CharField()
    held = serializers.BooleanField(allow_null=True, help_text="null: not known")
    parts = PartOut(many=True)


class WouldHitOut(serializers.Serializer[Any]):
    """A bar with which an expression would have hit."""

    bar = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    values = ValuesOut()


class TriedOutOut(serializers.Serializer[Any]):
    """What an expression says of stored bars."""

    bars = serializers.IntegerField(help_text="bars that were asked; fewer if there are no more")
    first = serializers.DateTimeField(allow_null=True)
    last = serializers.DateTimeField(allow_null=True)
    held = serializers.IntegerField(help_text="bars on which it held")
    not_known = serializers.IntegerField(help_text="bars of which it could not say: too few before them, or no volume")
    hits = WouldHitOut(many=True, help_text="oldest first")
    stopped = serializers.BooleanField(help_text="true: it took too long, and the newest bars were not asked")


class ArgumentOut(serializers.Serializer[Any]):
    """An argument of a word."""

    name = serializers.CharField()
    takes = serializers.CharField()
    default = serializers.CharField(allow_null=True, help_text="null: it must be given")


class WordOut(serializers.Serializer[Any]):
    """A word of rules."""

    name = serializers.CharField()
    gives = serializers.CharField()
    meaning = serializers.CharField()
    example = serializers.CharField()
    arguments = ArgumentOut(many=True)


class ReadyMadeOut(serializers.Serializer[Any]):
    """A rule to copy."""

    name = serializers.CharField()
    meaning = serializers.CharField()
    expression = serializers.CharField()
    timeframes = serializers.ListField(child=serializers.CharField())
    in_default_set = serializers.BooleanField(help_text="whether `POST rules/default-set` makes it")
