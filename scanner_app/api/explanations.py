"""Why a symbol is as it is."""

from typing import Any

from rest_framework import serializers

from scanner_app.domain.explanation.actions import ACTS
from scanner_app.domain.explanation.sentences import Code


class ActionOut(serializers.Serializer[Any]):
    """An operator's act that makes sense now, and the request that does it."""

    name = serializers.ChoiceField(list(ACTS))
    sentence = serializers.CharField(help_text="what it does")
    method = serializers.CharField()
    path = serializers.CharField()
    body = serializers.DictField(child=serializers.CharField(), help_text="to be sent, beside an optional `reason`")
    allowed = serializers.BooleanField(help_text="whether this user may do it")


class ExplanationOut(serializers.Serializer[Any]):
    """Why a symbol is as it is, as `explain.sentences.Explanation` has it."""

    symbol = serializers.CharField()
    code = serializers.ChoiceField([one.value for one in Code], help_text="which case it is, for programs")
    summary = serializers.CharField()
    cause = serializers.CharField()
    next = serializers.CharField(help_text="what happens next, by itself")
    notes = serializers.ListField(child=serializers.CharField(), help_text="what else is to be known")
    text = serializers.CharField(help_text="all of it in one paragraph")
    actions = ActionOut(many=True)
    since = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text="bars that are not done with")
    catch_up_s = serializers.FloatField(allow_null=True, help_text="an estimate; null: unknown, or nothing waits")
