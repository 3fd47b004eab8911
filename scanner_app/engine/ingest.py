"""Validate bars and have them accepted. REST, files and feeds all go through `accept`."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.conf import settings
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from scanner_app import mailbox
from scanner_app.domain import tickers
from scanner_app.domain.timeframes import RANK, TIMEFRAMES
from scanner_app.engine import retention
from scanner_app.mailbox.accept import CHUNK, create_symbols
from scanner_app.models import Symbol
from scanner_app.telemetry import counters

MAX_BARS = 5_000
"""Most bars of one call."""

AHEAD = timedelta(minutes=1)
"""How far in the future a bar may open: a feed's clock may be ahead of ours."""

REASONS = {
    "backlog_full": "the symbol's backlog is full; send the bar again later",
    "unknown_symbol": "the symbol is not on the watch list, and SCANNER_UNKNOWN_SYMBOLS is 'reject'",
    "too_many_symbols": "there are already as many symbols as SCANNER_MAX_SYMBOLS allows",
    "deleted": "the symbol is being deleted",
}
"""Reasons that concern a bar's symbol, with their explanation."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A known bar came again with other values. The stored bar was not changed."""

    index: int
    symbol: str
    timeframe: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Rejection:
    """A bar that was not accepted, and why."""

    index: int
    field: str
    reason: str  # a code of the contract
    message: str


@dataclass(slots=True)
class Report:
    """What happened to the bars of one call; both lists are ordered by index."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def accept(bars: Sequence[Mapping[str, object]], *, now: datetime) -> Report:
    """Accept the valid bars of `bars`, and report what is wrong with the others.

    A bar has symbol, timeframe, timestamp (aware datetime or ISO 8601 text with an offset), open, high,
    low, close and volume; other keys are ignored. The bars get their sequences in the order of timestamp,
    timeframe (shorter first) and index. Every accepted bar is committed when this returns. Raises ValueError
    for no bars or more than MAX_BARS.
    """
    if not 1 <= len(bars) <= MAX_BARS:
        raise ValueError(f"1 to {MAX_BARS} bars in one call, not {len(bars)}")
    report = Report()
    good: list[tuple[int, mailbox.NewBar]] = []
    for index, raw in enumerate(bars):
        checked = validate(index, raw, now)
        if isinstance(checked, Rejection):
            report.rejected.append(checked)
        else:
            good.append((index, checked))
    refused = _create_unknown({bar.symbol for _, bar in good}, now)
    good.sort(key=lambda item: (item[1].timestamp, RANK[item[1].timeframe], item[0]))
    wanted = []
    for index, bar in good:
        if reason := refused.get(bar.symbol):
            report.rejected.append(Rejection(index, "symbol", reason, f"{bar.symbol}: {REASONS[reason]}"))
        else:
            wanted.append((index, bar))
    for begin in range(0, len(wanted), CHUNK):
        chunk = wanted[begin : begin + CHUNK]
        verdicts = mailbox.accept([bar for _, bar in chunk], now=now)
        for (index, bar), verdict in zip(chunk, verdicts, strict=True):
            _add(report, index, bar, verdict)
    report.conflicts.sort(key=lambda conflict: conflict.index)
    report.rejected.sort(key=lambda rejection: rejection.index)
    counters.bars_refused(
        {
            "duplicate": report.duplicates,
            "conflict": len(report.conflicts),
            **Counter(rejection.reason for rejection in report.rejected),
        }
    )
    return report


def _add(report: Report, index: int, bar: mailbox.NewBar, verdict: mailbox.Verdict) -> None:
    match verdict:
        case mailbox.Verdict.ACCEPTED:
            report.accepted += 1
        case mailbox.Verdict.DUPLICATE:
            report.duplicates += 1
        case mailbox.Verdict.CONFLICT:
            report.conflicts.append(Conflict(index, bar.symbol, bar.timeframe, bar.timestamp))
        case _:
            report.rejected.append(Rejection(index, "symbol", verdict.value, f"{bar.symbol}: {REASONS[verdict.value]}"))


def _create_unknown(wanted: set[str], now: datetime) -> dict[str, str]:
    """Put unknown tickers on the watch list; returns those that the settings forbid, with the reason."""
    unknown = sorted(wanted - set(Symbol.objects.filter(ticker__in=wanted).values_list("ticker", flat=True)))
    if not unknown:
        return {}
    if settings.SCANNER_UNKNOWN_SYMBOLS == "reject":
        return dict.fromkeys(unknown, "unknown_symbol")
    watched = create_symbols(unknown, at_most=settings.SCANNER_MAX_SYMBOLS, now=now)
    return dict.fromkeys(sorted(set(unknown) - watched.created - watched.known), "too_many_symbols")


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


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError(f"must be above 0, not {value}")
    return value


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError(f"must not be negative, not {value}")
    return value


def _timeframe(value: object) -> object:
    if not isinstance(value, str) or value not in TIMEFRAMES:
        raise ValueError(f"must be one of {', '.join(TIMEFRAMES)}, not {value!r}")
    return value


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


Price = Annotated[float, BeforeValidator(_number), AfterValidator(_finite), AfterValidator(_positive)]
Volume = Annotated[float, BeforeValidator(_number), AfterValidator(_finite), AfterValidator(_not_negative)]


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
    volume: Volume


def validate(index: int, raw: object, now: datetime) -> mailbox.NewBar | Rejection:
    """Check a raw bar; `index` is its place in the call, for the rejection."""
    if not isinstance(raw, Mapping):
        return Rejection(index, "bar", "invalid", f"a bar must be an object, not {type(raw).__name__}")
    try:
        bar = _Bar.model_validate(dict(raw))
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        name = str(error["loc"][0])
        return Rejection(index, name, "invalid", f"{name} {_what(error)}")
    oldest = retention.oldest_bar(now)
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


def _what(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"must be a number, not {error['input']!r}"[:300]


def _between_fields(bar: _Bar, now: datetime) -> tuple[str, str] | None:
    """The first rule between fields that the bar breaks: the field, and what is wrong with it. None: no rule."""
    if bar.low > min(bar.open, bar.close):
        return "low", f"{bar.low} is above open {bar.open} or close {bar.close}"
    if bar.high < max(bar.open, bar.close):
        return "high", f"{bar.high} is below open {bar.open} or close {bar.close}"
    if bar.timestamp > now + AHEAD:
        return "timestamp", f"{bar.timestamp.isoformat()} is more than a minute ahead of {now.isoformat()}"
    return None
