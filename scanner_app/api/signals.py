"""Signals: what the detectors found."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from scanner_app.api.base import ListViewSet
from scanner_app.api.filter_fields import SymbolAndTimeFilters, TimeframeFilter
from scanner_app.detectors import Direction
from scanner_app.models import Signal


class SignalOut(serializers.ModelSerializer[Signal]):
    """A signal: what a detector found on a bar."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")

    class Meta:
        model = Signal
        fields = [
            "id",
            "symbol",
            "timeframe",
            "timestamp",
            "bar",
            "detector",
            "pattern",
            "direction",
            "strength",
            "late",
            "revised",
            "withdrawn_at",
            "detector_version",
            "window_gaps",
            "created_at",
        ]


class SignalFilter(SymbolAndTimeFilters):
    """Query parameters of the list of signals."""

    timeframe = TimeframeFilter()
    detector = filters.CharFilter()
    pattern = filters.CharFilter()
    direction = filters.ChoiceFilter(choices=[(one.value, one.value) for one in Direction])
    withdrawn = filters.BooleanFilter(
        field_name="withdrawn_at",
        lookup_expr="isnull",
        exclude=True,
        label="true: only signals that a re-run did not find again; false: only the others",
    )


@extend_schema_view(list=extend_schema(summary="Signals, newest first"))
class SignalViewSet(ListViewSet):
    """Signals of all symbols."""

    queryset = Signal.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = SignalOut
    filterset_class = SignalFilter
