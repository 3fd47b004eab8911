"""Signing in: a token for name and password."""

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
    """Name and password of a user."""

    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class TokenOut(serializers.Serializer[Any]):
    """The user's token, to be sent as `Authorization: Token …`."""

    token = serializers.CharField()


class TokenView(APIView):
    """Gives a user a token for name and password."""

    authentication_classes = []  # otherwise a client that still sends an invalid token could not get a new one
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
        """A user has one token: each call returns the same."""
        body = TokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        user = authenticate(request=request, **body.validated_data)
        if user is None:
            raise ParseError("Name or password is wrong.")
        token, _ = Token.objects.get_or_create(user=user)
        return Response({"token": token.key})
