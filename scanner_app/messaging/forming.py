"""The newest values of forming bars in Redis: one hash for each symbol, one field for each of its forming bars.

Ticks come many times a second and change no state: they would compete with bars for the database. So the database
has each forming bar's first values, and newer ones within seconds (engine/assuming.py); what came since is here alone.
Nobody needs to clean up: a field that the database does not know is not read, and a hash that nobody writes expires.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis
import structlog

from scanner_app.messaging.redis_client import client

log = structlog.get_logger(__name__)

KEY = "scanner:forming:"
"""The key of a symbol's hash, before its id."""

KEEP_S = 3_600
"""A hash expires so long after its last write: long after the database has the values."""

PAUSE_AFTER_FAILURE_S = 5.0
"""After a failure this process asks for nothing for so long. Otherwise a broker that hangs would cost each call of a
feed the time-out."""

_paused_until = 0.0


class Period(NamedTuple):
    """Which forming bar of which series. As a field: `1h 2026-03-03T15:00:00+00:00`."""

    symbol_id: int
    timeframe: str
    ends_at: datetime  # UTC

    @property
    def field(self) -> str:
        """Its name in the symbol's hash."""
        return f"{self.timeframe} {self.ends_at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormingValues:
    """The values of a forming bar at one moment."""

    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    sent_at: datetime


def read(periods: Iterable[Period]) -> dict[Period, FormingValues]:
    """The values of those bars that are known here. Raises RedisError."""
    by_symbol = _by_symbol(periods)
    if not by_symbol:
        return {}
    with _one_try() as pipeline:
        for symbol_id, some in by_symbol.items():
            pipeline.hmget(f"{KEY}{symbol_id}", [period.field for period in some])
        answers = pipeline.execute()
    return {
        period: _parsed(text)
        for some, texts in zip(by_symbol.values(), answers, strict=True)
        for period, text in zip(some, texts, strict=True)
        if text is not None
    }


def write(values: Mapping[Period, FormingValues]) -> None:
    """Keep the newest values. Raises RedisError; then some may be kept all the same."""
    with _one_try() as pipeline:
        for symbol_id, some in _by_symbol(values).items():
            pipeline.hset(f"{KEY}{symbol_id}", mapping={period.field: _text(values[period]) for period in some})
            pipeline.expire(f"{KEY}{symbol_id}", KEEP_S)
        pipeline.execute()


def remove(periods: Iterable[Period]) -> None:
    """Forget bars that are forming no more. Raises RedisError."""
    with _one_try() as pipeline:
        for symbol_id, some in _by_symbol(periods).items():
            pipeline.hdel(f"{KEY}{symbol_id}", *[period.field for period in some])
        pipeline.execute()


@contextmanager
def _one_try() -> Iterator[Any]:
    """A pipeline; after a failure none for PAUSE_AFTER_FAILURE_S, but an error at once."""
    global _paused_until  # noqa: PLW0603 - one broker for one process, and its state is one number
    if time.monotonic() < _paused_until:
        raise redis.ConnectionError("the broker did not answer a moment ago")
    try:
        yield client().pipeline(transaction=False)
    except redis.RedisError as exc:
        log.warning("forming_values_not_in_broker", error=str(exc))
        _paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
        raise


def _by_symbol(periods: Iterable[Period]) -> dict[int, list[Period]]:
    found: defaultdict[int, list[Period]] = defaultdict(list)
    for period in periods:
        found[period.symbol_id].append(period)
    return found


def _text(values: FormingValues) -> str:
    numbers = (values.open, values.high, values.low, values.close, values.volume)
    return json.dumps([values.timestamp.isoformat(), *numbers, values.sent_at.isoformat()])


def _parsed(text: bytes) -> FormingValues:
    timestamp, open_, high, low, close, volume, sent_at = json.loads(text)
    return FormingValues(
        timestamp=datetime.fromisoformat(timestamp).astimezone(UTC),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        sent_at=datetime.fromisoformat(sent_at).astimezone(UTC),
    )
