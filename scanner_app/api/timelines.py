"""Timelines: what happened to a symbol or a bar. The routes are in symbols.py and bars.py."""

from typing import Any

from rest_framework import serializers


class LineOut(serializers.Serializer[Any]):
    """A line of a symbol's timeline."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(
        help_text="when; for a line that stands for all failures of a hold, the last failure"
    )
    actor = serializers.CharField(help_text="a user's name, or `scanner`")
    reason = serializers.CharField()
    bar = serializers.IntegerField(allow_null=True, help_text="the bar's id")
    sentence = serializers.CharField()
    detail = serializers.JSONField(
        allow_null=True,
        help_text="of an operator's action: what it changed, as `before` and `after`, and the `filter` of an action on "
        "all symbols that matched it; else null",
    )
    failure = serializers.IntegerField(allow_null=True, help_text="the failed attempt's id in the list of failures")
    attempt = serializers.IntegerField(allow_null=True)
    times = serializers.IntegerField(help_text="how many failures the line stands for; more than 1 only in a hold")
    error_type = serializers.CharField()
    message = serializers.CharField()
    retry_delay_s = serializers.FloatField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class BarLineOut(LineOut):
    """A line of a bar's timeline."""

    id = serializers.IntegerField(help_text="the line's place in the timeline, counted from 1")
    after_s = serializers.FloatField(allow_null=True, help_text="seconds since the line before it; null for the first")


class StoryOut(serializers.Serializer[Any]):
    """The whole timeline of a bar, in the form of a list with one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = BarLineOut(many=True)
