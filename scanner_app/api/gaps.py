"""Bars that are missing in a symbol's series."""

from typing import Any

from rest_framework import serializers

from scanner_app.domain.timeframes import TIMEFRAMES


class GapsIn(serializers.Serializer[Any]):
    """Which gaps: the parameters of the request's address."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES), required=False, help_text="only of this one")


class GapOut(serializers.Serializer[Any]):
    """A place in a series where bars are missing, as `gaps.Gap` has it."""

    id = serializers.IntegerField(help_text="of the bar after it")
    timeframe = serializers.CharField()
    # `from` is a keyword of Python's: get_fields() drops the underscore.
    from_ = serializers.DateTimeField(source="start", help_text="end of the bar before it")
    to = serializers.DateTimeField(source="end", help_text="opening of the bar after it")
    missing = serializers.IntegerField(help_text="bars, by the symbol's calendar")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields by the names of the answer's keys."""
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}


class GapsOut(serializers.Serializer[Any]):
    """Gaps in the form of the lists; they all fit on one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = GapOut(many=True, help_text="newest first")
