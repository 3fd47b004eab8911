"""Fields and serializers that several resources use."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from scanner_app.detectors import Direction
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name

DIRECTIONS = [one.value for one in Direction]
"""The directions that a signal can have."""

MAX_REASON = 1_000
"""Characters of an operator's reason: room for some sentences, but not for a file pasted by mistake."""


def utc_time(text: str) -> datetime:
    """Read an ISO 8601 time and convert it to UTC. Without an offset it is taken as UTC. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time such as 2024-05-31T13:30:00Z") from None


class TimeframeIn(serializers.ChoiceField):
    """A timeframe in a request, by our name (`1h`) or another one (`60m`, `1Hour`)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(list(TIMEFRAMES), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Our name. Raises ValidationError."""
        name: str = super().to_internal_value(normal_name(str(data)) or data)
        return name


class ActIn(serializers.Serializer[Any]):
    """The body of an operator's action: an optional reason."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)


class TimeIn(serializers.DateTimeField):
    """A time in a request's body, read like the time parameters of lists."""

    def to_internal_value(self, value: Any) -> datetime:
        """The time in UTC. Raises ValidationError."""
        try:
            return utc_time(value if isinstance(value, str) else "")
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class KeywordNames(serializers.Serializer[Any]):
    """A serializer with a field `from`: declared as `from_`, because `from` is a keyword of Python."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields by their names in JSON, without the underscore."""
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}
