"""Hooks: secret addresses to which other programs send bars. Their owner's list is here; `POST /hooks/{token}` too."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT
from rest_framework.views import APIView

from scanner_app.access.roles import May
from scanner_app.api.bar_reports import REVISE, NoBarTaken, ReportOut, answer
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.body import as_list
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import RefusesUnknownKeys, TextIn, flag
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayWriteBars
from scanner_app.engine.ingest import Report
from scanner_app.feeds.hooks import mapping, renaming, store, taking
from scanner_app.models import Hook

_SOURCE = {
    "oneOf": [
        {"type": "string", "minLength": 1, "maxLength": mapping.MAX_TEXT},
        {
            "type": "object",
            "properties": {mapping.CONSTANT: {}},
            "required": [mapping.CONSTANT],
            "additionalProperties": False,
        },
    ]
}
_MAPPING = {
    "oneOf": [
        {"type": "string", "enum": [mapping.TRADINGVIEW]},
        {"type": "object", "properties": dict.fromkeys(mapping.FIELDS, _SOURCE), "additionalProperties": False},
    ]
}


@extend_schema_field(_MAPPING)
class MappingIn(serializers.JSONField):
    """Which key of a message is which field of a bar."""

    def to_internal_value(self, data: Any) -> Any:
        """The mapping as it was sent. Raises ValidationError, which names the field that is wrong."""
        try:
            mapping.sources(data)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None
        return data


@extend_schema_field(
    {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": renaming.MAX_NAMES}
)
class TickersIn(serializers.JSONField):
    """What the messages call our symbols."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["help_text"] = "`{their name: our ticker}`; a name that is not in it is our ticker"
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """The names in upper case. Raises ValidationError, which says which is wrong."""
        try:
            return renaming.checked(data)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class HookIn(RefusesUnknownKeys):
    """What can be changed of a hook."""

    tickers = TickersIn(required=False)


class NewHookIn(RefusesUnknownKeys):
    """A new hook."""

    name = TextIn(max_length=100, help_text="what you know it by")
    mapping = MappingIn(
        help_text='`"tradingview"`, or an object: of each field the key of the message that has it (`"data.o"`: `o` in '
        'the object `data`), or `{"constant": …}`; a field that is left out is looked for under its own name'
    )
    tickers = TickersIn(required=False)


@extend_schema_field(_MAPPING)
class MappingOut(serializers.JSONField):
    """A mapping as it was sent."""


class HookOut(serializers.ModelSerializer[Hook]):
    """A hook, without its secret."""

    mapping = MappingOut()

    class Meta:
        model = Hook
        fields = (
            "id",
            "name",
            "mapping",
            "tickers",
            "hint",
            "created_at",
            "last_used_at",
            "last_error",
            "last_error_at",
        )
        extra_kwargs = {
            "hint": {"help_text": "its token's first characters"},
            "last_used_at": {"help_text": "when the last message came, to the minute"},
            "last_error": {"help_text": "why a bar or a message was not taken; empty: all were"},
        }


class MadeHookOut(HookOut):
    """A new hook with its address: no other answer has it."""

    token = serializers.CharField()
    url = serializers.CharField(help_text="where to send bars: whoever knows it can send some")

    class Meta(HookOut.Meta):
        fields = (*HookOut.Meta.fields, "token", "url")  # type: ignore[assignment] # two more


HOOK = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the hook's id, from the list")
NO_HOOK = OpenApiResponse(DetailOut, "you have no such hook")


def address_of(token: str) -> str:
    """Where programs send their bars."""
    return f"{settings.PUBLIC_URL}/hooks/{token}"


