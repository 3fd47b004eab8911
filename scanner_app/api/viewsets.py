"""The endpoints: each validates, calls one function of ingest, mailbox or status, and answers."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import (
    HTTP_200_OK,
    HTTP_201_CREATED,
    HTTP_202_ACCEPTED,
    HTTP_400_BAD_REQUEST,
    HTTP_429_TOO_MANY_REQUESTS,
)
from rest_framework.viewsets import GenericViewSet, ViewSet

from scanner_app import mailbox
from scanner_app.alerts import acknowledge
from scanner_app.api.errors import RETRY_AFTER_S, Conflict, TooLarge
from scanner_app.api.filters import AlertFilter, BarFilter, FaultFilter, SignalFilter, WatchListFilter
from scanner_app.api.pagination import NewestFirst
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayOperate, MayRead, MayReadStatus, MayWriteBars
from scanner_app.api.serializers import (
    ActIn,
    AlertOut,
    BarIn,
    BarOut,
    BulkIn,
    CountOut,
    DeleteIn,
    DetailOut,
    ExplanationOut,
    FailureOut,
    GapsIn,
    GapsOut,
    LineOut,
    OneSymbolOut,
    OverviewOut,
    QuarantineOut,
    ReportOut,
    SignalOut,
    SilenceIn,
    StoryOut,
    SymbolChangeIn,
    SymbolIn,
    SymbolOut,
)
from scanner_app.domain import tickers
from scanner_app.engine import ingest, removal
from scanner_app.mailbox import quarantine_bulk
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Alert, Bar, ProcessingFailure, QuarantinedBar, Signal, Symbol
from scanner_app.reading import explanation, gaps, quarantine_entries, status, timeline
from scanner_app.reading.encoding import QuickJSONRenderer

MAX_MESSAGE = 300
"""Characters of a rejection's message: it quotes the client's own value, which may be a megabyte."""


class _ByAction:
    """Permissions that depend on the action; whatever is not named is for whoever may read."""

    permissions: dict[str, type[BasePermission]] = {}

    def get_permissions(self) -> list[BasePermission]:
        # None while a method is refused that the view does not have
        action_name = getattr(self, "action", None) or ""
        return [self.permissions.get(action_name, MayRead)()]


class _List(_ByAction, mixins.ListModelMixin, GenericViewSet[Any]):
    """A list of rows, newest first."""

    pagination_class = NewestFirst
    parser_classes = [SafeJSONParser]


@extend_schema_view(list=extend_schema(summary="Bars, newest first"))
class BarViewSet(_List):
    """Bars: what was accepted and what became of it; the way in."""

    lookup_value_regex = "[0-9]+"
    lookup_url_kwarg = "id"

    queryset = Bar.objects.filter(symbol__deleted_at=None).annotate(
        # Not select_related: the status row carries kilobytes of JSON, and would be joined to every bar.
        ticker=F("symbol__ticker"),
        enabled=F("symbol__enabled"),
        head=F("symbol__status__head"),
        head_attempts=F("symbol__status__attempts"),
    )
    serializer_class = BarOut
    filterset_class = BarFilter
    permissions = {"create": MayWriteBars}

    @extend_schema(
        summary="Send one bar or a list of 1 to 5,000",
        request=PolymorphicProxySerializer(
            component_name="OneOrManyBars",
            serializers=[BarIn, BarIn(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            202: OpenApiResponse(ReportOut, "at least one bar was accepted or known already; it is on the disk"),
            400: OpenApiResponse(ReportOut, "every bar was rejected or in conflict (or `detail`: no bars, no JSON)"),
            413: OpenApiResponse(DetailOut, "more than 5,000 bars"),
            429: OpenApiResponse(ReportOut, "every bar was rejected as backlog_full: send them again later"),
        },
    )
    def create(self, request: Request) -> Response:
        """Accept bars; the answer tells of each that was not.

        What is reported as accepted is committed, and sending it again is harmless: it is then a duplicate.
        """
        report = ingest.accept(_bars(request.data), now=timezone.now())
        code, headers = _verdict(report)
        return Response(_report(report), status=code, headers=headers)

    @extend_schema(
        summary="What happened to a bar, newest first",
        operation_id="bars_timeline",
        responses={200: StoryOut, 404: OpenApiResponse(DetailOut, "no such bar")},
        parameters=[OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="from the list")],
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def timeline(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - the address's word; DRF's signature
        """Acceptance, each failed attempt, what followed from it, result and signals; all lines at once."""
        if (bar := Bar.objects.filter(symbol__deleted_at=None, pk=int(id)).first()) is None:
            raise NotFound(f"Bar {id} not found")
        return Response(StoryOut({"next": None, "previous": None, "results": timeline.story(bar)}).data)


def _bars(data: Any) -> list[Any]:
    bars = [data] if isinstance(data, dict) else data
    if not isinstance(bars, list):
        raise ParseError(f"Send a bar, or a list of 1 to {ingest.MAX_BARS:,} bars, not {type(data).__name__}.")
    if not bars:
        raise ParseError("The list is empty: send at least one bar.")
    if len(bars) > ingest.MAX_BARS:
        raise TooLarge(f"One call may bring {ingest.MAX_BARS:,} bars, not {len(bars):,}.")
    return bars


def _verdict(report: ingest.Report) -> tuple[int, dict[str, str]]:
    """The answer's status code and headers."""
    if report.accepted or report.duplicates:
        return HTTP_202_ACCEPTED, {}
    if not report.conflicts and all(one.reason == mailbox.Verdict.BACKLOG_FULL for one in report.rejected):
        return HTTP_429_TOO_MANY_REQUESTS, {"Retry-After": str(RETRY_AFTER_S)}
    return HTTP_400_BAD_REQUEST, {}


