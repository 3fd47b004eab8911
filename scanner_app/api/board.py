"""The snapshot of all symbols that the live board shows."""

import gzip
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from scanner_app.api.fields import DIRECTIONS
from scanner_app.api.permissions import MayReadStatus
from scanner_app.api.symbol_outputs import AlarmPathOut
from scanner_app.domain import breaker
from scanner_app.domain.enums import FeedState, Lane, OverallStatus, Severity, SymbolState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.reading.board import BOARD, PUBLIC_BOARD


class LastSignalOut(serializers.Serializer[Any]):
    """The newest signal of a symbol."""

    pattern = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField(help_text="of the signal's bar")


class LastPriceOut(serializers.Serializer[Any]):
    """The last price of a bar."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField(help_text="the bar's")
    close = serializers.FloatField()


class PriceOut(LastPriceOut):
    """The last price of a symbol."""

    change_percent = serializers.FloatField(
        allow_null=True, help_text="to the close of the bar before; null without one, or if that was not above zero"
    )
    volume = serializers.FloatField(allow_null=True, help_text="of that bar; null where it is not known")


class BoardRowOut(serializers.Serializer[Any]):
    """One symbol of the board. Fields that SymbolOut has too mean the same."""

    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    enabled = serializers.BooleanField()
    consecutive_failures = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    backlog = serializers.IntegerField()
    p95_latency_ms = serializers.IntegerField()
    p95_limit_ms = serializers.IntegerField()
    latencies = serializers.ListField(
        child=serializers.IntegerField(), help_text="latencies of the last 30 bars, in ms"
    )
    bars_processed = serializers.IntegerField()
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_signal = LastSignalOut(allow_null=True)
    last_error = serializers.CharField(allow_null=True, help_text="the first 300 characters")
    is_stale = serializers.BooleanField()
    is_slow = serializers.BooleanField(help_text="the p95 latency of the last five minutes is over `p95_limit_ms`")
    quarantined = serializers.IntegerField(help_text="bars of the symbol in quarantine")
    lane = serializers.ChoiceField(list(Lane))
    price = PriceOut(allow_null=True, help_text="of the newest bar of the shortest timeframe; null without a bar")
    forming = LastPriceOut(allow_null=True, help_text="of the forming bar of the shortest timeframe; null without one")


class BoardAlertOut(serializers.Serializer[Any]):
    """An alert that is not over. The list of alerts shows all its fields."""

    id = serializers.IntegerField()
    rule = serializers.CharField()
    severity = serializers.ChoiceField(list(Severity))
    symbol = serializers.CharField(allow_null=True)
    state = serializers.CharField(help_text="firing or recovering")
    message = serializers.CharField()
    fired_at = serializers.DateTimeField()
    acknowledged_by = serializers.CharField(help_text="a user's name; empty if nobody has acknowledged it")
    silenced = serializers.BooleanField()


class BoardFeedOut(serializers.Serializer[Any]):
    """A live feed that is to run. FeedOut has all its fields."""

    name = serializers.CharField()
    venue = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in FeedState])
    series = serializers.IntegerField()
    live = serializers.IntegerField()
    lag_s = serializers.FloatField(allow_null=True)
    gaps_open = serializers.IntegerField()
    last_error = serializers.CharField(help_text="the first 300 characters")


@extend_schema_serializer(many=False)
class BoardOut(serializers.Serializer[Any]):
    """All symbols as the board shows them."""

    overall_status = serializers.ChoiceField([one.value for one in OverallStatus])
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="why the overall status is not healthy, the worst first"
    )
    total_symbols = serializers.IntegerField()
    enabled_symbols = serializers.IntegerField()
    healthy_symbols = serializers.IntegerField()
    paused_symbols = serializers.IntegerField()
    failed_symbols = serializers.IntegerField()
    bars_per_second = serializers.FloatField()
    backlog = serializers.IntegerField()
    quarantined = serializers.IntegerField(help_text="bars in quarantine")
    total_alerts = serializers.IntegerField(help_text="alerts that have fired and are not over")
    alarm_path = AlarmPathOut()
    alerts = BoardAlertOut(
        many=True, help_text="at most 50: first those that nobody has acknowledged or silenced, the worst first"
    )
    feeds = BoardFeedOut(many=True, help_text="live feeds that are enabled, by name")
    symbols = BoardRowOut(many=True, help_text="in the order of their tickers")


class BoardViewSet(ViewSet):
    """What the live board shows."""

    def get_permissions(self) -> list[BasePermission]:
        """The board is for users who may read the status."""
        return [MayReadStatus()]

    @extend_schema(
        summary="All symbols as the live board shows them", responses=BoardOut, operation_id="board_retrieve"
    )
    def list(self, request: Request) -> HttpResponse:
        """One snapshot for all clients, about half a second old.

        Its ETag changes only when the snapshot does, so a client that asks every second mostly gets 304.
        """
        board = BOARD if request.user.is_authenticated else PUBLIC_BOARD
        snapshot = board.snapshot(timezone.now())
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        body = snapshot.body if packed else gzip.decompress(snapshot.body)
        response = HttpResponse(body, content_type="application/json", headers={"ETag": snapshot.etag})
        if packed:
            response["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding", "Cookie", "Authorization"])
        return response
