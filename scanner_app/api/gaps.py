"""Gaps: bars that are missing in a symbol's series. The route is in symbols.py."""

from typing import Any

from rest_framework import serializers

from scanner_app.api.fields import KeywordNames, TimeframeIn


class GapsIn(serializers.Serializer[Any]):
    """Query parameters of a symbol's gaps."""

    timeframe = TimeframeIn(required=False, help_text="only gaps of this timeframe")


class GapOut(KeywordNames):
    """A place in a series where bars are missing."""

    id = serializers.IntegerField(help_text="id of the bar after the gap")
    timeframe = serializers.CharField()
    from_ = serializers.DateTimeField(source="start", help_text="end of the bar before the gap")
    to = serializers.DateTimeField(source="end", help_text="opening time of the bar after the gap")
    missing = serializers.IntegerField(help_text="how many bars are missing, by the symbol's calendar")


class GapsOut(serializers.Serializer[Any]):
    """All gaps of a symbol, in the form of a list with one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = GapOut(many=True, help_text="newest first")