def _report(report: ingest.Report) -> dict[str, Any]:
    # By hand: serializers would take longer over 5,000 lines than accepting the bars did.
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "conflicts": [
            {
                "index": one.index,
                "symbol": one.symbol,
                "timeframe": one.timeframe,
                "timestamp": one.timestamp.isoformat().replace("+00:00", "Z"),
            }
            for one in report.conflicts
        ],
        "rejected": [
            {"index": one.index, "field": one.field, "reason": one.reason, "message": one.message[:MAX_MESSAGE]}
            for one in report.rejected
        ],
    }


@extend_schema_view(list=extend_schema(summary="Signals, newest first"))
class SignalViewSet(_List):
    """What the detectors found."""

    queryset = Signal.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = SignalOut
    filterset_class = SignalFilter


@extend_schema_view(list=extend_schema(summary="Failed attempts, newest first"))
class FailureViewSet(_List):
    """Every failed attempt, with its traceback."""

    queryset = ProcessingFailure.objects.filter(symbol__deleted_at=None).select_related("symbol")
    serializer_class = FailureOut
    filterset_class = FaultFilter


ENTRY = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the entry's id, from the list")


def _documented_resolution(summary: str) -> Callable[[Any], Any]:
    """The schema of an act on one bar in quarantine."""
    return extend_schema(
        summary=summary,
        request=ActIn,
        responses={
            200: QuarantineOut,
            404: OpenApiResponse(DetailOut, "no such entry"),
            409: OpenApiResponse(DetailOut, "it has been dealt with already"),
        },
        parameters=[ENTRY],
    )


def _documented_bulk(summary: str, operation_id: str) -> Callable[[Any], Any]:
    """The schema of an act on all bars in quarantine that a filter means."""
    return extend_schema(
        summary=summary, operation_id=operation_id, request=BulkIn, responses={200: CountOut}, filters=False
    )


