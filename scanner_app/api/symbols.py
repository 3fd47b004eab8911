"""The symbols, each of them, and operators' actions on a symbol."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
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
from scanner_app.api.fields import MAX_REASON, ActIn, TextIn, TickerIn, TruthIn, WholeIn
from scanner_app.api.filter_fields import SymbolFilters, TextFilter, TruthFilter
from scanner_app.api.gaps import GapsIn, GapsOut
from scanner_app.api.permissions import MayOperate, MayReadStatus
from scanner_app.api.symbol_outputs import OneSymbolOut, SymbolOut
from scanner_app.api.symbols_bulk import FILTER_HELP, BulkActions, DisableIn
from scanner_app.api.timelines import LineOut
from scanner_app.domain import tickers
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.enums import SymbolState
from scanner_app.engine import forming, gaps, removal
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Symbol
from scanner_app.models.choices import choices_of
from scanner_app.reading import (
    bar_page,
    explanation,
    quarantine_entries,
    reruns,
    strangers,
    symbol_filters,
    symbol_status,
    symbols,
    timeline,
)

TICKER = OpenApiParameter(
    "symbol", OpenApiTypes.STR, OpenApiParameter.PATH, description="ticker in upper or lower case, percent-encoded"
)

MAX_P95_MS = 3_600_000
"""The highest limit for slow bars: an hour."""

NO_SUCH = OpenApiResponse(DetailOut, "no such symbol")


class SymbolIn(serializers.Serializer[Any]):
    """A symbol to add."""

    symbol = TickerIn(help_text="ticker; it is stored in upper case")

    def validate_symbol(self, value: str) -> str:
        """The ticker as it is stored."""
        try:
            return tickers.normalise(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class SymbolChangeIn(serializers.Serializer[Any]):
    """What can be changed about a symbol."""

    enabled = TruthIn(required=False)
    calendar = TextIn(
        required=False,
        allow_blank=True,
        help_text="a name from exchange_calendars; empty for the calendar from SCANNER_CALENDARS",
    )
    p95_ms = WholeIn(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_P95_MS,
        help_text="p95 latency in ms over which the symbol is slow; null for SCANNER_ALERT_P95_MS",
    )
    reason = TextIn(required=False, allow_blank=True, default="", max_length=MAX_REASON)

    def validate_calendar(self, value: str) -> str:
        """The calendar's name. Raises ValidationError if there is no such calendar."""
        if value and value not in NAMES:
            raise serializers.ValidationError(f"{value!r} is not a trading calendar: {hint(value)}")
        return value


class DeleteIn(ActIn):
    """Query parameters for deleting a symbol."""

    force = TruthIn(required=False, default=False, help_text="delete it even if bars wait; these are lost")


