"""Remove bars and records that are older than the settings keep them, in small batches.

Whatever its age, a bar stays while it waits, while it is in quarantine, and while it is among the newest bars of its
series, because windows are made of those. A bar's signals and failures are removed with it. Failures and events of
an incident that is not over stay too.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from scanner_app.domain.enums import BarStatus, NotificationState
from scanner_app.engine.detection import bars_needed
from scanner_app.models import (
    Alert,
    Bar,
    CircuitBreaker,
    Notification,
    ProcessingFailure,
    QuarantinedBar,
    SymbolEvent,
    SymbolStatus,
)

BATCH = 200
"""Rows removed in one transaction: about 15 ms on SQLite, where every other writer waits for it."""

BUDGET_S = 0.5
"""Longest time (s) that one run removes rows: the sweeper runs every two seconds on the same worker."""

SPARE_BARS = 500
"""At least so many of the newest bars of each series stay, so that a detector added later has a window at once."""


def oldest_bar(now: datetime) -> datetime | None:
    """Bars that open before this time are refused and removed; None: bars are kept for ever."""
    days = settings.SCANNER_KEEP_BARS_DAYS
    return now - timedelta(days=days) if days else None


def oldest_record(now: datetime) -> datetime | None:
    """Records (failures, events, alerts, notifications, resolved quarantine entries) before this time are removed.

    None: they are kept for ever.
    """
    days = settings.SCANNER_KEEP_RECORDS_DAYS
    return now - timedelta(days=days) if days else None


def prune(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Remove old rows for BUDGET_S at most; returns how many, by kind. The next run continues with what is left."""
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
    """Go through the series, remove old bars in batches and yield each batch's size; 0 after each series."""
    limit = oldest_bar(now)
    if limit is None:
        return
    keep = max(bars_needed(), SPARE_BARS)
    newest = SymbolStatus.objects.values_list("pk", "newest")  # by timeframe: of the series that there are
    series = [(symbol, name) for symbol, timeframes in newest for name in timeframes]
    # In a random order, so that a run which ends early does not always skip the same series.
    random.shuffle(series)
    for symbol_id, timeframe in series:
        bars = Bar.objects.filter(symbol_id=symbol_id, timeframe=timeframe)
        old = bars.filter(status__in=[BarStatus.PROCESSED, BarStatus.DISCARDED], timestamp__lt=limit)
        if old.exists():  # most series have no old bars: this spares them the query for the bars that stay
            yield from _old_bars_of(bars, old, keep)
            yield 0


def _old_bars_of(bars: QuerySet[Bar], old: QuerySet[Bar], keep: int) -> Iterator[int]:
    # Windows are made of processed bars: only these count as the newest bars that stay.
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
    # A symbol that is failing now keeps its failures and events. An alert stays until its silence has ended.
    settled: list[tuple[str, QuerySet[Any]]] = [
        ("failed_at", ProcessingFailure.objects.exclude(Exists(incident))),
        ("resolved_at", QuarantinedBar.objects.exclude(resolution="")),
        ("at", Notification.objects.exclude(state=NotificationState.PENDING)),
        ("at", SymbolEvent.objects.exclude(Exists(incident))),
        ("cleared_at", Alert.objects.exclude(cleared_at=None).exclude(silenced_until__gt=now)),
    ]
    for time_field, rows in settled:
        # The lowest ids are the oldest rows: if they are young enough, the table need not be searched.
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