@extend_schema_view(list=extend_schema(summary="Bars in quarantine, newest first"))
class QuarantineViewSet(_List):
    """Bars that were set aside and wait for an operator, and the operators' acts on them."""

    queryset = quarantine_entries.open_entries().select_related("symbol")
    serializer_class = QuarantineOut
    filterset_class = FaultFilter
    lookup_value_regex = "[0-9]+"
    lookup_url_kwarg = "id"
    permissions = {
        "replay": MayOperate,
        "discard": MayOperate,
        "replay_all": MayOperate,
        "discard_all": MayOperate,
    }

    @_documented_resolution("Accept the bar anew, for one attempt")
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """It runs after the bars that wait, marked late; if it fails it is back in quarantine."""
        return self._act(mailbox.replay, request, id)

    @_documented_resolution("Give the bar up")
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """It is in no window; only new values for it are still accepted."""
        return self._act(mailbox.discard, request, id)

    @_documented_bulk("Accept anew all bars that a filter means", "quarantine_replay_all")
    @action(detail=False, methods=["post"], url_path="replay")
    def replay_all(self, request: Request) -> Response:
        """The oldest first, each for itself; one that somebody else deals with meanwhile is not counted."""
        return self._act_on_all(quarantine_bulk.replay_all, request)

    @_documented_bulk("Give up all bars that a filter means", "quarantine_discard_all")
    @action(detail=False, methods=["post"], url_path="discard")
    def discard_all(self, request: Request) -> Response:
        """Each for itself; one that somebody else deals with meanwhile is not counted."""
        return self._act_on_all(quarantine_bulk.discard_all, request)

    def _act(self, act: Callable[..., None], request: Request, entry_id: str) -> Response:
        # Whatever became of it: dealt with already is another answer than never there.
        entries = QuarantinedBar.objects.filter(symbol__deleted_at=None).select_related("symbol")
        if (entry := entries.filter(pk=int(entry_id)).first()) is None:
            raise NotFound(f"Quarantine entry {entry_id} not found")
        asked = ActIn(data=request.data)
        asked.is_valid(raise_exception=True)
        act(entry, by=request.user.get_username(), now=timezone.now(), reason=asked.validated_data["reason"])
        entry.refresh_from_db(fields=["resolution", "resolved_at"])
        return Response(QuarantineOut(entry).data)

    def _act_on_all(self, act: Callable[..., int], request: Request) -> Response:
        asked = BulkIn(data=request.data)
        asked.is_valid(raise_exception=True)
        entries = quarantine_entries.matching(asked.wanted)
        if asked.validated_data["dry_run"]:
            return Response({"count": entries.count()})
        by, reason = request.user.get_username(), asked.validated_data["reason"]
        return Response({"count": act(entries, by=by, clock=timezone.now, reason=reason)})


ALERT = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the alert's id, from the list")


def _documented_alert_act(summary: str, request: type[ActIn]) -> Callable[[Any], Any]:
    """The schema of an act on an alert."""
    return extend_schema(
        summary=summary,
        request=request,
        responses={
            200: AlertOut,
            404: OpenApiResponse(DetailOut, "no such alert"),
            409: OpenApiResponse(DetailOut, "it is over"),
        },
        parameters=[ALERT],
    )


@extend_schema_view(list=extend_schema(summary="Alerts, newest first"))
class AlertViewSet(_List):
    """What is or was wrong, and the operators' acts on it."""

    queryset = Alert.objects.exclude(symbol__deleted_at__isnull=False).select_related("symbol")
    serializer_class = AlertOut
    filterset_class = AlertFilter
    lookup_value_regex = "[0-9]+"
    lookup_url_kwarg = "id"
    permissions = {"acknowledge": MayOperate, "silence": MayOperate}

    @_documented_alert_act("Say that somebody knows", ActIn)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """No more reminders; that it is over is told. The first who says so stays."""
        alert, asked = self._asked(request, id, ActIn)
        acknowledge.acknowledge(alert, by=request.user.get_username(), now=timezone.now(), **asked)
        return self._show(alert)

    @_documented_alert_act("Tell nothing of it for some minutes", SilenceIn)
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """Not even that it is over. The overall status stays as it is."""
        alert, asked = self._asked(request, id, SilenceIn)
        acknowledge.silence(alert, by=request.user.get_username(), now=timezone.now(), **asked)
        return self._show(alert)

    def _asked(self, request: Request, alert_id: str, form: type[ActIn]) -> tuple[Alert, dict[str, Any]]:
        if (alert := self.get_queryset().filter(pk=int(alert_id)).first()) is None:
            raise NotFound(f"Alert {alert_id} not found")
        asked = form(data=request.data)
        asked.is_valid(raise_exception=True)
        return alert, asked.validated_data

    def _show(self, alert: Alert) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=alert.pk)).data)


