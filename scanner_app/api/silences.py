"""Silences: nothing is sent about a rule, a symbol or both until a time."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from scanner_app.alerts import silences
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import ActIn, RefusesUnknownKeys, TextIn, TimeIn
from scanner_app.api.filter_fields import SymbolFilters, TextFilter, TruthFilter
from scanner_app.api.permissions import MayOperate
from scanner_app.models import Silence, Symbol
from scanner_app.notifications.silences import in_force
from scanner_app.reading import symbols

SILENCE = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the silence's id, from the list")


class SilenceOut(serializers.ModelSerializer[Silence]):
    """A silence: what nothing is sent about, until when, by whom and why."""

    rule = serializers.CharField(help_text="an alert rule, or `breaker`; empty: all of them")
    symbol = serializers.SerializerMethodField(help_text="ticker; empty: all symbols, and the scanner itself")

    class Meta:
        model = Silence
        fields = ["id", "rule", "symbol", "until", "reason", "created_at", "created_by", "ended_at", "ended_by"]

    def get_symbol(self, row: Silence) -> str:
        """The symbol's ticker; empty if it is not about one symbol."""
        return row.symbol.ticker if row.symbol else ""


class NewSilenceIn(RefusesUnknownKeys, ActIn):
    """A silence to begin now. Without rule and symbol it is of everything, so a mistyped one must not be ignored."""

    rule = TextIn(
        required=False,
        allow_blank=True,
        allow_null=True,
        default="",
        help_text="an alert rule, or `breaker`; empty: all of them",
    )
    symbol = TextIn(
        required=False,
        allow_blank=True,
        allow_null=True,
        default="",
        help_text="ticker; empty: all symbols, and the scanner itself",
    )
    until = TimeIn(help_text="a time in the future, at most 30 days ahead")

    def validate_rule(self, value: str | None) -> str:
        """The rule's name; "" for all. Raises ValidationError for an unknown one."""
        if value and value not in silences.RULE_NAMES:
            raise serializers.ValidationError(f"must be empty or one of {', '.join(sorted(silences.RULE_NAMES))}")
        return value or ""

    def validate_symbol(self, value: str | None) -> Symbol | None:
        """The symbol; None for all. Raises ValidationError for an unknown one."""
        if not value:
            return None
        try:
            return symbols.get(value)
        except symbols.SymbolNotFound as exc:
            raise serializers.ValidationError(str(exc)) from None

    def validate_until(self, value: Any) -> Any:
        """The time. Raises ValidationError unless it is in the future, and not too far."""
        try:
            silences.check_until(value, timezone.now())
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None
        return value


class SilenceFilter(SymbolFilters):
    """Query parameters of the list of silences."""

    active = TruthFilter(method="of_active", help_text="true (default): silences in force; false: those that are over")
    rule = TextFilter()

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in force, unless others are asked for."""
        found: QuerySet[Any] = super().filter_queryset(queryset)
        asked = self.form.cleaned_data.get("active")
        return self.of_active(found, "active", True) if asked is None else found

    def of_active(self, queryset: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        """Silences in force, or those that are over."""
        running = in_force(timezone.now()).values("pk")
        return queryset.filter(pk__in=running) if value else queryset.exclude(pk__in=running)


@extend_schema_view(list=extend_schema(summary="Silences, newest first"))
class SilenceViewSet(ListViewSet):
    """Silences: nothing is sent about a rule, a symbol or both until a time."""

    queryset = Silence.objects.exclude(symbol__deleted_at__isnull=False).select_related("symbol")
    serializer_class = SilenceOut
    filterset_class = SilenceFilter
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = {"create": MayOperate, "destroy": MayOperate}

    @extend_schema(summary="Silence a rule, a symbol or both", request=NewSilenceIn, responses={201: SilenceOut})
    def create(self, request: Request) -> Response:
        """Whether or not an alert fires now. The overall status does not change."""
        body = NewSilenceIn(data=request.data)
        body.is_valid(raise_exception=True)
        row = silences.add(**body.validated_data, by=request.user.get_username(), now=timezone.now())
        return Response(SilenceOut(row).data, status=HTTP_201_CREATED)

    @extend_schema(
        summary="End a silence",
        parameters=[SILENCE],
        responses={204: None, 404: OpenApiResponse(DetailOut, "no such silence, or it is over")},
    )
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """What still fires is sent at the next evaluation. The list of past silences keeps it."""
        if not silences.end(self.row_of(id, "Silence"), by=request.user.get_username(), now=timezone.now()):
            raise NotFound(f"Silence {id} not found")
        return Response(status=HTTP_204_NO_CONTENT)
