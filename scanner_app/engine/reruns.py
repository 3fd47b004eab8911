"""Look again at spans of bars whose values, or whose detectors, have changed. See mailbox/reruns.py for what is stored.

One span at a time, in order of time and in chunks, for a fifth of the time: live bars keep their share of the
machine. Windows are those of each bar's own time, from processed bars.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from scanner_app import mailbox
from scanner_app.calendars import calendar_of, hours_of
from scanner_app.detectors import BarUnusable, Detector
from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus, RerunCause
from scanner_app.engine import detection, detector_switches, remaking, retention, window_gaps
from scanner_app.engine.window import iso, window_of
from scanner_app.mailbox import reruns
from scanner_app.models import Bar, Rerun

log = structlog.get_logger(__name__)

BUDGET_S = 0.4
"""Longest time (s) of one task, which beat triggers every two seconds: a fifth of one processor at most."""

CHUNK = 25
"""Bars of one transaction: their windows are read at once, and its locks are held for milliseconds."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3_600
"""From a detector's failure to the next look at that bar; it doubles with each."""

FIRST_PAUSE_AFTER_KILL_S = 600
"""The same if the bar killed its process: each time costs a process, and others' spans wait for the next one."""

KILLED = "its run killed the process, or was killed at the hard time limit"
"""What is said of such a bar."""


def run(now: Callable[[], datetime], *, clock: Callable[[], float] = time.monotonic) -> int:
    """Look at bars of the spans that are due for BUDGET_S at most; returns how many, 0 if no span is due.

    A killed run leaves its span taken for a while; nothing else is lost, and nothing is stored twice. After the first
    the bars are looked at one by one; so the second shows which of them is at fault, and that one is put off.
    """
    end, done, off = clock() + BUDGET_S, 0, detector_switches.off_now()
    while (span := reruns.due(now(), off=off)) is not None:
        lost = span.taken  # the worker that had it last did not come back
        culprit = lost and span.careful > 0  # nor from one bar alone
        if lost:
            span.careful = CHUNK
        lease = timedelta(seconds=2 * settings.SCANNER_HARD_LIMIT_S + BUDGET_S)
        if not reruns.take(span, until=now() + lease):
            break
        if lost:
            log.warning("rerun_lost", symbol=span.symbol.ticker, timeframe=span.timeframe, at_one_bar=culprit)
        count, go_on = _work_on(span, now, lambda: clock() >= end, off, culprit=culprit)
        done += count
        if not go_on or clock() >= end:
            break
    return done


def _work_on(
    span: Rerun,
    now: Callable[[], datetime],
    is_over: Callable[[], bool],
    off: Collection[str],
    *,
    culprit: bool = False,
) -> tuple[int, bool]:
    """Look at bars of one span; returns how many, and whether there is time for another span.

    `off`: names of the detectors that are switched off.
    `culprit`: the bar where it goes on has killed a look at it alone.
    """
    if span.cause == RerunCause.BASE:
        return remaking.work_on(span, now, is_over)
    done = 0
    while True:
        look = _look_past(span) if culprit else _look(span, is_over, off)
        first_pause_s = FIRST_PAUSE_AFTER_KILL_S if look.killed else FIRST_PAUSE_S
        retry_at = now() + timedelta(seconds=min(first_pause_s * 2**span.failures, LONGEST_PAUSE_S))
        stored = reruns.store(span, look, retry_at=retry_at, now=now())
        if stored:
            done += len(look.found)
            if look.next_bar_at is None or look.must_wait(span):
                return done, not look.stopped
        fresh = Rerun.objects.select_related("symbol__status").filter(pk=span.pk).first()
        if fresh is None:  # joined with another span, or its symbol was deleted
            return done, not look.stopped
        # Of many bars, some are always revised while they are looked at, if that is done often enough.
        fresh.careful = fresh.careful if stored else CHUNK
        span, culprit = fresh, False
        if look.stopped or is_over():
            reruns.give_back(span, now=now())
            return done, False


def _chosen(span: Rerun) -> tuple[list[Detector], int]:
    """The detectors that look at the span, and how many bars their windows have."""
    chosen = [one for one in detection.chosen() if span.detector in {"", one.name}]
    return chosen, max((one.bars_needed for one in chosen), default=1)


def _look_past(span: Rerun) -> reruns.Look:
    """In place of a look at the next bar, which killed the last one: the bar is put off, and the rest goes on."""
    _, needed = _chosen(span)
    read = _, bars, next_bar_at = _bars(span, needed, 1)
    failed = [(timestamp, KILLED) for _, timestamp, *_ in bars]
    for timestamp, error in failed:
        log.error("rerun_killed", **_logged(span, timestamp), error=error)
    look = reruns.Look(ran=frozenset(), failed=failed, killed=True, next_bar_at=next_bar_at)
    look.is_current = lambda: _bars(span, needed, 1) == read
    return look


