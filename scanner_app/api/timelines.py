"""What happened to a symbol or a bar."""

from typing import Any

from rest_framework import serializers


class LineOut(serializers.Serializer[Any]):
    """A line of a timeline, as `timeline.Line` has it."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(help_text="of a hold's failures, which are one line: the last")
    actor = serializers.CharField(help_text="a user's name, or scanner")
    reason = serializers.CharField()
    bar = serializers.IntegerField(allow_null=True, help_text="the bar's id")
    sentence = serializers.CharField()
    failure = serializers.IntegerField(allow_null=True, help_text="id of the failed attempt in the list of failures")
    attempt = serializers.IntegerField(allow_null=True)
    times = serializers.IntegerField(help_text="more than 1: counted up in a hold")
    error_type = serializers.CharField()
    message = serializers.CharField()
    retry_delay_s = serializers.FloatField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class BarLineOut(LineOut):
    """A line of a bar's timeline."""

    id = serializers.IntegerField(help_text="its place in the story, 1 is the first")
    after_s = serializers.FloatField(allow_null=True, help_text="seconds since the line before; null for the first")


class StoryOut(serializers.Serializer[Any]):
    """A bar's timeline: always whole, in the form of a list."""

    next = serializers.CharField(allow_null=True, help_text="null: all lines are here")
    previous = serializers.CharField(allow_null=True)
    results = BarLineOut(many=True)
