"""The stream of signals and hits."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scanner_app.api.base import LARGEST_ID
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import DIRECTIONS, TruthIn
from scanner_app.api.permissions import MayRead
from scanner_app.domain import tickers
from scanner_app.domain.enums import StreamKind
from scanner_app.reading import stream, symbols
from scanner_app.reading.stream_events import Event
from scanner_app.signals import numbering, watchlists

EVENT_STREAM = "text/event-stream"


class JSONErrors(BaseContentNegotiation):
    """Whatever is accepted: events come as they are, and errors as JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002 - DRF's signature
        """The first: nothing is sent to us."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002 - as above
        """JSON."""
        return JSONRenderer(), JSONRenderer.media_type


class StreamIn(serializers.Serializer[Any]):
    """The query parameters."""

    symbol = serializers.CharField(required=False, help_text="ticker, in upper or lower case")
    watchlist = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST_ID, help_text="id of a watch list of yours or a shared one"
    )
    detector = serializers.CharField(required=False, help_text="only this one's signals")
    direction = serializers.ChoiceField(required=False, choices=DIRECTIONS, help_text="only signals of this direction")
    hits = TruthIn(required=False, default=False, help_text="true: hits of your rules and of shared ones, too")
    last_event_id = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LARGEST_ID,
        help_text="as the header `Last-Event-ID`, for clients that can't send it",
    )


class StreamView(APIView):
    """The stream."""

    permission_classes = [MayRead]
    content_negotiation_class = JSONErrors

    @extend_schema(
        summary="Signals and hits as they come, as server-sent events",
        parameters=[
            StreamIn,
            OpenApiParameter(
                "Last-Event-ID",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="go on after this event, without a gap or a repeat",
            ),
        ],
        responses={
            (200, EVENT_STREAM): OpenApiTypes.STR,
            (503, "application/json"): OpenApiResponse(DetailOut, "too many open streams"),
        },
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """Each event has `id`, `event` (`signal`, `hit`, or `gap`) and as `data` the JSON of the list's rows."""
        given = request.query_params.copy()
        for name in [name for name, value in given.items() if not value]:
            del given[name]  # as in lists, an empty parameter is none
        asked = StreamIn(data=given)
        asked.is_valid(raise_exception=True)
        wanted = _wanted(request, asked.validated_data)
        start = _last_event_id(request, asked.validated_data)
        if start is None:  # he wants what comes next: what is there already must have its numbers before
            last = numbering.number_all(timezone.now()).last
        else:
            last = (numbering.number_new(timezone.now()) or numbering.progress()).last
        try:
            events = stream.open_stream(last if start is None else start, wanted, last=last)
        except stream.TooManyStreams:
            detail = "This server has as many open streams as it may have; try again in a while."
            return Response({"detail": detail}, status=503, headers={"Retry-After": "10"})
        return StreamingHttpResponse(
            events,
            content_type=EVENT_STREAM,
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},  # nor may nginx keep them back
        )


def _last_event_id(request: HttpRequest | Request, asked: dict[str, Any]) -> int | None:
    text = request.headers.get("Last-Event-ID", "").strip()
    if not text:
        number: int | None = asked.get("last_event_id")
        return number
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValidationError({"Last-Event-ID": ["must be the id of an event of this stream"]})
    return int(text)


def _wanted(request: Request, asked: dict[str, Any]) -> stream.Wanted:
    """Which events the reader wants and may see. Raises ValidationError."""
    symbol, detector, direction = asked.get("symbol"), asked.get("detector"), asked.get("direction")
    ticker = None
    if symbol is not None:
        found = symbols.find(symbol)
        ticker = found.ticker if found else symbol.upper()
    named = _named(request, asked["watchlist"]) if "watchlist" in asked else None
    reader = request.user.pk

    def wanted(event: Event) -> bool:
        if ticker is not None and event.symbol != ticker:
            return False
        if named is not None and not named(event.symbol):
            return False
        if event.kind == StreamKind.HIT:
            return asked["hits"] and (event.shared or event.owner == reader)
        return detector in (None, event.detector) and direction in (None, event.direction)

    return wanted


def _named(request: Request, watchlist: int) -> Callable[[str], bool]:
    """Whether a watch list, as it is now, names a ticker; also one that is added later and fits a pattern."""
    user = request.user
    found = watchlists.readable(user).filter(pk=watchlist).first() if isinstance(user, User) else None
    if found is None:
        raise NotFound(f"Watch list {watchlist} not found")
    # Remembered: a list may have a thousand patterns, and an event comes to each stream.
    return cache(lambda ticker: tickers.fitting(ticker, found.symbols) is not None)
