"""What several requests have in common."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from scanner_app.detectors import Direction

DIRECTIONS = [one.value for one in Direction]

MAX_REASON = 1_000
"""Characters of an operator's reason: a sentence or ten, and no file pasted by mistake."""


def utc_time(text: str) -> datetime:
    """A time of ISO 8601 as an aware one in UTC, which it is taken for without an offset. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time such as 2024-05-31T13:30:00Z") from None


class ActIn(serializers.Serializer[Any]):
    """An operator's act may say why."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)


class TimeIn(serializers.DateTimeField):
    """A time, read as the lists' parameters are."""

    def to_internal_value(self, value: Any) -> datetime:
        """The time as an aware one in UTC. Raises ValidationError."""
        try:
            return utc_time(value if isinstance(value, str) else "")
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None
