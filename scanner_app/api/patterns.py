"""What people call the patterns of the detectors that ship."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from scanner_app.api.permissions import MayReadStatus
from scanner_app.detectors.pattern_names import NAMES


class PatternOut(serializers.Serializer[Any]):
    """A pattern, with its names for people."""

    pattern = serializers.CharField(help_text="as signals have it")
    name = serializers.CharField()
    bullish = serializers.CharField(help_text="the name of a bullish one")
    bearish = serializers.CharField(help_text="the name of a bearish one")
    meaning = serializers.CharField(help_text="what it looks like and how it is usually read, in a sentence")


class PatternViewSet(ViewSet):
    """Patterns and their names."""

    permission_classes = [MayReadStatus]

    @extend_schema(
        summary="The patterns of the detectors that ship, with their names and meanings",
        responses={200: PatternOut(many=True)},
    )
    def list(self, request: Request) -> Response:  # noqa: ARG002 - the view's signature
        """All of them, by their codes. Patterns of other detectors have no other name than their own."""
        rows = [
            {"pattern": code, "name": one.name, "bullish": one.bullish, "bearish": one.bearish, "meaning": one.meaning}
            for code, one in sorted(NAMES.items())
        ]
        return Response(PatternOut(rows, many=True).data)