class StatusViewSet(_ByAction, ViewSet):
    """The whole at one glance."""

    permissions = {"list": MayReadStatus}
    renderer_classes = [QuickJSONRenderer]

    @extend_schema(summary="All symbols, counted and judged", responses=OverviewOut, operation_id="status_retrieve")
    def list(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """Every symbol's status and the overall verdict. The ETag changes only when something but the ages does."""
        whole = status.overview(timezone.now())
        # The schema's fields: the overview has more, for the board.
        shown = {name: getattr(whole, name) for name in OverviewOut().get_fields()}
        # Weak: two answers of one ETag may differ in their ages.
        return Response(shown, headers={"ETag": f'W/"{status.fingerprint(whole)}"'})


TICKER = OpenApiParameter(
    "symbol", OpenApiTypes.STR, OpenApiParameter.PATH, description="ticker in any case, percent-encoded"
)
NO_SUCH = OpenApiResponse(DetailOut, "no such symbol")


def _documented_act(summary: str, more: dict[int, Any] | None = None) -> Callable[[Any], Any]:
    """The schema of an operator's act."""
    return extend_schema(
        summary=summary, request=ActIn, responses={200: OneSymbolOut, 404: NO_SUCH, **(more or {})}, parameters=[TICKER]
    )


@extend_schema_view(list=extend_schema(summary="The watch list, newest first"))
class SymbolViewSet(_List):
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

    def find(self, ticker: str, among: QuerySet[Symbol] | None = None) -> Symbol:
        """The symbol, whatever the case of its ticker; of those on the watch list, if not told. Raises NotFound."""
        try:
            stored = tickers.normalise(ticker)
        except ValueError:
            stored = ticker.upper()  # there can't be such a symbol, and the database need not be asked
        else:
            found = status.symbols() if among is None else among
            if (symbol := found.filter(ticker=stored).first()) is not None:
                return symbol
        raise NotFound(f"Symbol {stored} not found")

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
        return self.show(self.find(symbol).pk)

    @extend_schema(
        summary="Enable or disable a symbol, or give it another trading calendar",
        request=SymbolChangeIn,
        responses={200: OneSymbolOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    def partial_update(self, request: Request, symbol: str) -> Response:
        """Change what is given; what is as asked already stays without a trace."""
        found = self.find(symbol)
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
        found = self.find(symbol)
        asked = DeleteIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        removal.delete(found, by=request.user.get_username(), now=timezone.now(), **asked.validated_data)
        return Response({"detail": f"Symbol {found.ticker} is being deleted"}, status=HTTP_202_ACCEPTED)

    @extend_schema(summary="One symbol's status", responses={200: OneSymbolOut, 404: NO_SUCH}, parameters=[TICKER])
    @action(detail=True, methods=["get"])
    def status(self, request: Request, symbol: str) -> Response:  # noqa: ARG002 - DRF's signature
        """State, breaker, latency, backlog and next attempt."""
        return self.show(self.find(symbol).pk)

    @extend_schema(
        summary="Why a symbol is as it is, what happens next, and what can be done",
        responses={200: ExplanationOut, 404: NO_SUCH},
        parameters=[TICKER],
    )
    @action(detail=True, methods=["get"])
    def explain(self, request: Request, symbol: str) -> Response:
        """In plain sentences. Answers for a symbol that is being deleted too, until its rows are gone."""
        found = self.find(symbol, among=explanation.symbols())
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
        page = self.paginate_queryset(timeline.events().filter(symbol_id=self.find(symbol).pk))
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
        found = self.find(symbol)
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
        symbol = self.find(ticker)
        asked = ActIn(data=request.data)
        asked.is_valid(raise_exception=True)
        act(symbol, by=request.user.get_username(), now=timezone.now(), reason=asked.validated_data["reason"])
        return self.show(symbol.pk)
