"""The watch list, each symbol on it, and operators' actions on a symbol."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from scanner_app import mailbox
from scanner_app.api.base import ListViewSet
from scanner_app.api.errors import Conflict, DetailOut
from scanner_app.api.explanations import ExplanationOut
from scanner_app.api.fields import MAX_REASON, ActIn
from scanner_app.api.filter_fields import SymbolFilters
from scanner_app.api.gaps import GapsIn, GapsOut
from scanner_app.api.permissions import MayOperate, MayReadStatus
from scanner_app.api.timelines import LineOut
from scanner_app.domain import breaker, tickers
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.enums import Lane, RerunCause, SymbolState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine import forming, gaps, removal
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Symbol
from scanner_app.reading import explanation, quarantine_entries, reruns, symbol_status, symbols, timeline

TICKER = OpenApiParameter(
    "symbol", OpenApiTypes.STR, OpenApiParameter.PATH, description="ticker in upper or lower case, percent-encoded"
)

NO_SUCH = OpenApiResponse(DetailOut, "no such symbol")


class SymbolOut(serializers.Serializer[Any]):
    """The status of one symbol, in a list."""

    id = serializers.IntegerField()
    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    last_processed = serializers.DateTimeField(allow_null=True)
    consecutive_failures = serializers.IntegerField()
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    avg_latency_ms = serializers.FloatField(help_text="0 if no bar was processed yet")
    p95_latency_ms = serializers.IntegerField(help_text="0 if no bar was processed yet")
    bars_processed = serializers.IntegerField()
    backlog = serializers.IntegerField(help_text="accepted bars that are not finished, the head included")
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(
        allow_null=True,
        help_text="when the head will run; null if it is due or running, if there is no head, or while disabled",
    )
    enabled = serializers.BooleanField()
    lane = serializers.ChoiceField(list(Lane))
    is_stale = serializers.BooleanField(help_text="the symbol's feed is late, counted in its market's trading time")
    data_age_seconds = serializers.FloatField(
        allow_null=True, help_text="seconds since the end of the newest known bar; null if there is none"
    )
    stale_for_s = serializers.FloatField(help_text="seconds of trading time by which the feed is late; 0 unless stale")
    calendar = serializers.CharField(help_text="the symbol's own trading calendar, or the one from SCANNER_CALENDARS")
    gaps = serializers.IntegerField(help_text="gaps in the last 500 bars of each timeframe; counted once a minute")
    created_at = serializers.DateTimeField()


class RerunOut(serializers.Serializer[Any]):
    """A span of bars that the detectors look at again, because something changed after they were processed."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    first = serializers.DateTimeField(help_text="timestamp of the first changed bar")
    last = serializers.DateTimeField(help_text="timestamp of the last changed bar")
    cause = serializers.ChoiceField(list(RerunCause))
    detector = serializers.CharField(allow_null=True, help_text="the only detector that looks again; null: all of them")
    bars_done = serializers.IntegerField()
    bars_left = serializers.IntegerField(help_text="changed bars, without those whose windows reach them")
    failures = serializers.IntegerField(help_text="of a detector at the bar where it goes on, in a row")
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="after a failure; else null")
    last_error = serializers.CharField(allow_null=True)


class FormingOut(serializers.Serializer[Any]):
    """A bar whose period is not over."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField(help_text="its last price so far")
    volume = serializers.FloatField(allow_null=True)


class OneSymbolOut(SymbolOut):
    """The status of one symbol, with some fields more than in a list."""

    is_slow = serializers.BooleanField(
        help_text="the p95 latency of the last five minutes is over SCANNER_ALERT_P95_MS"
    )
    quarantined = serializers.IntegerField(help_text="bars of the symbol in quarantine")
    reruns = RerunOut(many=True, help_text="spans of bars that the detectors still look at again")
    forming = FormingOut(many=True, help_text="of each timeframe the newest forming bar, the shortest first")


class SymbolIn(serializers.Serializer[Any]):
    """A symbol to put on the watch list."""

    symbol = serializers.CharField(help_text="ticker; it is stored in upper case")

    def validate_symbol(self, value: str) -> str:
        """The ticker as it is stored."""
        try:
            return tickers.normalise(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class SymbolChangeIn(serializers.Serializer[Any]):
    """What can be changed about a symbol."""

    enabled = serializers.BooleanField(required=False)
    calendar = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="a name from exchange_calendars; empty for the calendar from SCANNER_CALENDARS",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)

    def validate_calendar(self, value: str) -> str:
        """The calendar's name. Raises ValidationError if there is no such calendar."""
        if value and value not in NAMES:
            raise serializers.ValidationError(f"{value!r} is not a trading calendar: {hint(value)}")
        return value


