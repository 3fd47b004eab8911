"""Make derived bars again whose base bars came late, were revised, or were processed before there was a derivation.

The spans are those of mailbox/rerun_spans.py; each bar is stored by mailbox/derived.py, if it has changed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from scanner_app.domain.aggregation import Period, aggregate, ends
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine.base_bars import Facts, base_bars, facts_of, made_of, rows_between
from scanner_app.mailbox import derived, reruns
from scanner_app.mailbox.derived import Made
from scanner_app.models import Rerun

CHUNK = 100
"""Bars of a re-run that one transaction makes again."""

ROWS = 5_000
"""Base bars that are read for them at once, beside those of one period."""

CALENDAR_RETRY = timedelta(minutes=1)
"""From a re-run that finds its symbol's calendar not loaded to the next try."""


def work_on(span: Rerun, now: Callable[[], datetime], is_over: Callable[[], bool]) -> tuple[int, bool]:
    """Make the bars of a span again; returns how many were looked at, and whether there is time for another span."""
    done = 0
    while True:
        facts = facts_of(span.symbol_id, now())
        if facts is not None and not facts.hours.are_known:
            reruns.give_back(span, now=now() + CALENDAR_RETRY)
            return done, True
        base, next_bar_at = "", None
        bars: list[Made] = []
        if facts is not None and _is_wanted(facts, span.timeframe):
            base = facts.base
            bars, next_bar_at = _bars_again(span, facts)
        if derived.remake(span, base, bars, next_bar_at=next_bar_at, now=now()):
            done += len(bars)
            if next_bar_at is None:
                return done, True
        fresh = Rerun.objects.select_related("symbol__status").filter(pk=span.pk).first()
        if fresh is None:
            return done, True
        span = fresh
        if is_over():
            reruns.give_back(span, now=now())
            return done, False


def _is_wanted(facts: Facts, timeframe: str) -> bool:
    return timeframe in settings.SCANNER_DERIVE.get(facts.base, ()) and not facts.has_ended(timeframe)


def _bars_again(span: Rerun, facts: Facts) -> tuple[list[Made], datetime | None]:
    """The next bars of a span, made from what there is now, and the time of the base bar where it goes on."""
    timeframe, begin = span.timeframe, span.next_bar_at or span.first
    before, after = facts.period(begin, timeframe), facts.period(span.last, timeframe)
    most = ROWS + TIMEFRAMES[timeframe] // TIMEFRAMES[facts.base]
    first = begin if before is None else before.first
    end = span.last + timedelta(microseconds=1) if after is None else after.end
    rows = rows_between(facts, first, end, most=most)
    bars = aggregate(rows, base=facts.base, timeframe=timeframe, hours=facts.hours)
    next_bar_at = None
    if len(rows) == most:  # perhaps not all of the last period
        next_bar_at = bars.pop().period.first if bars else rows[-1][0]
    if len(bars) > CHUNK:
        next_bar_at = bars[CHUNK].period.first
    periods = [one.period for one in bars[:CHUNK]]
    due = [period for period in periods if _is_due(period, timeframe, facts)]
    return made_of(facts, timeframe, [one for one in bars if one.period in due]), next_bar_at


def _is_due(period: Period, timeframe: str, facts: Facts) -> bool:
    """Whether the period's bar was made already, or should have been; else the next base bars see to it."""
    newest, open_now = facts.newest.get(timeframe), facts.open_period(timeframe)
    if newest is not None and timeframe in facts.series and period.timestamp <= newest:
        return True
    if open_now is not None and period.begin < open_now.begin:
        return True
    last = base_bars(facts).order_by("-timestamp").values_list("timestamp", flat=True).first()
    return last is not None and ends(period, last, base=facts.base, hours=facts.hours)
