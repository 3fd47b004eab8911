"""Sending bars, and the list of accepted bars."""

from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
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
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED, HTTP_400_BAD_REQUEST, HTTP_429_TOO_MANY_REQUESTS

from scanner_app import mailbox
from scanner_app.api.base import ListViewSet
from scanner_app.api.body import PARSERS, too_many
from scanner_app.api.errors import RETRY_AFTER_S, DetailOut
from scanner_app.api.fields import TimeframeIn
from scanner_app.api.filter_fields import SymbolAndTimeFilters, TimeframeFilter
from scanner_app.api.foreign_shapes import refusal
from scanner_app.api.permissions import MayWriteBars
from scanner_app.api.timelines import StoryOut
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import ingest
from scanner_app.engine.ingest import REASONS
from scanner_app.models import Bar
from scanner_app.reading import timeline

MAX_MESSAGE = 300
"""Characters of a rejection's message. It quotes the value that the client sent, which may be a megabyte."""

HOW_TO_REVISE = "the stored bar has other values and was not changed; to replace them, send the bar with ?revise=true"
"""What a conflict says."""

FLAGS = {"true": True, "1": True, "false": False, "0": False}
"""How a query parameter says yes or no."""

PROCESSING = "processing"
"""Status of a bar that is the head of an enabled symbol. It follows from the symbol's row and is not stored."""

BAR_STATUSES = [PROCESSING, *list(BarStatus)]
"""Every status that the API shows."""

IS_PROCESSING = Q(status=BarStatus.WAITING, sequence=F("symbol__status__head"), symbol__enabled=True)
"""Chooses the bars whose status is PROCESSING."""


class BarIn(serializers.Serializer[Any]):
    """A bar to accept."""

    # For the schema only: engine/ingest.py reads the raw values, because a serializer is too slow for thousands.

    symbol = serializers.CharField()
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


class ValuesOut(serializers.Serializer[Any]):
    """The values of a bar that its feed sends."""

    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(allow_null=True)


class ConflictOut(serializers.Serializer[Any]):
    """A bar that is known already and was sent again with other values. Sent with `?revise=true`, they replace it."""

    index = serializers.IntegerField(help_text="the bar's place in the request, counted from 0")
    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    timestamp = serializers.DateTimeField()
    stored = ValuesOut()
    sent = ValuesOut()
    message = serializers.CharField()


class RejectionOut(serializers.Serializer[Any]):
    """A bar that was not accepted."""

    index = serializers.IntegerField(help_text="the bar's place in the request, counted from 0")
    field = serializers.CharField()
    reason = serializers.ChoiceField(["invalid", "off_grid", "too_old", *REASONS])
    message = serializers.CharField()


class ReportOut(serializers.Serializer[Any]):
    """What happened to the bars of one request."""

    accepted = serializers.IntegerField(help_text="including new values for bars in quarantine and for discarded bars")
    duplicates = serializers.IntegerField()
    forming = serializers.IntegerField(help_text="bars whose period is not over: shown, not processed")
    revised = serializers.IntegerField(help_text="known bars whose values were replaced")
    conflicts = ConflictOut(many=True)
    rejected = RejectionOut(many=True)


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
        return PROCESSING if _is_head(bar) and bar.enabled else str(bar.status)

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

    lookup_value_regex = "[0-9]+"
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
            OpenApiParameter(
                "revise",
                OpenApiTypes.BOOL,
                description="true: new values for known bars are revisions, which replace the stored ones",
            ),
            OpenApiParameter(
                "Content-Encoding",
                enum=["gzip"],
                location=OpenApiParameter.HEADER,
                description=f"for a packed body; it unpacks to at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes",
            ),
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
                ReportOut,
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
        """
        report = ingest.accept(
            _bars(request.data),
            now=timezone.now(),
            revising=_flag(request, "revise"),
            source=request.user.get_username(),
        )
        code, headers = _verdict(report)
        return Response(_report(report), status=code, headers=headers)

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
        if (bar := Bar.objects.filter(symbol__deleted_at=None, pk=int(id)).first()) is None:
            raise NotFound(f"Bar {id} not found")
        return Response(StoryOut({"next": None, "previous": None, "results": timeline.story(bar)}).data)


def _bars(data: Any) -> list[Any]:
    """The bars of a request's body. Raises ParseError or TooLarge."""
    if foreign := refusal(data):
        raise ParseError(foreign)
    bars = [data] if isinstance(data, dict) else data
    if not isinstance(bars, list):
        raise ParseError(f"Send a bar, or a list of 1 to {ingest.MAX_BARS:,} bars, not {type(data).__name__}.")
    if not bars:
        raise ParseError("The list is empty: send at least one bar.")
    if len(bars) > ingest.MAX_BARS:
        raise too_many(f"{len(bars):,}")
    return bars


def _flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false; false without it. Raises ParseError for anything else."""
    value = request.query_params.get(name, "false").lower()
    if value not in FLAGS:
        raise ParseError(f"{name} must be true or false, not {value!r}.")
    return FLAGS[value]


def _verdict(report: ingest.Report) -> tuple[int, dict[str, str]]:
    """The status code and the headers of the answer."""
    if report.accepted or report.duplicates or report.forming or report.revised:
        return HTTP_202_ACCEPTED, {}
    if not report.conflicts and all(one.reason == mailbox.Verdict.BACKLOG_FULL for one in report.rejected):
        return HTTP_429_TOO_MANY_REQUESTS, {"Retry-After": str(RETRY_AFTER_S)}
    return HTTP_400_BAD_REQUEST, {}


def _report(report: ingest.Report) -> dict[str, Any]:
    """The answer's body, as ReportOut describes it."""
    # Without serializers: for 5,000 bars they would take longer than accepting the bars did.
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "forming": report.forming,
        "revised": report.revised,
        "conflicts": [
            {
                "index": one.index,
                "symbol": one.symbol,
                "timeframe": one.timeframe,
                "timestamp": one.timestamp.isoformat().replace("+00:00", "Z"),
                "stored": one.stored,
                "sent": one.sent,
                "message": HOW_TO_REVISE,
            }
            for one in report.conflicts
        ],
        "rejected": [
            {"index": one.index, "field": one.field, "reason": one.reason, "message": one.message[:MAX_MESSAGE]}
            for one in report.rejected
        ],
    }
