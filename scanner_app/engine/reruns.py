"""Look again at spans of bars whose values, or whose detectors, have changed. See mailbox/reruns.py for what is stored.

One span at a time, in order of time and in chunks, for a fifth of the time: live bars keep their share of the
machine. Windows are those of each bar's own time, from processed bars.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from scanner_app import detectors
from scanner_app.detectors import BarUnusable, Detector, Window
from scanner_app.domain import wording
from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import detection, retention
from scanner_app.engine.window import window_of
from scanner_app.mailbox import failure, reruns
from scanner_app.models import Bar, Rerun

log = structlog.get_logger(__name__)

BUDGET_S = 0.4
"""Longest time (s) of one task, which beat triggers every two seconds: a fifth of one processor at most."""

CHUNK = 25
"""Bars of one transaction: their windows are read at once, and its locks are held for milliseconds."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3_600
"""From a detector's failure to the next look at that bar; it doubles with each."""


def run(now: Callable[[], datetime], *, clock: Callable[[], float] = time.monotonic) -> int:
    """Look at bars of the spans that are due for BUDGET_S at most; returns how many, 0 if no span is due.

    A killed run leaves its span taken for a while; nothing else is lost, and nothing is stored twice.
    """
    end, done = clock() + BUDGET_S, 0
    while (span := reruns.due(now())) is not None:
        lease = timedelta(seconds=2 * settings.SCANNER_HARD_LIMIT_S + BUDGET_S)
        if not reruns.take(span, until=now() + lease):
            break
        count, go_on = _work_on(span, now, lambda: clock() >= end)
        done += count
        if not go_on or clock() >= end:
            break
    return done


def _work_on(span: Rerun, now: Callable[[], datetime], is_over: Callable[[], bool]) -> tuple[int, bool]:
    """Look at bars of one span; returns how many, and whether there is time for another span."""
    done = 0
    while True:
        look = _look(span, is_over)
        retry_at = now() + timedelta(seconds=min(FIRST_PAUSE_S * 2**span.failures, LONGEST_PAUSE_S))
        if reruns.store(span, look, retry_at=retry_at, now=now()):
            done += len(look.found)
            if look.next_bar_at is None or look.must_wait(span):
                return done, not look.stopped
        fresh = Rerun.objects.select_related("symbol__status").filter(pk=span.pk).first()
        if fresh is None:  # joined with another span, or its symbol was deleted
            return done, not look.stopped
        span = fresh
        if look.stopped or is_over():
            reruns.give_back(span, now=now())
            return done, False


def _look(span: Rerun, is_over: Callable[[], bool] = lambda: False) -> reruns.Look:
    """Run the detectors on the next bars of the span: CHUNK, or those for which there is time, at least one."""
    chosen = [one for one in detection.chosen() if span.detector in {"", one.name}]
    needed = max((one.bars_needed for one in chosen), default=1)
    look = reruns.Look(ran=frozenset(one.name for one in chosen))
    older, bars, look.next_bar_at = _bars(span, needed)
    rows = [*older, *bars]
    if not bars:
        return look
    whole = window_of(span.symbol.ticker, span.timeframe, [values for _, *values in rows])
    cut = len(older) < needed - 1 and _is_cut(span)
    for place, (bar_id, timestamp, *_) in enumerate(bars, start=len(older)):
        if cut and place + 1 < needed:
            continue  # the window that its signals came from is not there any more
        try:
            look.found[bar_id] = _findings(chosen, whole.between(max(0, place + 1 - needed), place + 1))
        except Exception as exc:  # noqa: BLE001 - any exception of a detector is recorded with the span
            if not look.failed:  # a detector that is broken fails at every bar: one traceback says it
                _log_failure(span, timestamp, exc)
            look.failed.append((timestamp, wording.error_line(type(exc).__name__, failure.text_of(exc))))
            look.stopped = isinstance(exc, SoftTimeLimitExceeded)  # no time for the rest
        if look.stopped or is_over():
            look.next_bar_at = rows[place + 1][1] if place + 1 < len(rows) else look.next_bar_at
            break
    return look


def _findings(chosen: Sequence[Detector], window: Window) -> list[detectors.Finding]:
    try:
        return detectors.run(chosen, window)
    except BarUnusable:
        return []  # with its new values it is no bar to see anything in


Row = tuple[int, datetime, float, float, float, float, float | None]
"""Id, time, prices and volume of a bar."""


def _bars(span: Rerun, needed: int) -> tuple[list[Row], list[Row], datetime | None]:
    """The bars of the first window but its last, the bars to look at, and the time of the one after these."""
    series = Bar.objects.filter(symbol_id=span.symbol_id, timeframe=span.timeframe, status=BarStatus.PROCESSED)
    rows = series.values_list("id", "timestamp", *VALUES)
    begin = span.next_bar_at or span.first
    after = series.filter(timestamp__gt=span.last).order_by("timestamp").values_list("timestamp", flat=True)
    reached = list(after[: needed - 1])
    end = reached[-1] if reached else span.last
    bars = list(rows.filter(timestamp__gte=begin, timestamp__lte=end).order_by("timestamp")[: CHUNK + 1])
    older = list(rows.filter(timestamp__lt=begin).order_by("-timestamp")[: needed - 1])
    return older[::-1], bars[:CHUNK], bars[CHUNK][1] if len(bars) > CHUNK else None


def _is_cut(span: Rerun) -> bool:
    """Whether retention may have removed bars of this series, so that a short window may once have been longer."""
    processed = Bar.objects.filter(symbol_id=span.symbol_id, status=BarStatus.PROCESSED)
    if processed.filter(timeframe=span.timeframe).count() < retention.SPARE_BARS:
        return False  # retention leaves at least so many
    return processed.count() < span.symbol.status.bars_processed


def _log_failure(span: Rerun, timestamp: datetime, error: Exception) -> None:
    log.error(
        "rerun_failed",
        symbol=span.symbol.ticker,
        timeframe=span.timeframe,
        bar_time=f"{timestamp:%Y-%m-%dT%H:%M:%SZ}",
        attempt=span.failures + 1,
        exc_info=error,
    )
