"""Tokens of the API: for name and password, and their owner's list of them."""

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scanner_app.accounts import tokens
from scanner_app.api.base import LARGEST_ID, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import TextIn, WholeIn
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.domain.enums import Scope
from scanner_app.models import ApiToken
from scanner_app.models.choices import choices_of


class NewTokenIn(serializers.Serializer[Any]):
    """What a new token is for."""

    name = TextIn(required=False, allow_blank=True, max_length=100, help_text="what you know it by")
    scope = serializers.ChoiceField(
        required=False,
        default=Scope.OPERATE.value,
        choices=choices_of(Scope),
        help_text="`read`: reading; `feed`: reading and sending bars; `operate`: whatever the user may",
    )
    days = WholeIn(
        required=False,
        default=tokens.DEFAULT_DAYS,
        min_value=1,
        max_value=tokens.MAX_DAYS,
        help_text="after so many days it ends",
    )


class TokenIn(NewTokenIn):
    """Name and password of a user, and what the token is for."""

    username = TextIn()
    password = TextIn(style={"input_type": "password"})


class TokenOut(serializers.Serializer[Any]):
    """A new token, to be sent as `Authorization: Token …`."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TokenRowOut(serializers.ModelSerializer[ApiToken]):
    """A token of the list, without the token itself."""

    class Meta:
        model = ApiToken
        fields = ("id", "name", "scope", "hint", "created_at", "expires_at", "last_used_at")
        extra_kwargs = {
            "hint": {"help_text": "its first characters"},
            "expires_at": {"help_text": "null: never, as tokens from before they had an end"},
            "last_used_at": {"help_text": "to the hour"},
        }


class MadeTokenOut(TokenRowOut):
    """A new token with its row: the token itself is in no other answer."""

    token = serializers.CharField()

    class Meta(TokenRowOut.Meta):
        fields = (*TokenRowOut.Meta.fields, "token")  # type: ignore[assignment] # one more


class TokenView(APIView):
    """Gives a user a new token for name and password."""

    authentication_classes = []  # otherwise a client that still sends an invalid token could not get a new one
    permission_classes = [AllowAny]
    parser_classes = [SafeJSONParser]

    @extend_schema(
        summary="A new token for name and password",
        request=TokenIn,
        responses={
            200: TokenOut,
            429: OpenApiResponse(DetailOut, "too many wrong passwords; `Retry-After` says when to try again"),
        },
        auth=[],
        tags=["auth"],
        operation_id="auth_token_create",
    )
    def post(self, request: Request) -> Response:
        """Each call makes a new token. Older ones stay valid."""
        body = TokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        about = dict(body.validated_data)
        user = authenticate(request=request, username=about.pop("username"), password=about.pop("password"))
        if not isinstance(user, User):
            raise ParseError("Name or password is wrong.")
        token, secret = tokens.make(user, **about, by=None, now=timezone.now())
        return Response(TokenOut({"token": secret, "expires_at": token.expires_at}).data)


TOKEN = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the token's id, from the list")


@extend_schema_view(list=extend_schema(summary="Your tokens", tags=["auth"]))
class TokenViewSet(ListViewSet):
    """The tokens of the signed-in user. Nobody sees those of others here."""

    serializer_class = TokenRowOut
    queryset = ApiToken.objects.none()  # for the schema

    def get_queryset(self) -> Any:
        """The user's own tokens that have not ended."""
        return tokens.live(_user(self.request), timezone.now())

    @extend_schema(
        summary="Make a token",
        request=NewTokenIn,
        responses={201: MadeTokenOut},
        tags=["auth"],
        description=(
            "A new token of the signed-in user. Made with a token, it ends no later than that one. Only this answer "
            "has the token itself."
        ),
    )
    def create(self, request: Request) -> Response:
        """Make a token for the signed-in user."""
        body = NewTokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        by = request.auth if isinstance(request.auth, ApiToken) else None
        token, secret = tokens.make(_user(request), **body.validated_data, by=by, now=timezone.now())
        row = TokenRowOut(token).data
        return Response({**row, "token": secret}, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Revoke a token", parameters=[TOKEN], responses={204: None}, tags=["auth"])
    def destroy(self, request: Request, pk: str) -> Response:  # noqa: ARG002 - DRF's signature
        """End a token of one's own at once."""
        wanted = int(pk) if pk.isdecimal() and len(pk) < len(str(LARGEST_ID)) else 0
        token = self.get_queryset().select_related("user").filter(pk=wanted).first()
        if token is None:
            raise NotFound("You have no such token.")
        tokens.revoke([token], why="by request")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    assert isinstance(request.user, User), "the permission lets in signed-in users only"  # noqa: S101
    return request.user
