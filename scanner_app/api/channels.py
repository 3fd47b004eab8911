"""Channels: how traders are told of hits."""

from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.deliveries import DeliveryOut
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import RefusesUnknownKeys, TextIn, TruthIn
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.enums import ChannelKind
from scanner_app.models import Channel
from scanner_app.models.choices import choices_of
from scanner_app.signals import channels, deliveries
from scanner_app.signals.names import NameTaken

CHANNEL = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the channel's id, from the list")
NO_CHANNEL = OpenApiResponse(DetailOut, "no such channel")

CLOCK = "%H:%M"


class ChannelOut(serializers.ModelSerializer[Channel]):
    """A channel, without its secrets."""

    url = serializers.CharField(source="shown_url", help_text="without its secrets")
    quiet_from = serializers.TimeField(format=CLOCK, allow_null=True)
    quiet_to = serializers.TimeField(format=CLOCK, allow_null=True)

    class Meta:
        model = Channel
        fields = [
            "id",
            "name",
            "kind",
            "url",
            "shared",
            "enabled",
            "quiet_from",
            "quiet_to",
            "timezone",
            "quiet_calendar",
            "created_at",
            "created_by",
            "failures",
            "paused_until",
            "last_error",
        ]


class UsableChannelOut(serializers.ModelSerializer[Channel]):
    """What somebody who is told by a channel may know of it."""

    class Meta:
        model = Channel
        fields = ["id", "name", "kind"]


class NewChannelOut(ChannelOut):
    """A new channel. Its secret is shown here and never again."""

    secret = serializers.CharField(help_text="by which a webhook's receiver checks signatures; empty: it has none")

    class Meta(ChannelOut.Meta):
        fields = [*ChannelOut.Meta.fields, "secret"]


class ChannelIn(RefusesUnknownKeys):
    """What can be changed of a channel."""

    name = TextIn(max_length=100)
    url = TextIn(write_only=True, max_length=channels.MAX_URL, help_text="a webhook's, or one that apprise knows")
    shared = TruthIn(required=False, help_text="true: the rules of all users may name it, not only operators' ones")
    enabled = TruthIn(required=False, help_text="false: nothing is told by it")
    quiet_from = serializers.TimeField(
        required=False, allow_null=True, input_formats=[CLOCK], help_text="HH:MM: from here on nothing is told"
    )
    quiet_to = serializers.TimeField(required=False, allow_null=True, input_formats=[CLOCK], help_text="HH:MM")
    timezone = TextIn(required=False, max_length=64, help_text="of the quiet hours, such as `Europe/Berlin`; else UTC")
    quiet_calendar = TextIn(
        required=False,
        allow_blank=True,
        max_length=32,
        help_text="a trading calendar such as `XNYS`: nothing is told while that market is closed",
    )

    def validate_timezone(self, value: str) -> str:
        """The zone's name. Raises ValidationError if there is no such zone."""
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):  # of no zone, or a path
            raise serializers.ValidationError(f"{value!r} is no time zone, such as Europe/Berlin") from None
        return value

    def validate_quiet_calendar(self, value: str) -> str:
        """The calendar's name. Raises ValidationError if there is no such calendar."""
        if value and value not in NAMES:
            raise serializers.ValidationError(f"{value!r} is not a trading calendar: {hint(value)}")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what depends on other fields, or on what is stored."""
        kind = attrs.get("kind") or (self.instance.kind if self.instance else "")
        if "url" in attrs:
            try:
                channels.check_url(ChannelKind(kind), attrs["url"])
            except ValueError as exc:
                raise serializers.ValidationError({"url": [str(exc)]}) from None
        begins, ends = (attrs.get(name, getattr(self.instance, name, None)) for name in ("quiet_from", "quiet_to"))
        try:
            channels.check_quiet(begins, ends)
        except ValueError as exc:
            raise serializers.ValidationError({"quiet_to": [str(exc)]}) from None
        return attrs


class NewChannelIn(ChannelIn):
    """A new channel."""

    kind = serializers.ChoiceField(
        choices=choices_of(ChannelKind), help_text="`webhook`: signed, for a program; `apprise`: mail and chat"
    )


@extend_schema_view(list=extend_schema(summary="Channels, newest first"))
class ChannelViewSet(ListViewSet):
    """Channels by which hits are told. All but the names needs the permission of operators: channels hold secrets."""

    queryset = channels.known()
    serializer_class = ChannelOut
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = dict.fromkeys(("list", "create", "partial_update", "destroy", "test"), MayOperate)

    @extend_schema(
        summary="Channels that your rules may name, by name",
        responses={200: UsableChannelOut(many=True)},
        filters=False,
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def usable(self, request: Request) -> Response:
        """Operators: all. Others: the shared ones, and those that a rule of theirs names."""
        return Response(UsableChannelOut(channels.usable(request.user).order_by("name"), many=True).data)

    @extend_schema(summary="Make a channel", request=NewChannelIn, responses={201: NewChannelOut})
    def create(self, request: Request) -> Response:
        """The answer has the secret of a webhook; it is shown only here."""
        body = NewChannelIn(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        try:
            made, secret = channels.add(**values, by=request.user.get_username(), now=timezone.now())
        except NameTaken as exc:
            raise ValidationError({"name": [str(exc)]}) from None
        return Response({**ChannelOut(made).data, "secret": secret}, status=HTTP_201_CREATED)

    @extend_schema(
        summary="Change a channel",
        parameters=[CHANNEL],
        request=ChannelIn(partial=True),
        responses={200: ChannelOut, 404: NO_CHANNEL},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """With a new `url`, or `enabled` true, its failures are forgotten and it is tried at once."""
        row = self._row(id)
        body = ChannelIn(row, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        try:
            channels.change(row, **body.validated_data)
        except NameTaken as exc:
            raise ValidationError({"name": [str(exc)]}) from None
        return Response(ChannelOut(row).data)

    @extend_schema(summary="Delete a channel", parameters=[CHANNEL], responses={204: None, 404: NO_CHANNEL})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - as above
        """Nothing is told by it from now on; its deliveries are removed."""
        channels.remove(self._row(id), timezone.now())
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Send a test message",
        parameters=[CHANNEL],
        request=None,
        responses={202: DeliveryOut, 404: NO_CHANNEL},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - as above
        """Answers with the delivery, which is sent within seconds: look there whether it was."""
        return Response(DeliveryOut(deliveries.test(self._row(id), timezone.now())).data, status=HTTP_202_ACCEPTED)

    def _row(self, id: str) -> Channel:  # noqa: A002 - as above
        row: Channel = self.row_of(id, "Channel")
        return row
