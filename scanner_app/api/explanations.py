"""Why a symbol is in its state, what happens next and what can be done. The route is in symbols.py."""

from typing import Any

from rest_framework import serializers

from scanner_app.domain.explanation.actions import ACTIONS
from scanner_app.domain.explanation.result import Code


class ActionOut(serializers.Serializer[Any]):
    """An operator's action that makes sense now, and the request that does it."""

    name = serializers.ChoiceField(list(ACTIONS))
    sentence = serializers.CharField(help_text="what the action does")
    method = serializers.CharField()
    path = serializers.CharField()
    body = serializers.DictField(
        child=serializers.CharField(), help_text="the body to send; an optional `reason` may be added"
    )
    allowed = serializers.BooleanField(help_text="whether the user of this request may do it")


class ExplanationOut(serializers.Serializer[Any]):
    """Why a symbol is in its state, what happens next and what can be done."""

    symbol = serializers.CharField()
    code = serializers.ChoiceField([one.value for one in Code], help_text="the situation of the symbol, for programs")
    summary = serializers.CharField()
    cause = serializers.CharField()
    next = serializers.CharField(help_text="what happens next without any action")
    notes = serializers.ListField(child=serializers.CharField(), help_text="what else is worth knowing")
    text = serializers.CharField(help_text="summary, cause, next, notes and actions in one paragraph")
    actions = ActionOut(many=True)
    bar = serializers.IntegerField(allow_null=True, help_text="id of the head, which has a page; null without one")
    since = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text="bars of the backlog, the head included")
    catch_up_s = serializers.FloatField(
        allow_null=True, help_text="estimated seconds until the backlog is done; null if unknown or if nothing waits"
    )
