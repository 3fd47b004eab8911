"""A token for name and password."""

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scanner_app.api.errors import DetailOut
from scanner_app.api.parsers import SafeJSONParser


class TokenIn(serializers.Serializer[Any]):
    """Who wants a token."""

    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class TokenOut(serializers.Serializer[Any]):
    """The user's token, for `Authorization: Token …`."""

    token = serializers.CharField()


class TokenView(APIView):
    """The way to a token."""

    authentication_classes = []  # who has a stale token or session comes here for a new one
    permission_classes = [AllowAny]
    parser_classes = [SafeJSONParser]

    @extend_schema(
        summary="A token for name and password",
        request=TokenIn,
        responses={200: TokenOut, 400: OpenApiResponse(DetailOut, "name or password is wrong")},
        auth=[],
        tags=["auth"],
        operation_id="auth_token_create",
    )
    def post(self, request: Request) -> Response:
        """The user's one token, the same each time."""
        asked = TokenIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = authenticate(request=request, **asked.validated_data)
        if user is None:
            raise ParseError("Name or password is wrong.")
        token, _ = Token.objects.get_or_create(user=user)
        return Response({"token": token.key})
