"""Failed attempts, each with its traceback."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.base import ListViewSet
from scanner_app.api.filter_fields import SymbolAndTimeFilters, TextFilter
from scanner_app.models import ProcessingFailure
from scanner_app.reading import failure_groups

FAULT_FIELDS = ["id", "symbol", "bar", "timestamp", "attempt", "failed_at", "error_type", "message", "traceback"]
"""What failed attempts and bars in quarantine have in common."""


class FailureOut(serializers.ModelSerializer[ProcessingFailure]):
    """A failed attempt of a bar."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")

    class Meta:
        model = ProcessingFailure
        fields = [*FAULT_FIELDS, "retry_delay_s", "next_attempt_at", "times"]


class FailureGroupOut(serializers.Serializer[Any]):
    """The failed attempts of one kind: of one detector, with errors of one type from one place."""

    id = serializers.CharField(help_text="of the kind, always the same")
    detector = serializers.CharField(allow_null=True, help_text="null: of no detector, or not known")
    error_type = serializers.CharField()
    place = serializers.CharField(allow_null=True, help_text="module, line and function; null: not known")
    symbols = serializers.IntegerField(help_text="how many symbols had them")
    times = serializers.IntegerField(help_text="failed attempts that are kept")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    version = serializers.CharField(allow_null=True, help_text="of the detector at the first; null: not known")
    worker_since = serializers.DateTimeField(
        allow_null=True, help_text="when the worker that had the first one was started; null: not known"
    )


class FailureGroupsOut(serializers.Serializer[Any]):
    """All kinds, in the form of a list with one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = FailureGroupOut(many=True, help_text="the latest failure first, at most 500")


class FailureGroupsIn(serializers.Serializer[Any]):
    """Query parameters of the kinds of failures."""

    detector = serializers.CharField(required=False, help_text="only those of this detector")


class FaultFilter(SymbolAndTimeFilters):
    """Query parameters of the lists of failed attempts and of bars in quarantine."""

    error_type = TextFilter()


@extend_schema_view(list=extend_schema(summary="Failed attempts, newest first"))
class FailureViewSet(ListViewSet):
    """Failed attempts of all symbols, each with its traceback."""

    queryset = ProcessingFailure.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = FailureOut
    filterset_class = FaultFilter

    @extend_schema(
        summary="Failed attempts by their kind",
        parameters=[FailureGroupsIn],
        filters=False,
        responses={(200, "application/json"): FailureGroupsOut},
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def groups(self, request: Request) -> Response:
        """Which detector failed how, where, on how many symbols, and what was started before."""
        asked = FailureGroupsIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = failure_groups.of_all(asked.validated_data.get("detector", ""))
        return Response({"next": None, "previous": None, "results": FailureGroupOut(found, many=True).data})
