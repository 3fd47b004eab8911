"""Deliveries: what was told of which hit by which channel, and what was not."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.access.roles import May
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.filter_fields import IdFilter
from scanner_app.domain.enums import DeliveryState
from scanner_app.models import Delivery, Rule
from scanner_app.models.choices import choices_of
from scanner_app.signals import deliveries

DELIVERY = OpenApiParameter(
    "id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the delivery's id, from the list"
)


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    """The telling of one hit by one channel."""

    hit = serializers.IntegerField(source="hit_id", allow_null=True, help_text="its id; null: a digest or a test")
    channel = serializers.IntegerField(source="channel_id", help_text="its id")
    rule = serializers.IntegerField(source="rule_id", allow_null=True, help_text="its id; null: a test")
    digest = serializers.IntegerField(
        source="digest_id", allow_null=True, help_text="the delivery that tells of this hit together with others"
    )
    message_id = serializers.CharField(help_text="what its receiver knows it by; the same if it is sent twice")

    class Meta:
        model = Delivery
        fields = [
            "id",
            "hit",
            "channel",
            "rule",
            "state",
            "attempts",
            "last_error",
            "created_at",
            "next_attempt_at",
            "expires_at",
            "sent_at",
            "message_id",
            "digest",
        ]


class DeliveryFilter(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """Query parameters of the list of deliveries."""

    rule = IdFilter(field_name="rule_id", help_text="a rule's id")
    channel = IdFilter(help_text="a channel's id")
    state = filters.ChoiceFilter(choices=choices_of(DeliveryState))


@extend_schema_view(list=extend_schema(summary="Deliveries, newest first"))
class DeliveryViewSet(ListViewSet):
    """Deliveries: of all rules for operators, of their own rules for others."""

    queryset = Delivery.objects.filter(channel__deleted_at=None)
    serializer_class = DeliveryOut
    filterset_class = DeliveryFilter
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Any]:
        """The deliveries that the user may see."""
        rows: QuerySet[Any] = super().get_queryset()
        if getattr(self, "swagger_fake_view", False) or May(self.request.user).operate:
            return rows
        return rows.filter(rule_id__in=Rule.objects.filter(owner_id=self.request.user.pk).values("pk"))

    @extend_schema(
        summary="Send a delivery again",
        parameters=[DELIVERY],
        request=None,
        responses={
            200: DeliveryOut,
            404: OpenApiResponse(DetailOut, "no such delivery"),
            409: OpenApiResponse(DetailOut, "it was sent: a retry would tell its hit twice"),
        },
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - named after the address
        """At once and with all retries, however old the hit is. One that is in a digest is sent by itself."""
        row = self.row_of(id, "Delivery")
        deliveries.retry(row, timezone.now())
        row.refresh_from_db()
        return Response(DeliveryOut(row).data)
