"""The overall status."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from scanner_app.api.base import PermissionsByAction
from scanner_app.api.permissions import MayReadStatus
from scanner_app.api.symbols import SymbolOut
from scanner_app.domain.enums import OverallStatus
from scanner_app.reading import status
from scanner_app.reading.encoding import QuickJSONRenderer


@extend_schema_serializer(many=False)
class OverviewOut(serializers.Serializer[Any]):
    """All symbols, counted and judged, as `status.Overview` has them."""

    overall_status = serializers.ChoiceField([one.value for one in OverallStatus])
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="why it is not healthy, the worst first; empty while it is"
    )
    alerts = serializers.IntegerField(help_text="alerts that have fired and are not over")
    total_symbols = serializers.IntegerField()
    enabled_symbols = serializers.IntegerField()
    healthy_symbols = serializers.IntegerField()
    paused_symbols = serializers.IntegerField(help_text="disabled ones included")
    failed_symbols = serializers.IntegerField()
    bars_per_second = serializers.FloatField(help_text="over the last 10 s")
    backlog = serializers.IntegerField(help_text="heads included")
    stale_symbols = serializers.IntegerField(help_text="enabled ones whose feed is late")
    symbols = SymbolOut(many=True, help_text="by ticker")


class StatusViewSet(PermissionsByAction, ViewSet):
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
