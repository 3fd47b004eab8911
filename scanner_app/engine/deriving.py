"""Make bars of higher timeframes from those of the smallest one that a symbol is fed. Stored by mailbox/derived.py.

A bar is due when the base bar that ends its period has been processed, or a later one: `plan` says so for each base
bar. If none comes, it is due some time after its period: `run`. If a base bar comes late, or gets other values, the
derived one is made again in a re-run: remaking.py.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import structlog
from django.conf import settings
from django.db.models import Q

from scanner_app.domain.aggregation import Period, ends
from scanner_app.domain.timeframes import RANK, TIMEFRAMES
from scanner_app.engine.base_bars import Facts, base_bars, facts_of, made_from, rows_between
from scanner_app.engine.detection import bars_needed
from scanner_app.mailbox import Ticket, derived
from scanner_app.mailbox.derived import Again, Made, Plan, Progress
from scanner_app.models import DerivedSeries
from scanner_app.workers.outages import OUTAGES

log = structlog.get_logger(__name__)

GRACE_AFTER_ASSUMED = timedelta(seconds=30)
"""From the moment when a forming base bar is accepted as assumed until nobody waits for it any more."""

MOST_AT_ONCE = 500
"""Overdue bars that one run looks at; the others are next."""

BUDGET_S = 4.0
"""Longest time (s) that one run makes overdue bars: the next comes ten seconds after it began, and of the two processes
for upkeep one must be free for the sweeper. At the close of a market the bars of all symbols are overdue."""

AGAIN = timedelta(minutes=2)
"""Until overdue bars are looked at again that could not be made (their calendar could not be loaded): more than
MOST_AT_ONCE of them, always looked at first, would keep the others from theirs."""

REACH = 4
"""So many times the longest window is derived of what was there before: of a feed that never stops, most is nights."""


def plan(ticket: Ticket, *, now: datetime) -> Plan | None:
    """What a base bar that was run means for the derived ones; None: nothing. Reads, and writes nothing."""
    if ticket.timeframe not in settings.SCANNER_DERIVE:
        return None
    facts = facts_of(ticket.message.symbol_id, now)
    if facts is None or facts.base != ticket.timeframe:
        return None
    targets = [one for one in settings.SCANNER_DERIVE[facts.base] if not facts.has_ended(one)]
    result = Plan(base=facts.base)
    if not facts.hours.are_known:  # the calendar could not be loaded: later
        result.again = [Again(timeframe, ticket.timestamp, ticket.timestamp) for timeframe in targets]
        return result
    due = [(period, timeframe) for timeframe in targets for period in _step(ticket, timeframe, facts, result)]
    # Of periods that end together the shorter comes first.
    for period, timeframe in sorted(due, key=lambda one: (one[0].end, RANK[one[1]])):
        rows = rows_between(facts, period.first, period.end)
        if period.first <= ticket.timestamp < period.end:
            own = (ticket.timestamp, ticket.open, ticket.high, ticket.low, ticket.close, ticket.volume)
            rows = sorted([*rows, own], key=lambda row: row[0])
        result.made += made_from(facts, timeframe, [period], rows)
    return result if result.made or result.progress or result.again else None


def _step(ticket: Ticket, timeframe: str, facts: Facts, result: Plan) -> list[Period]:
    """Note in the plan how far the base bar brings a series; returns the periods whose bars are due."""
    period, open_now = facts.period(ticket.timestamp, timeframe), facts.open_period(timeframe)
    newest, series = facts.newest.get(timeframe), facts.series.get(timeframe)
    if period is None:
        if open_now is None or ticket.timestamp < open_now.end:
            return []
        result.progress[timeframe] = Progress(since=open_now.timestamp)
        return [open_now]
    is_made = newest is not None and series is not None and period.timestamp <= newest
    if is_made or (open_now is not None and period.begin < open_now.begin):
        result.again.append(Again(timeframe, ticket.timestamp, ticket.timestamp))
        return []
    result.again += _before(period, timeframe, facts) if series is None else _skipped(period, timeframe, facts)
    due = [open_now] if open_now is not None and open_now.begin < period.begin else []
    is_over = ends(period, ticket.timestamp, base=facts.base, hours=facts.hours)
    if is_over:
        due.append(period)
    if is_over or open_now != period:
        result.progress[timeframe] = Progress(
            since=(due or [period])[0].timestamp,
            open_at=None if is_over else period.begin,
            due_at=None if is_over else period.end + _grace(),
        )
    return due


def _before(period: Period, timeframe: str, facts: Facts) -> list[Again]:
    """The newest base bars before the first period that is made: enough of them for detectors' windows."""
    before = base_bars(facts).filter(timestamp__lt=period.first).order_by("-timestamp")
    newest = before.values_list("timestamp", flat=True).first()
    if newest is None:
        return []
    enough = REACH * bars_needed() * (TIMEFRAMES[timeframe] // TIMEFRAMES[facts.base])
    times = list(before.values_list("timestamp", flat=True)[enough - 1 : enough])
    oldest = times[0] if times else before.values_list("timestamp", flat=True).last()
    return [Again(timeframe, oldest or newest, newest)]


def _skipped(period: Period, timeframe: str, facts: Facts) -> list[Again]:
    """The base bars since the last period that were processed without the setting, or by an older version."""
    last = facts.last_period(timeframe)
    # From one session to the next no query is needed: base bars between them belong to no period.
    if last is None or not facts.hours.traded_between(last.end.timestamp(), period.begin.timestamp()):
        return []
    between = base_bars(facts).filter(timestamp__gte=last.end, timestamp__lt=period.first)
    return [Again(timeframe, last.end, period.first)] if between.exists() else []


def run(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Make the bars whose periods ended without a further base bar, while no bar of their symbol waits; how many.

    No further symbol after BUDGET_S.
    """
    if not settings.SCANNER_DERIVE:
        return 0
    wanted = Q()
    for base, timeframes in settings.SCANNER_DERIVE.items():
        wanted |= Q(base=base, timeframe__in=timeframes)
    overdue = DerivedSeries.objects.select_related("symbol__status").filter(
        wanted,
        due_at__lte=now,
        ended_at=None,
        symbol__deleted_at=None,
        symbol__status__head=None,
        # Of history that is fed slowly, the period ended long ago.
        symbol__status__last_processed_at__lte=now - _grace(),
    )
    rows = overdue.order_by("symbol_id", "due_at")[:MOST_AT_ONCE]
    end, done = clock() + BUDGET_S, 0
    for _, of_symbol in groupby(rows, key=attrgetter("symbol_id")):
        done += _make_some(list(of_symbol), now)
        if clock() >= end:
            break
    return done


def _make_some(series: Sequence[DerivedSeries], now: datetime) -> int:
    try:
        return _make_overdue(series, now)
    except OUTAGES:
        raise
    except Exception:  # an error with one symbol must not keep the others from their bars
        log.exception("overdue_not_made", symbol=series[0].symbol.ticker)
        derived.postpone(series, now + AGAIN)
        return 0


def _make_overdue(series: Sequence[DerivedSeries], now: datetime) -> int:
    facts = facts_of(series[0].symbol_id, now)
    if facts is None or not facts.hours.are_known:
        derived.postpone(series, now + AGAIN)
        return 0
    made: list[Made] = []
    for one in sorted(series, key=lambda one: RANK[one.timeframe]):
        if period := facts.open_period(one.timeframe):
            made += made_from(facts, one.timeframe, [period], rows_between(facts, period.first, period.end))
    made.sort(key=attrgetter("end"))
    return derived.store_overdue(series, made, now=now)


def _grace() -> timedelta:
    return timedelta(seconds=settings.SCANNER_ASSUME_AFTER_S) + GRACE_AFTER_ASSUMED
