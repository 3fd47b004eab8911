"""Bodies of the requests about rules."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scanner_app.api.base import LARGEST_ID
from scanner_app.api.fields import ListIn, RefusesUnknownKeys, TextIn, TickerIn, TimeframeIn, TruthIn, WholeIn
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.signals import channels, rules, watchlists
from scanner_app.trader_rules import ExpressionError, compiled
from scanner_app.trader_rules.syntax import MAX_LENGTH

MAX_CHANNELS = 20
"""Channels of one rule."""

MAX_TRIED = 1_000
"""Bars of one try-out."""


class ExpressionIn(TextIn):
    """An expression that was checked. What is wrong with it is said with its place."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "a condition, in the words of docs/rules.md")
        super().__init__(max_length=MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """The text as it was given. Raises ValidationError."""
        text = super().to_internal_value(data)
        try:
            compiled(text)
        except ExpressionError as exc:
            raise serializers.ValidationError(str(exc)) from None
        return text


_ONE = {"type": "string", "pattern": f"^({'|'.join(TIMEFRAMES)})$"}


@extend_schema_field({"type": "array", "items": _ONE, "minItems": 1, "maxItems": 20})
class TimeframesIn(ListIn):
    """Timeframes, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=TimeframeIn(), allow_empty=False, max_length=20, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        """Our names. Raises ValidationError."""
        return list(dict.fromkeys(super().to_internal_value(data)))


@extend_schema_field({"type": "integer", "minimum": 1, "nullable": True})
class WatchListId(WholeIn):
    """The id of a watch list that the user may use."""

    def to_internal_value(self, data: Any) -> int:
        """The id. Raises ValidationError."""
        number: int = super().to_internal_value(data)
        user = self.context["request"].user
        if not (0 <= number <= LARGEST_ID and watchlists.readable(user).filter(pk=number).exists()):
            raise serializers.ValidationError(f"you have no watch list {number}, and none that is shared")
        return number


class RuleIn(RefusesUnknownKeys):
    """A new rule, or new values for one."""

    name = TextIn(max_length=100, trim_whitespace=True)
    expression = ExpressionIn()
    watchlist = WatchListId(
        source="watchlist_id",
        required=False,
        allow_null=True,
        default=None,
        help_text="id of a watch list; null: all symbols",
    )
    timeframes = TimeframesIn(help_text="whose bars it looks at")
    cooldown_s = WholeIn(
        required=False,
        default=0,
        min_value=0,
        max_value=rules.MAX_COOLDOWN_S,
        help_text="after a hit, seconds of bar time without another one of the same symbol and timeframe",
    )
    tell_within_s = WholeIn(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=rules.MAX_TELL_WITHIN_S,
        help_text="a bar that ended longer ago (s) is no hit; null: two timeframes",
    )
    tell_late = TruthIn(required=False, default=False, help_text="true: also bars that come after newer ones")
    channels = ListIn(
        child=WholeIn(min_value=1, max_value=LARGEST_ID),
        required=False,
        default=list,
        max_length=MAX_CHANNELS,
        help_text="ids of the channels by which its hits are told",
    )
    enabled = TruthIn(required=False, default=True)
    shared = TruthIn(required=False, default=False, help_text="true: others may read and copy it, but not change it")

    def validate_channels(self, value: list[int]) -> list[int]:
        """Each once. Raises ValidationError for the id of no channel, or of one that the user's rules may not name."""
        wanted = list(dict.fromkeys(value))
        usable = channels.usable(self.context["request"].user)
        known = set(usable.filter(pk__in=wanted).values_list("pk", flat=True))
        if unknown := [one for one in wanted if one not in known]:
            raise serializers.ValidationError(f"{unknown[0]} is not the id of a channel that your rules may name")
        return wanted


class CheckIn(RefusesUnknownKeys):
    """An expression to check."""

    expression = ExpressionIn()
    timeframes = TimeframesIn(
        required=False, default=lambda: ["1d"], help_text="`bars_needed` is the most of them; by default 1d"
    )


class TryIn(RefusesUnknownKeys):
    """An expression to try on stored bars."""

    expression = ExpressionIn()
    symbol = TickerIn()
    timeframe = TimeframeIn()
    bars = WholeIn(required=False, default=500, min_value=1, max_value=MAX_TRIED, help_text="the newest so many")
    cooldown_s = WholeIn(required=False, default=0, min_value=0, max_value=rules.MAX_COOLDOWN_S)
