"""Operators' actions on all symbols that match a filter."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.fields import ActIn, FilterOrAll, RefusesUnknownKeys, TextIn, TimeIn, TruthIn
from scanner_app.domain.enums import SymbolState
from scanner_app.mailbox import operate_bulk
from scanner_app.reading import symbol_filters

MAX_NAMED = 50
"""Symbols that the answer to an action on many names."""

FILTER_HELP = {
    "retrying": "true: symbols whose head failed and waits for its retry, or is the probe; false: all others",
    "error_type": "symbols whose last failure had this type, as `ValueError`, and that have had no success since",
}


class DisableIn(ActIn):
    """The body of disabling a symbol."""

    until = TimeIn(required=False, allow_null=True, default=None, help_text="when it is enabled by itself")

    def validate_until(self, value: datetime | None) -> datetime | None:
        """The time. Raises ValidationError unless it is in the future."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must be in the future")
        return value


class SymbolBulkIn(FilterOrAll, RefusesUnknownKeys, DisableIn):
    """Which symbols to act on. The keys of the filter may also be in an object `filter`."""

    one_of_them = "symbol"

    symbol = TextIn(required=False, help_text="ticker, in upper or lower case")
    state = serializers.ChoiceField([one.value for one in SymbolState], required=False)
    retrying = TruthIn(required=False, allow_null=True, default=None, help_text=FILTER_HELP["retrying"])
    error_type = TextIn(required=False, help_text=FILTER_HELP["error_type"])
    enabled = TruthIn(required=False, allow_null=True, default=None)
    all = TruthIn(required=False, default=False, help_text="must be true if there is no filter: act on every symbol")
    dry_run = TruthIn(required=False, default=False, help_text="only count, change nothing")

    def to_internal_value(self, data: Any) -> Any:
        """The checked values. Raises ValidationError."""
        if isinstance(data, dict) and isinstance(nested := data.get("filter"), dict):
            data = {**{name: value for name, value in data.items() if name != "filter"}, **nested}
        return super().to_internal_value(data)

    def filter_of(self, values: dict[str, Any]) -> symbol_filters.Filter:
        """The filter that these values describe."""
        return symbol_filters.Filter(**{one.name: values.get(one.name) for one in fields(symbol_filters.Filter)})


class MatchedOut(serializers.Serializer[Any]):
    """How many symbols were changed; in a dry run, how many would be."""

    count = serializers.IntegerField()
    symbols = serializers.ListField(
        child=serializers.CharField(), help_text=f"their tickers, the first {MAX_NAMED} of them"
    )


def _documented_bulk_action(action_name: str) -> Callable[[Any], Any]:
    """The schema of an operator's action on all symbols that match a filter."""
    return extend_schema(
        summary=f"{action_name.capitalize()} all symbols that match a filter",
        operation_id=f"symbols_{action_name}_all",
        request=SymbolBulkIn,
        responses={200: MatchedOut},
        filters=False,
    )


class BulkActions:
    """The actions, as a part of the symbols' viewset."""

    @_documented_bulk_action("reset")
    @action(detail=False, methods=["post"], url_path="reset")
    def reset_all(self, request: Request) -> Response:
        """Each symbol in its own transaction. One that no longer matches when its turn comes is left alone."""
        return self._act_on_all("reset", request)

    @_documented_bulk_action("skip")
    @action(detail=False, methods=["post"], url_path="skip")
    def skip_all(self, request: Request) -> Response:
        """Symbols without a head are not counted. One that no longer matches when its turn comes is left alone."""
        return self._act_on_all("skip", request)

    @_documented_bulk_action("enable")
    @action(detail=False, methods=["post"], url_path="enable")
    def enable_all(self, request: Request) -> Response:
        """Symbols that are enabled already are not counted."""
        return self._act_on_all("enable", request)

    @_documented_bulk_action("disable")
    @action(detail=False, methods=["post"], url_path="disable")
    def disable_all(self, request: Request) -> Response:
        """Symbols that are disabled already are not counted. `until`: they are enabled by themselves then."""
        return self._act_on_all("disable", request)

    def _act_on_all(self, name: str, request: Request) -> Response:
        """Act on all symbols that the request's filter chooses, and answer with their number."""
        body = SymbolBulkIn(data=request.data)
        body.is_valid(raise_exception=True)
        until = body.validated_data["until"]
        if until is not None and name != "disable":
            raise serializers.ValidationError({"until": ["is for disabling alone"]})
        chosen = symbol_filters.matching(body.wanted, timezone.now())
        if body.validated_data["dry_run"]:
            tickers = list(operate_bulk.changed_by(name, chosen).values_list("ticker", flat=True))
        else:
            tickers = operate_bulk.act_on_all(
                name,
                chosen,
                by=request.user.get_username(),
                clock=timezone.now,
                reason=body.validated_data["reason"],
                matched=body.wanted.chosen,
                **({} if until is None else {"until": until}),
            )
        return Response({"count": len(tickers), "symbols": tickers[:MAX_NAMED]})
