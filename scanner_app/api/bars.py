"""Sending bars, and the list of accepted bars."""

from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.bar_reports import REVISE, NoBarTaken, ReportOut, answer
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.body import PARSERS, as_list
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import TickerIn, TimeframeIn, flag
from scanner_app.api.filter_fields import SymbolAndTimeFilters, TimeframeFilter
from scanner_app.api.foreign_shapes import refusal
from scanner_app.api.permissions import MayWriteBars
from scanner_app.api.timelines import StoryOut
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import ingest
from scanner_app.models import Bar
from scanner_app.reading import bar_status, timeline
from scanner_app.reading.bar_status import BAR_STATUSES, IS_PROCESSING, PROCESSING


class BarIn(serializers.Serializer[Any]):
    """A bar to accept."""

    # For the schema only: engine/ingest.py reads the raw values, because a serializer is too slow for thousands.

    symbol = TickerIn(help_text="ticker, in upper or lower case")
    timeframe = TimeframeIn(help_text="other names of these are understood too, such as 60m, 1Min, Daily or PT1H")
    timestamp = serializers.DateTimeField(help_text="the bar's opening time, ISO 8601 with an offset or Z")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(min_value=0, required=False, allow_null=True, help_text="absent or null: unknown")
    closed = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="whether the bar's period is over; by default its end by the symbol's calendar decides",
    )


class BarOut(serializers.ModelSerializer[Bar]):
    """An accepted bar."""

    # The viewset's query adds the symbol's columns: ticker, enabled, head, head_attempts.

    symbol = serializers.CharField(source="ticker")
    status = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()

    class Meta:
        model = Bar
        fields = [
            "id",
            "symbol",
            "timeframe",
            "timestamp",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "sequence",
            "status",
            "late",
            "held",
            "derived",
            "assumed",
            "revised",
            "attempts",
            "accepted_at",
            "finished_at",
            "latency_ms",
        ]

    @extend_schema_field(serializers.ChoiceField(BAR_STATUSES))
    def get_status(self, bar: Any) -> str:
        """The stored status, or `processing` for the head of an enabled symbol."""
        return bar_status.shown(bar.status, is_head=_is_head(bar), enabled=bar.enabled)

    def get_attempts(self, bar: Any) -> int:
        """How many attempts the bar took. For the head: how many have failed so far."""
        return int(bar.head_attempts if _is_head(bar) else bar.attempts)


def _is_head(bar: Any) -> bool:
    return bool(bar.sequence == bar.head)  # bar.head is None if the symbol has no head


class BarFilter(SymbolAndTimeFilters):
    """Query parameters of the list of bars."""

    timeframe = TimeframeFilter()
    status = filters.ChoiceFilter(method="of_status", choices=[(name, name) for name in BAR_STATUSES])

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The bars with this status, as the API shows it."""
        if value == PROCESSING:
            return queryset.filter(IS_PROCESSING)
        if value == BarStatus.WAITING:
            return queryset.filter(status=value).exclude(IS_PROCESSING)
        return queryset.filter(status=value)


@extend_schema_view(list=extend_schema(summary="Bars, newest first"))
class BarViewSet(ListViewSet):
    """Accepted bars, and sending new ones."""

    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"

    queryset = Bar.objects.filter(symbol__deleted_at=None).annotate(
        # Not select_related(): the symbol's status row has kilobytes of JSON, which would be read for every bar.
        ticker=F("symbol__ticker"),
        enabled=F("symbol__enabled"),
        head=F("symbol__status__head"),
        head_attempts=F("symbol__status__attempts"),
    )
    serializer_class = BarOut
    filterset_class = BarFilter
    permissions = {"create": MayWriteBars}
    parser_classes = PARSERS

    @extend_schema(
        summary="Send one bar or a list of 1 to 5,000",
        parameters=[
            REVISE,
        ],
        request={
            "application/json": PolymorphicProxySerializer(
                component_name="OneOrManyBars",
                serializers=[BarIn, BarIn(many=True)],
                resource_type_field_name=None,
                many=False,
            ),
            "application/x-ndjson": BarIn,
            "application/jsonl": BarIn,
        },
        responses={
            202: OpenApiResponse(
                ReportOut, "at least one bar was accepted, was known already or is forming; accepted bars are committed"
            ),
            400: OpenApiResponse(
                NoBarTaken,
                "every bar was rejected or in conflict; or only `detail`: the body is not JSON, has no bars, or has "
                "the shape of another program's bars",
            ),
            413: OpenApiResponse(DetailOut, "more than 5,000 bars, or too many bytes"),
            429: OpenApiResponse(ReportOut, "every bar was rejected as `backlog_full`: send them again later"),
        },
    )
    def create(self, request: Request) -> Response:
        """Accept bars. The answer names each bar that was not accepted, and says why.

        A bar that is reported as accepted is committed. Sending it again is harmless: it counts as a duplicate.
        The body may be packed, with `Content-Encoding: gzip`.
        """
        report = ingest.accept(
            _bars(request.data),
            now=timezone.now(),
            revising=flag(request, "revise"),
            source=request.user.get_username(),
        )
        return answer(report)

    @extend_schema(
        summary="What happened to a bar, newest first",
        operation_id="bars_timeline",
        responses={200: StoryOut, 404: OpenApiResponse(DetailOut, "no such bar")},
        parameters=[
            OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the bar's id, from the list")
        ],
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def timeline(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - named after the address; DRF's signature
        """When it was accepted, each failed attempt and what followed, its result and its signals. Never paged."""
        bar = self.row_of(id, "Bar", among=Bar.objects.filter(symbol__deleted_at=None))
        return Response(StoryOut({"next": None, "previous": None, "results": timeline.story(bar)}).data)


def _bars(data: Any) -> list[Any]:
    """The bars of a request's body. Raises ParseError or TooLarge."""
    if foreign := refusal(data):
        raise ParseError(foreign)
    return as_list(data)
