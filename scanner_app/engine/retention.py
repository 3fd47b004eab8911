"""Remove bars and records that are older than the settings keep them, in small batches.

Whatever its age, a bar stays while it waits, while it is in quarantine, and while it is among the newest bars of its
series, because windows are made of those. A bar's signals, hits and failures are removed with it. Failures and events
of an incident that is not over stay too, and those of a rule that is off because of them.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from scanner_app.domain.enums import UNTOLD_STATES, BarStatus, NotificationState
from scanner_app.engine.detection import bars_needed
from scanner_app.mailbox.rows import lock
from scanner_app.models import (
    Alert,
    Bar,
    BarRevision,
    CircuitBreaker,
    Delivery,
    DetectorEvent,
    Drill,
    FailureIncident,
    Gap,
    Hit,
    Notification,
    ProcessingFailure,
    QuarantinedBar,
    Rule,
    RuleFailure,
    Silence,
    SymbolEvent,
    SymbolStatus,
)

BATCH = 200
"""Rows removed in one transaction: about 15 ms on SQLite, where every other writer waits for it."""

BUDGET_S = 0.5
"""Longest time (s) that one run removes rows: the sweeper runs every two seconds on the same worker."""

SPARE_BARS = 500
"""At least so many of the newest bars of each series stay, so that a detector added later has a window at once."""


FORGOTTEN_AFTER = timedelta(minutes=1)
"""From a rule's deletion to the removal of its hits: by then no worker asks it any more."""


def oldest_bar(now: datetime) -> datetime | None:
    """Bars that open before this time are refused and removed; None: bars are kept for ever."""
    days = settings.SCANNER_KEEP_BARS_DAYS
    return now - timedelta(days=days) if days else None


def oldest_record(now: datetime) -> datetime | None:
    """Records before this time are removed; None: they are kept for ever.

    They are failures, events, alerts, silences, notifications, hits and their deliveries, resolved quarantine entries,
    old values of bars, holes of live feeds that are open no more, switches and incidents of detectors, and drills.
    """
    days = settings.SCANNER_KEEP_RECORDS_DAYS
    return now - timedelta(days=days) if days else None


def prune(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Remove old rows for BUDGET_S at most; returns how many, by kind. The next run continues with what is left."""
    end = clock() + BUDGET_S
    removed: dict[str, int] = {}
    for kind, batches in (
        ("records", _old_records(now)),
        ("rules", _deleted_rules(now)),
        ("bars", _old_bars(now)),
    ):
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
    newest = SymbolStatus.objects.values_list("pk", "newest")  # by timeframe: of the series that there are
    series = [(symbol, name) for symbol, timeframes in newest for name in timeframes]
    # In a random order, so that a run which ends early does not always skip the same series.
    random.shuffle(series)
    for symbol_id, timeframe in series:
        bars = Bar.objects.filter(symbol_id=symbol_id, timeframe=timeframe)
        old = bars.filter(status__in=[BarStatus.PROCESSED, BarStatus.DISCARDED], timestamp__lt=limit)
        if old.exists():  # most series have no old bars: this spares them the query for the bars that stay
            yield from _old_bars_of(symbol_id, bars, old, _bars_that_stay(timeframe))
            yield 0


def _bars_that_stay(timeframe: str) -> int:
    """As many as the longest window of a detector or a rule has."""
    # Imported here: with it come NumPy and TA-Lib, which most of those that import this module do not need.
    from scanner_app.engine import rule_book  # noqa: PLC0415

    return max(bars_needed(), rule_book.current().bars_needed(timeframe), SPARE_BARS)


def _old_bars_of(symbol_id: int, bars: QuerySet[Bar], old: QuerySet[Bar], keep: int) -> Iterator[int]:
    # Windows are made of processed bars: only these count as the newest bars that stay.
    kept = bars.filter(status=BarStatus.PROCESSED).order_by("-timestamp").values_list("timestamp", flat=True)
    first_kept = next(iter(kept[keep - 1 : keep]), None)
    if first_kept is None:
        return
    while count := _remove_bars(symbol_id, old.filter(timestamp__lt=first_kept).order_by("timestamp")):
        yield count


def _remove_bars(symbol_id: int, bars: QuerySet[Bar]) -> int:
    """Under the symbol's lock: else a revision or a re-run could add a row to a bar that goes, and fail."""
    with transaction.atomic():
        lock(symbol_id)
        return _remove(bars)


def _deleted_rules(now: datetime) -> Iterator[int]:
    """Remove the hits and failures of deleted rules, then the rules. Bars' transactions name none of them by a key."""
    for rule in Rule.objects.filter(deleted_at__lt=now - FORGOTTEN_AFTER).order_by("deleted_at"):
        for rows in (Hit.objects.filter(rule_id=rule.pk), RuleFailure.objects.filter(rule_id=rule.pk)):
            while count := _remove(rows):
                yield count
        rule.delete()
        yield 1


def _old_records(now: datetime) -> Iterator[int]:
    limit = oldest_record(now)
    if limit is None:
        return
    incident = CircuitBreaker.objects.filter(symbol_id=OuterRef("symbol_id"), failures__gt=0)
    still_off = Rule.objects.filter(pk=OuterRef("rule_id"), revision=OuterRef("revision"), deleted_at=None)
    # A symbol that is failing now keeps its failures and events; a rule that is off for a series, why it is. An alert
    # stays until its silence has ended.
    settled: list[tuple[str, QuerySet[Any]]] = [
        ("failed_at", ProcessingFailure.objects.exclude(Exists(incident))),
        ("resolved_at", QuarantinedBar.objects.exclude(resolution="")),
        ("at", Notification.objects.exclude(state=NotificationState.PENDING)),
        ("created_at", Delivery.objects.exclude(state__in=UNTOLD_STATES)),
        ("at", SymbolEvent.objects.exclude(Exists(incident))),
        ("at", BarRevision.objects.all()),
        ("until", Silence.objects.all()),
        ("ended_at", Gap.objects.exclude(ended_at=None)),
        ("at", DetectorEvent.objects.all()),
        ("ended_at", FailureIncident.objects.exclude(ended_at=None)),
        ("created_at", Hit.objects.all()),
        ("ended_at", Drill.objects.exclude(ended_at=None)),
        ("at", RuleFailure.objects.exclude(Exists(still_off))),
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
