"""The watch list, one symbol's status, and the operators' acts on it."""

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
from scanner_app.api.filters import SymbolFilters
from scanner_app.api.gaps import GapsIn, GapsOut
from scanner_app.api.permissions import MayOperate, MayReadStatus
from scanner_app.api.timelines import LineOut
from scanner_app.domain import breaker, tickers
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.enums import Lane, SymbolState
from scanner_app.engine import removal
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Symbol
from scanner_app.reading import explanation, gaps, quarantine_entries, status, symbols, timeline

TICKER = OpenApiParameter(
    "symbol", OpenApiTypes.STR, OpenApiParameter.PATH, description="ticker in any case, percent-encoded"
)

NO_SUCH = OpenApiResponse(DetailOut, "no such symbol")


class SymbolOut(serializers.Serializer[Any]):
    """One symbol, as `status.SymbolSummary` has it."""

    id = serializers.IntegerField()
    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    last_processed = serializers.DateTimeField(allow_null=True)
    consecutive_failures = serializers.IntegerField()
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    avg_latency_ms = serializers.FloatField(help_text="0 without bars")
    p95_latency_ms = serializers.IntegerField(help_text="0 without bars")
    bars_processed = serializers.IntegerField()
    backlog = serializers.IntegerField(help_text="bars that are not done with, the head included")
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="when the head will really run; null: due, running, disabled, or none there"
    )
    enabled = serializers.BooleanField()
    lane = serializers.ChoiceField(list(Lane))
    is_stale = serializers.BooleanField(help_text="its feed is late, counted in its market's trading time")
    data_age_seconds = serializers.FloatField(
        allow_null=True, help_text="since the end of the newest bar known; null: no bar yet"
    )
    stale_for_s = serializers.FloatField(help_text="trading time beyond what its timeframe allows; 0 unless stale")
    calendar = serializers.CharField(help_text="its own, or that of SCANNER_CALENDARS")
    gaps = serializers.IntegerField(help_text="in its last 500 bars of each timeframe; counted every minute")
    created_at = serializers.DateTimeField()


class OneSymbolOut(SymbolOut):
    """One symbol that was asked for by itself."""

    is_slow = serializers.BooleanField(help_text="the p95 of its last five minutes is over the alert's limit")
    quarantined = serializers.IntegerField(help_text="its bars that wait in quarantine")


