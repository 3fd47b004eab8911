"""What is or was wrong, and the operators' acts on it."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
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
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.alerts import acknowledge
from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.api.base import ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import ActIn
from scanner_app.api.filters import SymbolFilters
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.enums import FIRED_STATES, AlertState, Severity
from scanner_app.models import Alert
from scanner_app.models.choices import choices_of
from scanner_app.notifications import links

ALERT = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the alert's id, from the list")


class AlertOut(serializers.ModelSerializer[Alert]):
    """An alert: since when a rule holds, and who knows of it."""

    symbol = serializers.SerializerMethodField(help_text="ticker; null: an alert of the whole or of `subject`")
    runbook = serializers.SerializerMethodField(help_text="the rule's page in the repository")
    runbook_url = serializers.SerializerMethodField(help_text="the same on the site; null of a rule that is no more")

    class Meta:
        model = Alert
        fields = [
            "id",
            "rule",
            "severity",
            "symbol",
            "subject",
            "state",
            "message",
            "began_at",
            "fired_at",
            "cleared_at",
            "told_at",
            "muted_by",
            "acknowledged_at",
            "acknowledged_by",
            "acknowledge_reason",
            "silenced_until",
            "silenced_by",
            "silence_reason",
            "runbook",
            "runbook_url",
        ]

    def get_symbol(self, row: Alert) -> str | None:
        """Its ticker."""
        return row.symbol.ticker if row.symbol else None

    def get_runbook(self, row: Alert) -> str:
        """Also of a rule that there is no more."""
        return links.runbook_file(row.rule)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_runbook_url(self, row: Alert) -> str | None:
        """On the host by which the client knows us."""
        address = links.runbook_path(row.rule)
        return address and self.context["request"].build_absolute_uri(address)


class SilenceIn(ActIn):
    """For how long nothing is told of an alert."""

    minutes = serializers.IntegerField(min_value=0, max_value=MAX_SILENCE_MINUTES, help_text="0 ends a silence")


class AlertFilter(SymbolFilters):
    """Parameters of `alerts`."""

    active = filters.BooleanFilter(method="of_active", help_text="true: not over; false: over")
    rule = filters.CharFilter()
    severity = filters.ChoiceFilter(choices=choices_of(Severity))
    state = filters.ChoiceFilter(choices=choices_of(AlertState), help_text="pending ones are listed if asked for alone")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Alerts that have fired, unless those that have not are asked for."""
        found: QuerySet[Any] = super().filter_queryset(queryset)
        pending = self.form.cleaned_data.get("state") == AlertState.PENDING
        return found if pending else found.exclude(state=AlertState.PENDING)

    def of_active(self, queryset: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        """Those that fire or are not over yet; or those that are over."""
        return queryset.filter(state__in=FIRED_STATES) if value else queryset.filter(state=AlertState.RESOLVED)


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
class AlertViewSet(ListViewSet):
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
