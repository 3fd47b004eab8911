"""The status of all symbols, and the overall status."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from scanner_app.api.base import PermissionsByAction
from scanner_app.api.permissions import MayReadStatus
from scanner_app.api.renderers import QuickJSONRenderer
from scanner_app.api.symbol_outputs import SaidAlarmPathOut, SymbolOut
from scanner_app.domain.enums import OverallStatus
from scanner_app.reading import status, strangers


class WatcherOut(serializers.Serializer[Any]):
    """The last ping to the outside watcher (SCANNER_PING_URL)."""

    at = serializers.DateTimeField()
    answer = serializers.CharField(help_text="`answer 200`, `failed: ConnectError`, or `withheld: ` and why")


@extend_schema_serializer(many=False)
class OverviewOut(serializers.Serializer[Any]):
    """All symbols, their counts and the overall status."""

    overall_status = serializers.ChoiceField([one.value for one in OverallStatus])
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="why the overall status is not healthy, the worst first"
    )
    alerts = serializers.IntegerField(help_text="alerts that have fired and are not over")
    total_symbols = serializers.IntegerField()
    enabled_symbols = serializers.IntegerField()
    healthy_symbols = serializers.IntegerField()
    paused_symbols = serializers.IntegerField(help_text="including disabled symbols")
    failed_symbols = serializers.IntegerField()
    bars_per_second = serializers.FloatField(help_text="mean of the last 10 s")
    backlog = serializers.IntegerField(help_text="bars of the backlogs of all symbols, heads included")
    stale_symbols = serializers.IntegerField(help_text="enabled symbols whose feed is late")
    watcher = WatcherOut(allow_null=True, help_text="the last ping to SCANNER_PING_URL; null if there was none")
    alarm_path = SaidAlarmPathOut()
    symbols = SymbolOut(many=True, help_text="in the order of their tickers")


class StatusViewSet(PermissionsByAction, ViewSet):
    """The status of all symbols at a glance."""

    permissions = {"list": MayReadStatus}
    renderer_classes = [QuickJSONRenderer]

    @extend_schema(
        summary="The status of all symbols and the overall status",
        responses=OverviewOut,
        operation_id="status_retrieve",
    )
    def list(self, request: Request) -> Response:
        """All symbols in one answer. Its ETag stays the same while only ages change, such as `data_age_seconds`."""
        whole = status.overview(timezone.now())
        if not request.user.is_authenticated:
            whole = strangers.overview(whole)
        # Only the fields of the schema: the overview has more, for the live board.
        shown = {name: getattr(whole, name) for name in OverviewOut().get_fields()}
        # A weak ETag, because two answers with the same one may differ in their ages.
        return Response(shown, headers={"ETag": f'W/"{status.fingerprint(whole)}"'})