class SymbolIn(serializers.Serializer[Any]):
    """A symbol for the watch list."""

    symbol = serializers.CharField(help_text="ticker; stored in upper case")

    def validate_symbol(self, value: str) -> str:
        """The ticker as it is stored."""
        try:
            return tickers.normalise(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class SymbolChangeIn(serializers.Serializer[Any]):
    """What of a symbol may be changed."""

    enabled = serializers.BooleanField(required=False)
    calendar = serializers.CharField(
        required=False, allow_blank=True, help_text="a name of exchange_calendars; empty: by SCANNER_CALENDARS"
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)

    def validate_calendar(self, value: str) -> str:
        """The name of a calendar that there is."""
        if value and value not in NAMES:
            raise serializers.ValidationError(f"{value!r} is no trading calendar: {hint(value)}")
        return value


class DeleteIn(ActIn):
    """How to delete a symbol: the parameters of the request's address."""

    force = serializers.BooleanField(required=False, default=False, help_text="also while bars wait, which are lost")


class WatchListFilter(SymbolFilters):
    """Parameters of `symbols`."""

    symbol_column = "pk"

    enabled = filters.BooleanFilter()


def _documented_act(summary: str, more: dict[int, Any] | None = None) -> Callable[[Any], Any]:
    """The schema of an operator's act."""
    return extend_schema(
        summary=summary, request=ActIn, responses={200: OneSymbolOut, 404: NO_SUCH, **(more or {})}, parameters=[TICKER]
    )


@extend_schema_view(list=extend_schema(summary="The watch list, newest first"))
class SymbolViewSet(ListViewSet):
    """The watch list, and operators' acts on its symbols."""

    queryset = status.symbols()
    serializer_class = SymbolOut
    filterset_class = WatchListFilter
    lookup_field = "ticker"
    lookup_url_kwarg = "symbol"
    lookup_value_regex = ".*[^/]"  # BTC/USD too; the router puts the routes of actions before this one
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

    def show(self, symbol_id: int, code: int = HTTP_200_OK) -> Response:
        """The symbol as it is now."""
        symbol, now = status.symbols().get(pk=symbol_id), timezone.now()
        shown = {
            **asdict(status.symbol_status(symbol, now)),
            "is_slow": symbol.ticker in status.slow_symbols(now, symbol=symbol_id),
            "quarantined": quarantine_entries.open_entries().filter(symbol=symbol_id).count(),
        }
        return Response(OneSymbolOut(shown).data, status=code)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """The serializer, given the symbols' statuses rather than their rows."""
        if kwargs.get("many"):
            now = timezone.now()
            args = ([status.symbol_status(symbol, now) for symbol in args[0]],)
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        summary="Put a symbol on the watch list",
        request=SymbolIn,
        responses={
            201: OneSymbolOut,
            409: OpenApiResponse(DetailOut, "it is there already, is being deleted, or there is no room"),
        },
    )
    def create(self, request: Request) -> Response:
        """A new symbol, enabled and without bars; its queue is consumed within seconds."""
        asked = SymbolIn(data=request.data)
        asked.is_valid(raise_exception=True)
        ticker = asked.validated_data["symbol"]
        at_most, by = settings.SCANNER_MAX_SYMBOLS, request.user.get_username()
        # Asked of the call that creates, not before it: of two at one moment, one alone has created it.
        watched = create_symbols([ticker], at_most=at_most, now=timezone.now(), by=by)
        if ticker in watched.known:
            if Symbol.objects.filter(ticker=ticker, deleted_at__isnull=False).exists():
                raise Conflict(f"Symbol {ticker} is being deleted; add it again when it is gone")
            raise Conflict(f"Symbol {ticker} is on the watch list already")
        if ticker not in watched.created:
            raise Conflict(f"The watch list is full: SCANNER_MAX_SYMBOLS is {at_most}")
        return self.show(Symbol.objects.values_list("pk", flat=True).get(ticker=ticker), HTTP_201_CREATED)

    @extend_schema(summary="One symbol", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    def retrieve(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """The same as its status."""
        return self.show(symbols.get(symbol).pk)

    @extend_schema(
        summary="Enable or disable a symbol, or give it another trading calendar",
        request=SymbolChangeIn,
        responses={200: OneSymbolOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    def partial_update(self, request: Request, symbol: str) -> Response:
        """Change what is given; what is as asked already stays without a trace."""
        found = symbols.get(symbol)
        asked = SymbolChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        by, now, reason = request.user.get_username(), timezone.now(), asked.validated_data["reason"]
        if "enabled" in asked.validated_data:
            act = mailbox.enable if asked.validated_data["enabled"] else mailbox.disable
            act(found, by=by, now=now, reason=reason)
        if "calendar" in asked.validated_data:
            mailbox.set_calendar(found, asked.validated_data["calendar"], by=by, now=now, reason=reason)
        return self.show(found.pk)

    @extend_schema(
        summary="Delete a symbol",
        parameters=[TICKER, DeleteIn],
        responses={
            202: OpenApiResponse(DetailOut, "it is hidden, and its rows are being removed"),
            404: NO_SUCH,
            409: OpenApiResponse(DetailOut, "bars wait, and `force` was not given"),
        },
    )
    def destroy(self, request: Request, symbol: str) -> Response:
        """Hidden at once; its bars are refused as `deleted` until all its rows are gone, in the background."""
        found = symbols.get(symbol)
        asked = DeleteIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        removal.delete(found, by=request.user.get_username(), now=timezone.now(), **asked.validated_data)
        return Response({"detail": f"Symbol {found.ticker} is being deleted"}, status=HTTP_202_ACCEPTED)

    @extend_schema(summary="One symbol's status", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    @action(detail=True, methods=["get"])
    def status(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """State, breaker, latency, backlog and next attempt."""
        return self.show(symbols.get(symbol).pk)

    @extend_schema(
        summary="Why a symbol is as it is, what happens next, and what can be done",
        responses={200: ExplanationOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    @action(detail=True, methods=["get"])
    def explain(self, request: Request, symbol: str) -> Response:
        """In plain sentences. Answers for a symbol that is being deleted too, until its rows are gone."""
        found = symbols.get(symbol, among=explanation.symbols())
        said = explanation.explain(found, timezone.now())
        allowed = MayOperate().has_permission(request, self)
        actions = [{**asdict(one), "allowed": allowed} for one in said.actions]
        told = {**asdict(said), "symbol": found.ticker, "text": said.text, "actions": actions}
        return Response(ExplanationOut(told).data)

    @extend_schema(
        summary="What happened to a symbol, newest first",
        operation_id="symbols_timeline",
        responses={200: LineOut(many=True), 404: NO_SUCH},
        parameters=[TICKER],
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def timeline(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """Every change of its state and every operator's act, each failed attempt with its error."""
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
        """By the symbol's trading calendar, in the last 500 bars of each timeframe."""
        found = symbols.get(symbol, among=status.symbols())
        asked = GapsIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = gaps.of_symbol(found, timezone.now(), asked.validated_data.get("timeframe"))
        return Response(GapsOut({"next": None, "previous": None, "results": rows}).data)

    @_documented_act("Close the breaker and run the head now")
    @action(detail=True, methods=["post"])
    def reset(self, request: Request, symbol: str) -> Response:
        """Failures and attempts to 0; also the way out of a hold."""
        return self._act(mailbox.reset, request, symbol)

    @_documented_act("Set the head aside", {409: OpenApiResponse(DetailOut, "there is no head to skip")})
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, symbol: str) -> Response:
        """The head goes to quarantine now, the next bar is the head."""
        return self._act(mailbox.skip, request, symbol)

    @_documented_act("Let its bars run again")
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, symbol: str) -> Response:
        """The waiting head runs first. Nothing happens to a symbol that is enabled already."""
        return self._act(mailbox.enable, request, symbol)

    @_documented_act("Let none of its bars run")
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, symbol: str) -> Response:
        """A running bar may finish; bars are accepted and wait."""
        return self._act(mailbox.disable, request, symbol)

    def _act(self, act: Callable[..., object], request: Request, ticker: str) -> Response:
        """Have the mailbox do it in the user's name, and answer with what became of the symbol."""
        symbol = symbols.get(ticker)
        asked = ActIn(data=request.data)
        asked.is_valid(raise_exception=True)
        act(symbol, by=request.user.get_username(), now=timezone.now(), reason=asked.validated_data["reason"])
        return self.show(symbol.pk)
