"""Hits: rules that became true."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from scanner_app.api.base import ListViewSet
from scanner_app.api.filter_fields import RuleFilter, SymbolAndTimeFilters, TimeframeFilter, WatchListFilter
from scanner_app.api.rule_outputs import ValuesOut
from scanner_app.models import Hit
from scanner_app.signals import rules


class HitOut(serializers.ModelSerializer[Hit]):
    """A rule that became true with a bar."""

    rule = serializers.IntegerField(source="rule_id", help_text="the rule's id")
    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")
    values = ValuesOut(help_text="the words of the condition with their values on the bar")

    class Meta:
        model = Hit
        fields = ["id", "rule", "symbol", "timeframe", "timestamp", "bar", "values", "late", "created_at"]


class HitFilter(SymbolAndTimeFilters):
    """Query parameters of the list of hits."""

    rule = RuleFilter(help_text="id of a rule of yours or a shared one")
    timeframe = TimeframeFilter()
    watchlist = WatchListFilter(
        help_text="id of a watch list of yours or a shared one: only the symbols that it names now"
    )

    def of_rule(self, queryset: QuerySet[Any], rule_id: int) -> QuerySet[Any]:
        """The hits of one rule."""
        return queryset.filter(rule_id=rule_id)


@extend_schema_view(list=extend_schema(summary="Hits of your rules and of shared ones, newest first"))
class HitViewSet(ListViewSet):
    """Hits."""

    queryset = Hit.objects.none()  # for the schema
    serializer_class = HitOut
    filterset_class = HitFilter

    def get_queryset(self) -> Any:
        """What the user may read."""
        return rules.readable_hits(self.request.user)