def _look(span: Rerun, is_over: Callable[[], bool] = lambda: False, off: Collection[str] = ()) -> reruns.Look:
    """Run the detectors on the next bars of the span: CHUNK, or those for which there is time, at least one."""
    wanted, needed = _chosen(span)
    chosen = [one for one in wanted if one.name not in off]
    look = reruns.Look(
        ran=frozenset(one.name for one in chosen), without=[one.name for one in wanted if one.name in off]
    )
    most = 1 if span.careful else CHUNK
    read = older, bars, look.next_bar_at = _bars(span, needed, most)
    look.is_current = lambda: _bars(span, needed, most) == read
    rows = [*older, *bars]
    if not bars:
        return look
    whole = window_of(span.symbol.ticker, span.timeframe, [(iso(time), *values) for _, time, *values in rows])
    calendar = calendar_of(span.symbol.ticker, span.symbol.calendar)
    hours = partial(hours_of, calendar, span.created_at)
    cut = len(older) < needed - 1 and _is_cut(span)
    for place, (bar_id, timestamp, *_) in enumerate(bars, start=len(older)):
        look.last = timestamp
        if cut and place + 1 < needed:
            continue  # the window that its signals came from is not there any more
        try:
            window = whole.between(max(0, place + 1 - needed), place + 1)
            look.found[bar_id] = window_gaps.counted(detection.run(chosen, window), chosen, window, hours)
        except BarUnusable as exc:
            # The look ends here: the bars after it must not see it in their windows.
            look.unusable = reruns.Unusable(bar_id=bar_id, timestamp=timestamp, error=mailbox.describe(exc))
        except Exception as exc:  # noqa: BLE001 - any exception of a detector is recorded with the span
            if not look.failed:  # a detector that is broken fails at every bar: one traceback says it
                _log_failure(span, timestamp, exc)
            look.failed.append((timestamp, mailbox.describe(exc).line))
            look.stopped = isinstance(exc, SoftTimeLimitExceeded)  # no time for the rest
        if look.stopped or look.unusable or is_over():
            look.next_bar_at = rows[place + 1][1] if place + 1 < len(rows) else look.next_bar_at
            break
    return look


Row = tuple[int, datetime, float, float, float, float, float | None]
"""Id, time, prices and volume of a bar."""


def _bars(span: Rerun, needed: int, most: int) -> tuple[list[Row], list[Row], datetime | None]:
    """The bars of the first window but its last, at most so many bars to look at, and the time of the one after these.

    Of a span that was put off these are its own bars alone: the bars after them have seen what was changed.
    """
    series = Bar.objects.filter(symbol_id=span.symbol_id, timeframe=span.timeframe, status=BarStatus.PROCESSED)
    rows = series.values_list("id", "timestamp", *VALUES)
    begin = span.next_bar_at or span.first
    after = series.filter(timestamp__gt=span.last).order_by("timestamp").values_list("timestamp", flat=True)
    # Bars after those that a detector has missed saw them all the same: no bar has changed.
    stays = span.failures or span.cause == RerunCause.DETECTOR
    reached = [] if stays else list(after[: needed - 1])
    end = reached[-1] if reached else span.last
    bars = list(rows.filter(timestamp__gte=begin, timestamp__lte=end).order_by("timestamp")[: most + 1])
    older = list(rows.filter(timestamp__lt=begin).order_by("-timestamp")[: needed - 1])
    return older[::-1], bars[:most], bars[most][1] if len(bars) > most else None


def _is_cut(span: Rerun) -> bool:
    """Whether retention may have removed bars of this series, so that a short window may once have been longer."""
    processed = Bar.objects.filter(symbol_id=span.symbol_id, status=BarStatus.PROCESSED)
    if processed.filter(timeframe=span.timeframe).count() < retention.SPARE_BARS:
        return False  # retention leaves at least so many
    return processed.count() < span.symbol.status.bars_processed


def _log_failure(span: Rerun, timestamp: datetime, error: Exception) -> None:
    log.error("rerun_failed", **_logged(span, timestamp), exc_info=mailbox.presentable(error))


def _logged(span: Rerun, timestamp: datetime) -> dict[str, object]:
    return {
        "symbol": span.symbol.ticker,
        "timeframe": span.timeframe,
        "bar_time": f"{timestamp:%Y-%m-%dT%H:%M:%SZ}",
        "attempt": span.failures + 1,
    }