class DeleteIn(ActIn):
    """Query parameters for deleting a symbol."""

    force = serializers.BooleanField(
        required=False, default=False, help_text="delete it even if bars wait; these are lost"
    )


class WatchListFilter(SymbolFilters):
    """Query parameters of the watch list."""

    symbol_column = "pk"

    enabled = filters.BooleanFilter()


def _documented_action(summary: str, more: dict[int, Any] | None = None) -> Callable[[Any], Any]:
    """The schema of an operator's action on a symbol."""
    return extend_schema(
        summary=summary, request=ActIn, responses={200: OneSymbolOut, 404: NO_SUCH, **(more or {})}, parameters=[TICKER]
    )


@extend_schema_view(list=extend_schema(summary="The watch list, newest first"))
class SymbolViewSet(ListViewSet):
    """The watch list, each symbol on it, and operators' actions on a symbol."""

    queryset = symbol_status.shown_symbols()
    serializer_class = SymbolOut
    filterset_class = WatchListFilter
    lookup_field = "ticker"
    lookup_url_kwarg = "symbol"
    lookup_value_regex = ".*[^/]"  # a slash too, as in BTC/USD; Router puts the actions' routes before this one
    permissions = {
        "list": MayReadStatus,
        "retrieve": MayReadStatus,
        "status": MayReadStatus,
        "gaps": MayReadStatus,
        "create": MayOperate,
        "partial_update": MayOperate,
        "destroy": MayOperate,
        "reset": MayOperate,
        "skip": MayOperate,
        "enable": MayOperate,
        "disable": MayOperate,
    }

    def _show(self, symbol_id: int, code: int = HTTP_200_OK) -> Response:
        """The symbol's status as it is now, read again from the database."""
        symbol, now = symbol_status.shown_symbols().get(pk=symbol_id), timezone.now()
        shown = {
            **asdict(symbol_status.summary(symbol, now)),
            "is_slow": symbol.ticker in symbol_status.slow_symbols(now, symbol=symbol_id),
            "quarantined": quarantine_entries.open_entries().filter(symbol=symbol_id).count(),
            "reruns": [asdict(one) for one in reruns.progress(symbol)],
            "forming": forming.of_symbol(symbol, now),
        }
        return Response(OneSymbolOut(shown).data, status=code)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """For a list, a serializer of the symbols' statuses instead of their rows."""
        if kwargs.get("many"):
            now = timezone.now()
            args = ([symbol_status.summary(symbol, now) for symbol in args[0]],)
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        summary="Put a symbol on the watch list",
        request=SymbolIn,
        responses={
            201: OneSymbolOut,
            409: OpenApiResponse(
                DetailOut, "it is already on the watch list, is being deleted, or the watch list is full"
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """The symbol is enabled and has no bars. Workers begin to consume its queue within seconds."""
        body = SymbolIn(data=request.data)
        body.is_valid(raise_exception=True)
        ticker = body.validated_data["symbol"]
        at_most, by = settings.SCANNER_MAX_SYMBOLS, request.user.get_username()
        # No look-up first: of two requests at the same moment, only one creates the symbol, and `watched` says which.
        watched = create_symbols([ticker], at_most=at_most, now=timezone.now(), by=by)
        if ticker in watched.known:
            if Symbol.objects.filter(ticker=ticker, deleted_at__isnull=False).exists():
                raise Conflict(f"Symbol {ticker} is being deleted; it can be added again when that is done")
            raise Conflict(f"Symbol {ticker} is already on the watch list")
        if ticker not in watched.created:
            raise Conflict(f"The watch list is full: SCANNER_MAX_SYMBOLS is {at_most}")
        return self._show(Symbol.objects.values_list("pk", flat=True).get(ticker=ticker), HTTP_201_CREATED)

    @extend_schema(summary="One symbol", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    def retrieve(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """The same answer as `status`."""
        return self._show(symbols.get(symbol).pk)

    @extend_schema(
        summary="Enable or disable a symbol, or change its trading calendar",
        request=SymbolChangeIn,
        responses={200: OneSymbolOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    def partial_update(self, request: Request, symbol: str) -> Response:
        """Fields that are not sent stay as they are. Values that the symbol has already leave no event."""
        found = symbols.get(symbol)
        body = SymbolChangeIn(data=request.data)
        body.is_valid(raise_exception=True)
        by, now, reason = request.user.get_username(), timezone.now(), body.validated_data["reason"]
        if "enabled" in body.validated_data:
            act = mailbox.enable if body.validated_data["enabled"] else mailbox.disable
            act(found, by=by, now=now, reason=reason)
        if "calendar" in body.validated_data:
            mailbox.set_calendar(found, body.validated_data["calendar"], by=by, now=now, reason=reason)
        return self._show(found.pk)

    @extend_schema(
        summary="Delete a symbol",
        parameters=[TICKER, DeleteIn],
        responses={
            202: OpenApiResponse(DetailOut, "the symbol is hidden, and its rows are being removed"),
            404: NO_SUCH,
            409: OpenApiResponse(DetailOut, "bars wait, and `force` was not true"),
        },
    )
    def destroy(self, request: Request, symbol: str) -> Response:
        """It is hidden at once, and its rows are removed in the background.

        Until all rows are gone, its bars are refused as `deleted`.
        """
        found = symbols.get(symbol)
        query = DeleteIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        removal.delete(found, by=request.user.get_username(), now=timezone.now(), **query.validated_data)
        return Response({"detail": f"Symbol {found.ticker} is being deleted"}, status=HTTP_202_ACCEPTED)

    @extend_schema(summary="The status of one symbol", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    @action(detail=True, methods=["get"])
    def status(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """Its state, breaker, latency, backlog and next attempt, among others."""
        return self._show(symbols.get(symbol).pk)

    @extend_schema(
        summary="Why a symbol is in its state, what happens next, and what can be done",
        responses={200: ExplanationOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    @action(detail=True, methods=["get"])
    def explain(self, request: Request, symbol: str) -> Response:
        """In plain sentences. It also explains a symbol that is being deleted, until its rows are gone."""
        found = symbols.get(symbol, among=explanation.symbols())
        explained = explanation.explain(found, timezone.now())
        allowed = MayOperate().has_permission(request, self)
        actions = [{**asdict(one), "allowed": allowed} for one in explained.actions]
        shown = {**asdict(explained), "symbol": found.ticker, "text": explained.text, "actions": actions}
        return Response(ExplanationOut(shown).data)

    @extend_schema(
        summary="What happened to a symbol, newest first",
        operation_id="symbols_timeline",
        responses={200: LineOut(many=True), 404: NO_SUCH},
        parameters=[TICKER],
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def timeline(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """Every change of its state, every operator's action, and each failed attempt with its error."""
        page = self.paginate_queryset(timeline.events().filter(symbol_id=symbols.get(symbol).pk))
        return self.get_paginated_response(LineOut(timeline.lines(page or []), many=True).data)

    @extend_schema(
        summary="Bars that are missing in a symbol's series, newest first",
        responses={200: GapsOut, 404: NO_SUCH},
        parameters=[TICKER, GapsIn],
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def gaps(self, request: Request, symbol: str) -> Response:
        """Judged by the symbol's trading calendar, in the last 500 bars of each timeframe."""
        found = symbols.get(symbol, among=symbol_status.shown_symbols())
        query = GapsIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = gaps.of_symbol(found, timezone.now(), query.validated_data.get("timeframe"))
        return Response(GapsOut({"next": None, "previous": None, "results": rows}).data)

    @_documented_action("Reset the symbol: close the breaker and run the head now")
    @action(detail=True, methods=["post"])
    def reset(self, request: Request, symbol: str) -> Response:
        """Sets failures and attempts to 0. It also ends a hold."""
        return self._act(mailbox.reset, request, symbol)

    @_documented_action(
        "Skip the head: send it to quarantine now", {409: OpenApiResponse(DetailOut, "there is no head to skip")}
    )
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, symbol: str) -> Response:
        """The next bar becomes the head."""
        return self._act(mailbox.skip, request, symbol)

    @_documented_action("Enable the symbol: let its bars run again")
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, symbol: str) -> Response:
        """The waiting head runs first. Nothing happens if the symbol is already enabled."""
        return self._act(mailbox.enable, request, symbol)

    @_documented_action("Disable the symbol: let none of its bars run")
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, symbol: str) -> Response:
        """A bar that is running may finish. New bars are accepted and wait."""
        return self._act(mailbox.disable, request, symbol)

    def _act(self, act: Callable[..., object], request: Request, ticker: str) -> Response:
        """Act on the symbol in the user's name and answer with its new status."""
        symbol = symbols.get(ticker)
        body = ActIn(data=request.data)
        body.is_valid(raise_exception=True)
        act(symbol, by=request.user.get_username(), now=timezone.now(), reason=body.validated_data["reason"])
        return self._show(symbol.pk)
