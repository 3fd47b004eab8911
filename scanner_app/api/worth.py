"""What signals were worth."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from scanner_app.api.base import ListViewSet
from scanner_app.api.filter_fields import RuleFilter, TextFilter, TimeframeFilter
from scanner_app.domain.enums import WorthVerdict
from scanner_app.models import SignalWorth
from scanner_app.signals import rules
from scanner_app.signals.wording import sentence

MAX_HORIZON = 1_000
"""As SCANNER_WORTH_HORIZONS allows."""


class WorthOut(serializers.ModelSerializer[SignalWorth]):
    """One kind of signal, or one rule, at one horizon. Returns are shares: 0.01 is one percent."""

    rule = serializers.IntegerField(
        source="rule_id",
        allow_null=True,
        help_text="id of a rule, whose rows have no detector; null: a detector's signals",
    )
    horizon = serializers.IntegerField(help_text="bars after the signal")
    clusters = serializers.IntegerField(help_text="blocks of days with signals; each counts as one observation")
    baseline_return = serializers.FloatField(help_text="mean return of the same series at bars without the signal")
    hit_rate = serializers.FloatField(help_text="share of signals after which the price went where they point")
    lift = serializers.FloatField(help_text="mean_return minus baseline_return, counted in the signals' direction")
    words = serializers.SerializerMethodField(help_text="the figures in a sentence")
    lift_low = serializers.FloatField(allow_null=True, help_text="of the 95 % interval; null: too few")

    class Meta:
        model = SignalWorth
        fields = [
            "id",
            "rule",
            "detector",
            "pattern",
            "direction",
            "timeframe",
            "horizon",
            "count",
            "clusters",
            "mean_return",
            "baseline_return",
            "hit_rate",
            "baseline_hit_rate",
            "lift",
            "lift_low",
            "lift_high",
            "verdict",
            "words",
            "computed_at",
        ]

    def get_words(self, row: SignalWorth) -> str:
        """As the pages say it."""
        return sentence(row)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_HORIZON})
class HorizonFilter(filters.NumberFilter):  # type: ignore[misc] # django-filter has no types
    """The parameter `horizon`."""

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=MAX_HORIZON, decimal_places=0)


class WorthFilter(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """Query parameters of the list."""

    rule = RuleFilter(help_text="id of a rule of yours or a shared one")
    detector = TextFilter()
    pattern = TextFilter()
    timeframe = TimeframeFilter()
    horizon = HorizonFilter()
    of = filters.ChoiceFilter(choices=[("detectors", "detectors"), ("rules", "rules")], method="of_kind")
    verdict = filters.ChoiceFilter(choices=[(one.value, one.value) for one in WorthVerdict])

    def of_kind(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The rows of detectors, or those of rules."""
        return queryset.filter(rule_id__isnull=value == "detectors")

    def of_rule(self, queryset: QuerySet[Any], rule_id: int) -> QuerySet[Any]:
        """The rows of a rule."""
        return queryset.filter(rule_id=rule_id)


@extend_schema_view(list=extend_schema(summary="What each kind of signal was worth, as it was last worked out"))
class WorthViewSet(ListViewSet):
    """The price after signals, and after hits of the rules that one may read, beside the same series without them."""

    serializer_class = WorthOut
    filterset_class = WorthFilter
    queryset = SignalWorth.objects.none()  # for the schema

    def get_queryset(self) -> Any:
        """What the user may read."""
        return rules.readable_worth(self.request.user)
