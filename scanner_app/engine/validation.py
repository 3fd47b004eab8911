"""What makes a bar valid: each field by itself, and the rules between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.conf import settings
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from scanner_app import mailbox
from scanner_app.domain import prices, tickers
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name
from scanner_app.engine import retention

AHEAD = timedelta(minutes=1)
"""How far in the future a bar may open: a feed's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A bar that was not accepted, and why."""

    index: int
    field: str
    reason: str  # a code of the contract
    message: str


def _number(value: object) -> object:
    # "1,234" and "1.234" mean different numbers to different people: what a text means is the reader's business.
    if isinstance(value, str):
        raise ValueError(f"must be a number, not the text {value!r}"[:300])
    # A bool is an int in Python, but not a price.
    if isinstance(value, bool):
        raise ValueError("must be a number, not a bool")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {value}")
    return value


def _known(value: object) -> object:
    """None for a volume that is not known. Files may have NaN for it, which alone is not itself."""
    return None if value != value else _number(value)


def _volume(value: float | None) -> float | None:
    if value is not None and _finite(value) < 0:
        raise ValueError(f"must not be negative, not {value}")
    return value


def _closed(value: object) -> object:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}"[:300])
    return value


def _timeframe(value: object) -> str:
    if not isinstance(value, str) or (name := normal_name(value)) is None:
        raise ValueError(f"must be one of {', '.join(TIMEFRAMES)}, not {value!r}")
    return name


def _timestamp(value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"must be an ISO 8601 time such as 2024-05-31T13:30:00Z, not {value!r}") from None
    if not isinstance(value, datetime):
        raise ValueError(f"must be an ISO 8601 time, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError(f"must have an offset or Z, {value.isoformat()} has none")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} is out of range in UTC") from None


Price = Annotated[float, BeforeValidator(_number), AfterValidator(_finite)]
Volume = Annotated[float | None, BeforeValidator(_known), AfterValidator(_volume)]


class _Bar(BaseModel):
    """One bar's fields, each checked by itself."""

    model_config = ConfigDict(extra="ignore")

    symbol: Annotated[str, BeforeValidator(tickers.normalise)]
    timeframe: Annotated[str, BeforeValidator(_timeframe)]
    timestamp: Annotated[datetime, BeforeValidator(_timestamp)]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume = None
    closed: Annotated[bool | None, BeforeValidator(_closed)] = None


def validate(index: int, raw: object, now: datetime, *, any_age: bool = False) -> mailbox.NewBar | Rejection:
    """The bar of a raw one, or why it is refused. `index` is its place in the call.

    `any_age`: also a bar that is older than bars are kept, for what does not store it.
    """
    if not isinstance(raw, Mapping):
        return Rejection(index, "bar", "invalid", f"a bar must be an object, not {type(raw).__name__}")
    try:
        bar = _Bar.model_validate(dict(raw))
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        name = str(error["loc"][0])
        return Rejection(index, name, "invalid", f"{name} {_what(error)}")
    oldest = None if any_age else retention.oldest_bar(now)
    if oldest is not None and bar.timestamp < oldest:
        # Bars of that age are removed, so deduplication could not see that one comes a second time.
        text = (
            f"timestamp {bar.timestamp.isoformat()} is older than SCANNER_KEEP_BARS_DAYS keeps ({oldest.isoformat()})"
        )
        return Rejection(index, "timestamp", "too_old", text)
    if problem := _between_fields(bar, now):
        name, text = problem
        return Rejection(index, name, "invalid", f"{name} {text}")
    return mailbox.NewBar(**bar.model_dump())


def _may_be_signed(ticker: str) -> bool:
    return tickers.fitting(ticker, settings.SCANNER_SIGNED_PRICES) is not None


def _what(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"must be a number, not {error['input']!r}"[:300]


def _between_fields(bar: _Bar, now: datetime) -> tuple[str, str] | None:
    """The first rule between fields that the bar breaks: the field, and what is wrong with it. None: no rule.

    Mends what is only the dust of floats.
    """
    if min(bar.open, bar.high, bar.low, bar.close) <= 0 and not _may_be_signed(bar.symbol):
        name = next(name for name in ("open", "high", "low", "close") if getattr(bar, name) <= 0)
        return name, (
            f"must be above 0, not {getattr(bar, name)}: {bar.symbol} is not among the tickers of "
            "SCANNER_SIGNED_PRICES, whose prices may be zero or negative"
        )
    try:
        bar.high, bar.low = prices.enclosed(bar.high, bar.low, within=(bar.open, bar.close))
    except ValueError as exc:
        name, text = exc.args
        return name, text
    if bar.timestamp > now + AHEAD:
        return "timestamp", f"{bar.timestamp.isoformat()} is more than a minute ahead of {now.isoformat()}"
    return None
