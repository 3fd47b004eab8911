"""Forget what is old, in small batches, by the settings; never what somebody still needs.

A bar stays, whatever its age, while it waits or is in quarantine, and as long as it is among the newest of its series,
which windows are made of. Its signals and failures go with it. Failures and events of an incident that is not over
stay too.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from scanner_app.domain.enums import BarStatus, NotificationState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine.detection import bars_needed
from scanner_app.models import (
    Alert,
    Bar,
    CircuitBreaker,
    Notification,
    ProcessingFailure,
    QuarantinedBar,
    Symbol,
    SymbolEvent,
)

BATCH = 200
"""Rows removed in one transaction: about 15 ms on SQLite, where everybody else waits for it."""

BUDGET_S = 0.5
"""Longest that one run removes rows: the sweeper, which looks every two seconds, uses the same worker."""

SPARE_BARS = 500
"""Of each series, at least so many of the newest bars stay: a detector that is added later finds a window too."""


def oldest_bar(now: datetime) -> datetime | None:
    """Bars that open before this are refused and forgotten; None: bars are kept for ever."""
    days = settings.SCANNER_KEEP_BARS_DAYS
    return now - timedelta(days=days) if days else None


def oldest_record(now: datetime) -> datetime | None:
    """Failures, events, alerts, notifications and settled quarantine before this are forgotten; None: they are kept."""
    days = settings.SCANNER_KEEP_RECORDS_DAYS
    return now - timedelta(days=days) if days else None


def prune(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Remove old rows for BUDGET_S at most; returns how many went, by kind. What is left is for the next run."""
    end = clock() + BUDGET_S
    removed: dict[str, int] = {}
    for kind, batches in (("records", _old_records(now)), ("bars", _old_bars(now))):
        for count in batches:
            if count:
                removed[kind] = removed.get(kind, 0) + count
            if clock() >= end:
                return removed
    return removed


def _old_bars(now: datetime) -> Iterator[int]:
    """Remove a batch of one series after the other, and yield its size; 0 for a series without old bars."""
    limit = oldest_bar(now)
    if limit is None:
        return
    keep = max(bars_needed(), SPARE_BARS)
    series = [(symbol, name) for symbol in Symbol.objects.values_list("pk", flat=True) for name in TIMEFRAMES]
    # In another order each time, so that a run which ends early starves nobody.
    random.shuffle(series)
    for symbol_id, timeframe in series:
        bars = Bar.objects.filter(symbol_id=symbol_id, timeframe=timeframe)
        old = bars.filter(status__in=[BarStatus.PROCESSED, BarStatus.DISCARDED], timestamp__lt=limit)
        if old.exists():  # most series have none, and need not be asked for the bars that stay
            yield from _old_bars_of(bars, old, keep)
            yield 0


def _old_bars_of(bars: QuerySet[Bar], old: QuerySet[Bar], keep: int) -> Iterator[int]:
    # The window's bars are processed ones: others do not count among those that stay.
    kept = bars.filter(status=BarStatus.PROCESSED).order_by("-timestamp").values_list("timestamp", flat=True)
    first_kept = next(iter(kept[keep - 1 : keep]), None)
    if first_kept is None:
        return
    while count := _remove(old.filter(timestamp__lt=first_kept).order_by("timestamp")):
        yield count


def _old_records(now: datetime) -> Iterator[int]:
    limit = oldest_record(now)
    if limit is None:
        return
    incident = CircuitBreaker.objects.filter(symbol_id=OuterRef("symbol_id"), failures__gt=0)
    # Of a symbol that is failing now, nothing is forgotten. A silence outlives its alert.
    settled: list[tuple[str, QuerySet[Any]]] = [
        ("failed_at", ProcessingFailure.objects.exclude(Exists(incident))),
        ("resolved_at", QuarantinedBar.objects.exclude(resolution="")),
        ("at", Notification.objects.exclude(state=NotificationState.PENDING)),
        ("at", SymbolEvent.objects.exclude(Exists(incident))),
        ("cleared_at", Alert.objects.exclude(cleared_at=None).exclude(silenced_until__gt=now)),
    ]
    for time_field, rows in settled:
        # The lowest ids are the oldest: once they are young, the whole table is, and need not be searched.
        while (oldest := rows.order_by("id").values_list(time_field, flat=True).first()) and oldest < limit:
            count = _remove(rows.filter(**{f"{time_field}__lt": limit}).order_by("id"))
            yield count
            if not count:
                break


def _remove(rows: QuerySet[Any]) -> int:
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    if ids:
        rows.model._default_manager.filter(pk__in=ids).delete()  # noqa: SLF001 - Django's documented name
    return len(ids)
