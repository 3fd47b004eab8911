"""Fields and serializers that several resources use."""

from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from scanner_app.detectors import Direction
from scanner_app.domain.tickers import MAX_LENGTH
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name

DIRECTIONS = [one.value for one in Direction]
"""The directions that a signal can have."""

FLAGS = {"true": True, "1": True, "false": False, "0": False}
"""How a query parameter says yes or no, in upper or lower case."""

TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
"""What `utc_time` reads, for the schema; other forms of ISO 8601 too."""

TEXT = {"type": "string", "pattern": r"^[^\u0000]*$"}
"""A text in an address, for the schema: no database can look for a NUL."""

TICKER_PATTERN = r"^(?![ /])(?!.*//)(?!(.*/)?\.{1,2}(/|$))[ !-+\--\[\]-~]+(?<![ /])$"
"""What `domain.tickers` accepts, for the schema; but for the names of actions as a segment."""

MAX_WRONG = 10
"""Wrong entries of a list that an answer names."""

MAX_REASON = 1_000
"""Characters of an operator's reason: room for some sentences, but not for a file pasted by mistake."""


def utc_time(text: str) -> datetime:
    """Read an ISO 8601 time and convert it to UTC. Without an offset it is taken as UTC. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time such as 2024-05-31T13:30:00Z") from None


def flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false; false without it. Raises ParseError for anything else."""
    value = request.query_params.get(name, "").lower() or "false"
    if value not in FLAGS:
        raise ParseError(f"{name} must be true or false, not {value!r}.")
    return FLAGS[value]


class TextIn(serializers.CharField):
    """Text in a request's body. DRF's own field also takes numbers, and makes text of them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        if not kwargs.get("allow_blank"):
            kwargs.setdefault("min_length", 1)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        """The text as it is. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class TruthIn(serializers.BooleanField):
    """True or false: in a body JSON's own, in an address as FLAGS has it. DRF's own field also takes `on` and 1."""

    def to_internal_value(self, data: Any) -> bool:
        """True or False. Raises ValidationError."""
        if isinstance(getattr(self.root, "initial_data", None), QueryDict) and isinstance(data, str):
            data = FLAGS.get(data.lower())
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WholeIn(serializers.IntegerField):
    """A whole number in a request's body. DRF's own field also takes text."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError."""
        if isinstance(data, (bool, str)):
            self.fail("invalid")
        number: int = super().to_internal_value(data)
        return number


class ListIn(serializers.ListField):
    """A list in a request's body. What is wrong in it is said in sentences; DRF's own field answers with an object."""

    def run_child_validation(self, data: Any) -> Any:
        """The checked entries. Raises ValidationError, which names the places of the wrong ones, the first being 1."""
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as exc:
            wrong = exc.detail if isinstance(exc.detail, dict) else {}
            raise serializers.ValidationError(
                [f"entry {int(place) + 1}: {text}" for place, texts in wrong.items() for text in texts][:MAX_WRONG]
            ) from None


@extend_schema_field({"type": "string", "pattern": TICKER_PATTERN, "minLength": 1, "maxLength": MAX_LENGTH})
class TickerIn(TextIn):
    """A ticker of a new symbol in a request's body. Who uses it checks it by `domain.tickers`."""


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

    reason = TextIn(required=False, allow_blank=True, default="", max_length=MAX_REASON)


class RefusesUnknownKeys(serializers.Serializer[Any]):
    """The body of an act whose keys choose what it is about: a mistyped one, if ignored, would choose too much."""

    def to_internal_value(self, data: Any) -> Any:
        """The checked values. Raises ValidationError, also for unknown keys."""
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            known = ", ".join(self.fields)
            # JSON allows half of a surrogate pair in a key, but UTF-8 can't encode it in the answer.
            names = sorted(name.encode(errors="replace").decode() for name in unknown)
            raise serializers.ValidationError({name: [f"is unknown; the keys are {known}"] for name in names})
        return super().to_internal_value(data)


class FilterOrAll(serializers.Serializer[Any]):
    """The body of an act on many rows, with fields `all` and `dry_run` beside those of its filter."""

    one_of_them = "row"
    """What one of the rows is called in sentences."""

    def filter_of(self, values: dict[str, Any]) -> Any:
        """The filter that these values describe: a value with a property `empty`."""
        raise NotImplementedError

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require either a filter or `all`. A request with both has one of them by mistake."""
        unfiltered = self.filter_of(attrs).empty
        if attrs["all"] and not unfiltered:
            raise serializers.ValidationError({"all": ["can't be true together with a filter"]})
        if unfiltered and not (attrs["all"] or attrs["dry_run"]):
            raise serializers.ValidationError({"all": [f"must be true to act on every {self.one_of_them}"]})
        return attrs

    @property
    def wanted(self) -> Any:
        """The filter that the request describes."""
        return self.filter_of(self.validated_data)


@extend_schema_field(TIME)
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
