"""The ledger of live feeds: which bars they missed, and what became of each hole."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import Conflict, DetailOut
from scanner_app.api.fields import TEXT
from scanner_app.api.filter_fields import SymbolFilters, TimeframeFilter
from scanner_app.api.permissions import MayOperate
from scanner_app.domain import feed_sentences
from scanner_app.domain.enums import GapCause, GapState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.live import ledger
from scanner_app.models import Gap, Symbol
from scanner_app.models.choices import choices_of
from scanner_app.reading import symbols


class LedgerGapOut(serializers.ModelSerializer[Gap]):
    """A hole that a live feed found in one of its series."""

    symbol = serializers.CharField(source="symbol.ticker")
    feed = serializers.CharField(source="feed.name", allow_null=True, default=None, help_text="null: it was removed")
    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    cause = serializers.ChoiceField([one.value for one in GapCause])
    state = serializers.ChoiceField([one.value for one in GapState])

    class Meta:
        model = Gap
        fields = [
            "id",
            "symbol",
            "feed",
            "timeframe",
            "first",
            "last",
            "missing",
            "refilled",
            "found_at",
            "cause",
            "state",
            "asked",
            "next_ask_at",
            "ended_at",
            "ended_by",
            "last_error",
        ]
        extra_kwargs = {
            "first": {"help_text": "opening of the first missing bar"},
            "last": {"help_text": "opening of the last missing bar"},
            "missing": {"help_text": "bars, when it was found"},
            "refilled": {"help_text": "of these, how many have come since"},
            "asked": {"help_text": "how often the venue has answered for it"},
            "next_ask_at": {"help_text": "while it is open"},
            "ended_by": {"help_text": "who gave it up; empty: nobody had to"},
        }


class GapFilter(SymbolFilters):
    """Query parameters of the ledger."""

    timeframe = TimeframeFilter()
    state = filters.ChoiceFilter(choices=choices_of(GapState))


@extend_schema_field(TEXT)
class TickerQuery(serializers.CharField):
    """A ticker in an address."""


class SummaryIn(serializers.Serializer[Any]):
    """Query parameters of a day's summary."""

    symbol = TickerQuery(required=False, help_text="ticker; without it, of all symbols")
    day = serializers.DateField(required=False, help_text="in UTC; without it, today")


class SummaryOut(serializers.Serializer[Any]):
    """What became of the holes that were found on a day. All but `holes` are numbers of bars."""

    day = serializers.DateField()
    symbol = serializers.CharField(help_text="empty: all")
    holes = serializers.IntegerField()
    missing = serializers.IntegerField()
    refilled = serializers.IntegerField()
    empty = serializers.IntegerField(help_text="the venue has none")
    given_up = serializers.IntegerField()
    open = serializers.IntegerField(help_text="still missing, and asked for")
    sentence = serializers.CharField(help_text="the same in words")


GAP = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the hole's id, from the list")


@extend_schema_view(list=extend_schema(summary="Holes in the series of live feeds, newest first"))
class GapViewSet(ListViewSet):
    """The ledger of live feeds."""

    queryset = Gap.objects.filter(symbol__deleted_at=None).select_related("symbol", "feed")
    serializer_class = LedgerGapOut
    filterset_class = GapFilter
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = {"give_up": MayOperate}

    @extend_schema(
        summary="Give up a hole",
        parameters=[GAP],
        request=None,
        responses={200: LedgerGapOut, 409: OpenApiResponse(DetailOut, "it is not open any more")},
        filters=False,
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def give_up(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """The venue is not asked for it any more. Bars that come all the same are taken."""
        row = self.row_of(id, "Gap")
        if not ledger.give_up(row.pk, by=request.user.get_username(), now=timezone.now()):
            raise Conflict(f"Gap {id} is not open any more")
        return Response(LedgerGapOut(self.row_of(id, "Gap")).data)

    @extend_schema(
        summary="What became of the holes found on a day",
        parameters=[SummaryIn],
        responses={200: SummaryOut, 404: OpenApiResponse(DetailOut, "no such symbol")},
        filters=False,
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def summary(self, request: Request) -> Response:
        """Did we miss anything today? In numbers, and as a sentence."""
        query = SummaryIn(data={name: value for name, value in request.query_params.items() if value})
        query.is_valid(raise_exception=True)
        today = timezone.now().date()
        day, ticker = query.validated_data.get("day", today), query.validated_data.get("symbol")
        symbol = symbols.get(ticker) if ticker else None
        return Response(SummaryOut(summary_of(day, today, symbol)).data)


def summary_of(day: Any, today: Any, symbol: Symbol | None = None) -> dict[str, Any]:
    """A day's summary, as SummaryOut describes it. One query."""
    since = datetime.combine(day, datetime.min.time(), UTC)
    found = ledger.summary(since=since, until=since + timedelta(days=1), symbol=symbol)
    sentence = feed_sentences.day_summary(
        "today" if day == today else day.isoformat(),
        holes=found.holes,
        missing=found.missing,
        refilled=found.refilled,
        empty=found.empty,
        given_up=found.given_up,
        still_open=found.open,
    )
    return {
        "day": day,
        "symbol": symbol.ticker if symbol else "",
        "holes": found.holes,
        "missing": found.missing,
        "refilled": found.refilled,
        "empty": found.empty,
        "given_up": found.given_up,
        "open": found.open,
        "sentence": sentence,
    }
