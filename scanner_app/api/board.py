"""The live board."""

import gzip
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from scanner_app.api.fields import DIRECTIONS
from scanner_app.api.permissions import MayReadStatus
from scanner_app.domain import breaker
from scanner_app.domain.enums import Lane, OverallStatus, Severity, SymbolState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.reading.board import BOARD


class LastSignalOut(serializers.Serializer[Any]):
    """The signal that was found last."""

    pattern = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField(help_text="its bar's")


class BoardRowOut(serializers.Serializer[Any]):
    """One symbol of the board; the names that its status has too mean the same."""

    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    enabled = serializers.BooleanField()
    consecutive_failures = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    backlog = serializers.IntegerField()
    p95_latency_ms = serializers.IntegerField()
    latencies = serializers.ListField(child=serializers.IntegerField(), help_text="ms, of the last 30 bars")
    bars_processed = serializers.IntegerField()
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_signal = LastSignalOut(allow_null=True)
    last_error = serializers.CharField(allow_null=True, help_text="its first 300 characters")
    is_stale = serializers.BooleanField()
    is_slow = serializers.BooleanField(help_text="the p95 of its last five minutes is over the alert's limit")
    quarantined = serializers.IntegerField(help_text="its bars that wait in quarantine")
    lane = serializers.ChoiceField(list(Lane))


class BoardAlertOut(serializers.Serializer[Any]):
    """A firing alert; the list of alerts has all of it."""

    id = serializers.IntegerField()
    rule = serializers.CharField()
    severity = serializers.ChoiceField(list(Severity))
    symbol = serializers.CharField(allow_null=True)
    state = serializers.CharField(help_text="firing or recovering")
    message = serializers.CharField()
    fired_at = serializers.DateTimeField()
    acknowledged_by = serializers.CharField(help_text="empty: nobody yet")
    silenced = serializers.BooleanField()


class BoardOut(serializers.Serializer[Any]):
    """All symbols as the board shows them."""

    overall_status = serializers.ChoiceField([one.value for one in OverallStatus])
    reasons = serializers.ListField(child=serializers.CharField(), help_text="why it is not healthy")
    total_symbols = serializers.IntegerField()
    enabled_symbols = serializers.IntegerField()
    healthy_symbols = serializers.IntegerField()
    paused_symbols = serializers.IntegerField()
    failed_symbols = serializers.IntegerField()
    bars_per_second = serializers.FloatField()
    backlog = serializers.IntegerField()
    quarantined = serializers.IntegerField(help_text="bars that wait in quarantine")
    total_alerts = serializers.IntegerField(help_text="that have fired and are not over")
    alerts = BoardAlertOut(many=True, help_text="at most 50, those first that nobody has seen to; the worst first")
    symbols = BoardRowOut(many=True, help_text="by ticker")


class BoardViewSet(ViewSet):
    """The live board."""

    def get_permissions(self) -> list[BasePermission]:
        """Whoever may read the status."""
        return [MayReadStatus()]

    @extend_schema(
        summary="All symbols as the live board shows them", responses=BoardOut, operation_id="board_retrieve"
    )
    def list(self, request: Request) -> HttpResponse:
        """One snapshot for everybody who looks, half a second old or a little more.

        The ETag changes only when something of it does: a client that asks every second is mostly answered 304.
        """
        snapshot = BOARD.snapshot(timezone.now())
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        body = snapshot.body if packed else gzip.decompress(snapshot.body)
        response = HttpResponse(body, content_type="application/json", headers={"ETag": snapshot.etag})
        if packed:
            response["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding", "Cookie", "Authorization"])
        return response
