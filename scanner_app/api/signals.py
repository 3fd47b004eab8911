"""Signals: what the detectors found."""

import csv
from collections.abc import AsyncIterator, Iterable
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.base import LARGEST_ID, ListViewSet
from scanner_app.api.filter_fields import (
    RuleFilter,
    SymbolAndTimeFilters,
    TextFilter,
    TimeFilter,
    TimeframeFilter,
    TruthFilter,
    WatchListFilter,
)
from scanner_app.api.renderers import JSONButFiles
from scanner_app.detectors import Direction
from scanner_app.models import Hit, Signal

MAX_CSV = 100_000
"""Rows of an answer as CSV. For more, ask for spans of time."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What the text of a cell may not begin with: spreadsheets take it for a formula."""

READ_AT_ONCE = 2_000
"""Rows that are fetched at once for it."""


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
    detector = TextFilter()
    pattern = TextFilter()
    direction = filters.ChoiceFilter(choices=[(one.value, one.value) for one in Direction])
    watchlist = WatchListFilter(
        help_text="id of a watch list of yours or a shared one: only the symbols that it names now"
    )
    withdrawn = TruthFilter(
        field_name="withdrawn_at",
        lookup_expr="isnull",
        exclude=True,
        label="true: only signals that a re-run did not find again; false: only the others",
    )
    created_from = TimeFilter(field_name="created_at", lookup_expr="gte", help_text="only signals found then or later")
    created_to = TimeFilter(field_name="created_at", lookup_expr="lt", help_text="only signals found before then")
    rule = RuleFilter(help_text="id of a rule of yours or a shared one: only signals of bars with which it hit")

    def of_rule(self, queryset: QuerySet[Any], rule_id: int) -> QuerySet[Any]:
        """The signals of the bars with which a rule hit."""
        return queryset.filter(bar_id__in=Hit.objects.filter(rule_id=rule_id).values("bar_id"))


class CSVFile(BaseRenderer):
    """Lets clients ask for CSV. The view makes the answer itself."""

    media_type = "text/csv"
    format = "csv"


@extend_schema_view(
    list=extend_schema(
        summary="Signals, newest first",
        responses={(200, "application/json"): SignalOut(many=True), (200, CSVFile.media_type): OpenApiTypes.STR},
    )
)
class SignalViewSet(JSONButFiles, ListViewSet):
    """Signals of all symbols. As CSV (`?format=csv`, or by the header Accept) all at once, instead of page by page."""

    renderer_classes = [JSONRenderer, CSVFile]

    queryset = Signal.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = SignalOut
    filterset_class = SignalFilter

    def list(  # type: ignore[override] # the stubs know no other answer of Django's
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response | StreamingHttpResponse:
        """A page of JSON; or CSV with a header line and the newest MAX_CSV rows."""
        if request.accepted_renderer.format != CSVFile.format:
            return super().list(request, *args, **kwargs)
        rows = self.filter_queryset(self.get_queryset()).order_by("-id")
        return StreamingHttpResponse(
            _as_csv(rows),
            content_type=f"{CSVFile.media_type}; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="signals.csv"'},
        )


async def _as_csv(rows: QuerySet[Signal]) -> AsyncIterator[str]:
    """The rows, some at a time as the client takes them: a slow one holds no thread and no snapshot meanwhile."""
    yield _lines([SignalOut.Meta.fields])
    before, left = LARGEST_ID, MAX_CSV
    while left:
        found = await sync_to_async(_some)(rows.filter(pk__lt=before), min(left, READ_AT_ONCE))
        if not found:
            return
        yield _lines(map(_harmless, one.values()) for one in found)
        before, left = found[-1]["id"], left - len(found)


def _some(rows: QuerySet[Signal], most: int) -> list[dict[str, Any]]:
    close_old_connections()  # in a thread that Django does not look after
    try:
        return list(SignalOut(rows[:most], many=True).data)
    finally:
        close_old_connections()


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets a quotation mark before it, as OWASP advises.

    Names of patterns are a detector's, tickers whoever sends bars: neither may compute on the reader's machine.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
