"""Alerts, and acknowledging and silencing them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
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
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.alerts import acknowledge
from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import ActIn, WholeIn
from scanner_app.api.filter_fields import SymbolFilters, TextFilter, TruthFilter
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.alert_rules import runbook_file
from scanner_app.domain.enums import FIRED_STATES, AlertState, Severity
from scanner_app.models import Alert
from scanner_app.models.choices import choices_of
from scanner_app.notifications import links
from scanner_app.notifications.silences import Silences

ALERT = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the alert's id, from the list")


class AlertOut(serializers.ModelSerializer[Alert]):
    """An alert: which rule held, since when, and who acknowledged or silenced it."""

    symbol = serializers.SerializerMethodField(
        help_text="ticker; null if the alert is about `subject` or about the whole scanner"
    )
    silenced_until = serializers.SerializerMethodField(
        help_text="until when nothing is sent about it: by its own silence, or by one of its rule or symbol"
    )
    runbook = serializers.SerializerMethodField(help_text="path of the rule's page in the repository")
    runbook_url = serializers.SerializerMethodField(
        help_text="address of the same page on this site; null if the rule no longer exists"
    )

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
        """The symbol's ticker; None if the alert is not about a symbol."""
        return row.symbol.ticker if row.symbol else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_silenced_until(self, row: Alert) -> datetime | None:
        """The later of its own silence and that of its rule or symbol; of an alert that is over, its own."""
        found = None if row.state == AlertState.RESOLVED else self._silences.find(row.rule, row.symbol_id)
        times = [row.silenced_until, None if found is None else found.until]
        return max((time for time in times if time is not None), default=None)

    @cached_property
    def _silences(self) -> Silences:
        return Silences.load(timezone.now())

    def get_runbook(self, row: Alert) -> str:
        """The path of the rule's page, even if the rule no longer exists."""
        return runbook_file(row.rule)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_runbook_url(self, row: Alert) -> str | None:
        """The address of the rule's page, with the host that the client used."""
        address = links.runbook_path(row.rule)
        return address and self.context["request"].build_absolute_uri(address)


class SilenceIn(ActIn):
    """For how long nothing is sent about an alert."""

    minutes = WholeIn(min_value=0, max_value=MAX_SILENCE_MINUTES, help_text="0 ends the silence")


class AlertFilter(SymbolFilters):
    """Query parameters of the list of alerts."""

    active = TruthFilter(method="of_active", help_text="true: alerts that are not over; false: alerts that are over")
    rule = TextFilter()
    severity = filters.ChoiceFilter(choices=choices_of(Severity))
    state = filters.ChoiceFilter(
        choices=choices_of(AlertState),
        help_text="alerts in this state; pending alerts are listed only with state=pending",
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The alerts that have fired; with state=pending, those that have not fired yet."""
        found: QuerySet[Any] = super().filter_queryset(queryset)
        pending = self.form.cleaned_data.get("state") == AlertState.PENDING
        return found if pending else found.exclude(state=AlertState.PENDING)

    def of_active(self, queryset: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        """Alerts that have fired and are not over; or alerts that are over."""
        return queryset.filter(state__in=FIRED_STATES) if value else queryset.filter(state=AlertState.RESOLVED)


def _documented_action(summary: str, request: type[ActIn]) -> Callable[[Any], Any]:
    """The schema of an operator's action on an alert."""
    return extend_schema(
        summary=summary,
        request=request,
        responses={
            200: AlertOut,
            404: OpenApiResponse(DetailOut, "no such alert"),
            409: OpenApiResponse(DetailOut, "the alert is over"),
        },
        parameters=[ALERT],
    )


@extend_schema_view(list=extend_schema(summary="Alerts, newest first"))
class AlertViewSet(ListViewSet):
    """Alerts that have fired: those that are not over, and past ones."""

    queryset = Alert.objects.exclude(symbol__deleted_at__isnull=False).select_related("symbol")
    serializer_class = AlertOut
    filterset_class = AlertFilter
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = {"acknowledge": MayOperate, "silence": MayOperate}

    @_documented_action("Acknowledge an alert", ActIn)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """Stops its reminders; its end is still reported. A second acknowledgement changes nothing."""
        alert, values = self._read(request, id, ActIn)
        acknowledge.acknowledge(alert, by=request.user.get_username(), now=timezone.now(), **values)
        return self._show(alert)

    @_documented_action("Silence an alert for some minutes", SilenceIn)
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """Nothing is sent about it, not even that it is over. The overall status does not change."""
        alert, values = self._read(request, id, SilenceIn)
        acknowledge.silence(alert, by=request.user.get_username(), now=timezone.now(), **values)
        return self._show(alert)

    def _read(self, request: Request, alert_id: str, form: type[ActIn]) -> tuple[Alert, dict[str, Any]]:
        """The alert and the checked body. Raises NotFound and ValidationError."""
        alert = self.row_of(alert_id, "Alert")
        body = form(data=request.data)
        body.is_valid(raise_exception=True)
        return alert, body.validated_data

    def _show(self, alert: Alert) -> Response:
        """The alert as it is now."""
        return Response(self.get_serializer(self.get_queryset().get(pk=alert.pk)).data)