class WatchListFilter(SymbolFilters):
    """Query parameters of the list of symbols."""

    symbol_column = "pk"

    enabled = TruthFilter()
    state = filters.ChoiceFilter(choices=choices_of(SymbolState), method="of_state")
    retrying = TruthFilter(method="of_retrying", help_text=FILTER_HELP["retrying"])
    error_type = TextFilter(method="of_error_type", help_text=FILTER_HELP["error_type"])

    def of_state(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The symbols in this state now."""
        return queryset.filter(symbol_filters.in_state(value, timezone.now()))

    def of_retrying(self, queryset: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        """The symbols that are retrying now, or all others."""
        retrying = symbol_filters.is_retrying(timezone.now())
        return queryset.filter(retrying if value else ~retrying)

    def of_error_type(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The symbols that fail with errors of this type now."""
        return queryset.filter(symbol_filters.fails_with(value))


def _documented_action(
    summary: str, more: dict[int, Any] | None = None, body: type[ActIn] = ActIn
) -> Callable[[Any], Any]:
    """The schema of an operator's action on a symbol."""
    return extend_schema(
        summary=summary, request=body, responses={200: OneSymbolOut, 404: NO_SUCH, **(more or {})}, parameters=[TICKER]
    )


@extend_schema_view(list=extend_schema(summary="The symbols, newest first"))
class SymbolViewSet(BulkActions, ListViewSet):
    """The symbols, each of them, and operators' actions on a symbol."""

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
        "reset_all": MayOperate,
        "skip_all": MayOperate,
        "enable_all": MayOperate,
        "disable_all": MayOperate,
    }

    def _show(self, symbol_id: int, code: int = HTTP_200_OK) -> Response:
        """The symbol's status as it is now, read again from the database."""
        symbol, now = symbol_status.shown_symbols().get(pk=symbol_id), timezone.now()
        shown = {
            **asdict(self._readable(symbol_status.summary(symbol, now))),
            "is_slow": symbol.ticker in symbol_status.slow_symbols(now, symbol=symbol_id),
            "quarantined": quarantine_entries.open_entries().filter(symbol=symbol_id).count(),
            "reruns": [asdict(self._readable(one)) for one in reruns.progress(symbol)],
            "forming": forming.of_symbol(symbol, now),
        }
        return Response(OneSymbolOut(shown).data, status=code)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """For a list, a serializer of the symbols' statuses instead of their rows."""
        if kwargs.get("many"):
            now = timezone.now()
            args = ([self._readable(symbol_status.summary(symbol, now)) for symbol in args[0]],)
        return super().get_serializer(*args, **kwargs)

    def _readable(self, row: strangers.Row) -> strangers.Row:
        """A row as the user of the request may read it."""
        return row if self.request.user.is_authenticated else strangers.row(row)

    @extend_schema(
        summary="Add a symbol",
        request=SymbolIn,
        responses={
            201: OneSymbolOut,
            409: OpenApiResponse(
                DetailOut, "it exists already, is being deleted, or there are as many symbols as there may be"
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """The symbol is enabled and has no bars. Nothing has to be started for it: its first bar runs at once."""
        body = SymbolIn(data=request.data)
        body.is_valid(raise_exception=True)
        ticker = body.validated_data["symbol"]
        at_most, by = settings.SCANNER_MAX_SYMBOLS, request.user.get_username()
        # No look-up first: of two requests at the same moment, only one creates the symbol, and `watched` says which.
        watched = create_symbols([ticker], at_most=at_most, now=timezone.now(), by=by)
        if ticker in watched.known:
            if Symbol.objects.filter(ticker=ticker, deleted_at__isnull=False).exists():
                raise Conflict(f"Symbol {ticker} is being deleted; it can be added again when that is done")
            raise Conflict(f"Symbol {ticker} exists already")
        if ticker not in watched.created:
            raise Conflict(f"There are as many symbols as there may be: SCANNER_MAX_SYMBOLS is {at_most}")
        return self._show(Symbol.objects.values_list("pk", flat=True).get(ticker=ticker), HTTP_201_CREATED)

    @extend_schema(summary="One symbol", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    def retrieve(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """The same answer as `status`."""
        return self._show(symbols.get(symbol).pk)

    @extend_schema(
        summary="Enable or disable a symbol, or change its trading calendar or its limit for slow bars",
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
        if "p95_ms" in body.validated_data:
            mailbox.set_p95(found, body.validated_data["p95_ms"], by=by, now=now, reason=reason)
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
        shown = {
            **asdict(explained),
            "symbol": found.ticker,
            "text": explained.text,
            "actions": actions,
            "bar": bar_page.head_of(found),
        }
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

    @_documented_action("Disable the symbol: let none of its bars run", body=DisableIn)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, symbol: str) -> Response:
        """A bar that is running may finish. New bars are accepted and wait, until it is enabled; `until`: by itself."""
        return self._act(mailbox.disable, request, symbol, DisableIn)

    def _act(self, act: Callable[..., object], request: Request, ticker: str, form: type[ActIn] = ActIn) -> Response:
        """Act on the symbol in the user's name and answer with its new status."""
        symbol = symbols.get(ticker)
        body = form(data=request.data)
        body.is_valid(raise_exception=True)
        act(symbol, by=request.user.get_username(), now=timezone.now(), **body.validated_data)
        return self._show(symbol.pk)