@extend_schema_view(list=extend_schema(summary="Your hooks, newest first"))
class HookViewSet(ListViewSet):
    """The hooks of the signed-in user. Nobody sees those of others here."""

    serializer_class = HookOut
    queryset = Hook.objects.none()  # for the schema
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = dict.fromkeys(("list", "create", "partial_update", "destroy"), MayWriteBars)

    def get_queryset(self) -> Any:
        """The user's own hooks."""
        return Hook.objects.filter(user=_user(self.request)).select_related("user")

    @extend_schema(summary="Make a hook", request=NewHookIn, responses={201: MadeHookOut})
    def create(self, request: Request) -> Response:
        """A secret address that takes bars in a form of your choice. Only this answer has it."""
        body = NewHookIn(data=request.data)
        body.is_valid(raise_exception=True)
        hook, token = store.make(_user(request), **body.validated_data, now=timezone.now())
        row = HookOut(hook).data
        return Response({**row, "token": token, "url": address_of(token)}, status=HTTP_201_CREATED)

    @extend_schema(
        summary="Change a hook's tickers", parameters=[HOOK], request=HookIn, responses={200: HookOut, 404: NO_HOOK}
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """What its messages call our symbols, from the next message on."""
        hook: Hook = self.row_of(id, "Hook")
        body = HookIn(data=request.data)
        body.is_valid(raise_exception=True)
        if (names := body.validated_data.get("tickers")) is not None:
            store.rename(hook, names)
        return Response(HookOut(hook).data)

    @extend_schema(summary="Remove a hook", parameters=[HOOK], responses={204: None, 404: NO_HOOK})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - named after the address; DRF's
        """Its address takes nothing any more, at once."""
        store.remove(self.row_of(id, "Hook"))
        return Response(status=HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    assert isinstance(request.user, User), "the permission lets in signed-in users only"  # noqa: S101
    return request.user


class MessageParser(SafeJSONParser):
    """Reads JSON whatever the Content-Type says: many programs say text/plain. NaN is no number, but no error."""

    media_type = "*/*"
    strict = False


class InletView(APIView):
    """Where a hook's messages come in. The secret in the address says whose they are."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [MessageParser]

    @extend_schema(
        summary="Send bars to a hook",
        operation_id="hook_message",
        tags=["hooks"],
        auth=[],
        parameters=[OpenApiParameter("token", str, OpenApiParameter.PATH, description="the hook's token"), REVISE],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            202: OpenApiResponse(ReportOut, "as by `POST bars`"),
            400: OpenApiResponse(NoBarTaken, "every bar was rejected or in conflict; or the body is no JSON object"),
            403: OpenApiResponse(DetailOut, "the hook's owner may not send bars any more"),
            404: OpenApiResponse(DetailOut, "there is no such hook"),
            429: OpenApiResponse(
                PolymorphicProxySerializer(
                    component_name="TooMuchAtOnce", serializers=[ReportOut, DetailOut], resource_type_field_name=None
                ),
                "every bar was rejected as `backlog_full`; or too many messages: send them again after `Retry-After`",
            ),
        },
    )
    def post(self, request: Request, token: str) -> Response:
        """A message with a bar, or a list of them, in the hook's form. Sending it again is harmless."""
        now = timezone.now()
        hook = store.find(token)
        if hook is None:
            raise NotFound("There is no such hook.")
        try:
            report = _take(hook, request, now)
        except APIException as exc:
            store.note(hook, error=str(exc.detail), now=now)
            raise
        store.note(hook, error=taking.error_of(report), now=now)
        return answer(report)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer; nothing may keep its address or pass it on."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response


def _take(hook: Hook, request: Request, now: datetime) -> Report:
    """Accept the bars of a message. Raises PermissionDenied, Throttled, ParseError or TooLarge."""
    if not May(hook.user).send_bars:
        raise PermissionDenied("The owner of this hook may not send bars any more.")
    if waits_s := store.waits_s(hook, now):
        raise Throttled(wait=waits_s, detail=f"A hook takes {store.MESSAGES.amount:,} messages a minute.")
    return taking.take(hook, as_list(request.data), now=now, revising=flag(request, "revise"))
