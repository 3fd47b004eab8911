"""Failed attempts, each with its traceback."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from scanner_app.api.base import ListViewSet
from scanner_app.api.filter_fields import SymbolAndTimeFilters
from scanner_app.models import ProcessingFailure

FAULT_FIELDS = ["id", "symbol", "bar", "timestamp", "attempt", "failed_at", "error_type", "message", "traceback"]
"""What failed attempts and bars in quarantine have in common."""


class FailureOut(serializers.ModelSerializer[ProcessingFailure]):
    """A failed attempt of a bar."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")

    class Meta:
        model = ProcessingFailure
        fields = [*FAULT_FIELDS, "retry_delay_s", "next_attempt_at", "times"]


class FaultFilter(SymbolAndTimeFilters):
    """Query parameters of the lists of failed attempts and of bars in quarantine."""

    error_type = filters.CharFilter()


@extend_schema_view(list=extend_schema(summary="Failed attempts, newest first"))
class FailureViewSet(ListViewSet):
    """Failed attempts of all symbols, each with its traceback."""

    queryset = ProcessingFailure.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = FailureOut
    filterset_class = FaultFilter
