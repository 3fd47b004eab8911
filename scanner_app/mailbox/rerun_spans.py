"""Spans of a series that must be looked at again: new ones join those that are near. See reruns.py for the looks.

Whatever changes a span does so under the lock of its symbol's status row, and, where bars have changed, raises the
row's `revision`.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import F

from scanner_app.domain.enums import RerunCause
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models import Rerun, SymbolStatus

NEAR_BARS = 500
"""Spans of a series that are no further apart than so many bars are one: windows overlap, and rows stay few."""

NEAR_PERIODS = 1
"""The same for derived bars that must be made again: those between are not."""

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""No time is earlier."""


def widen(
    symbol_id: int,
    timeframe: str,
    first: datetime,
    last: datetime,
    *,
    cause: RerunCause,
    now: datetime,
    detector: str = "",
) -> None:
    """Have the detectors look again at the bars from `first` to `last`, and at those whose windows they are in.

    `detector`: the name of the only one that must; empty: all. The caller holds the lock of the symbol's status row,
    and raises its revision.
    """
    span = Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, detector=detector, cause=cause)
    widen_all([span], now=now)


def widen_all(spans: Sequence[Rerun], *, now: datetime) -> None:
    """The same for several new spans, each of another series: of most calls in two statements."""
    symbols = {span.symbol_id for span in spans}
    known: defaultdict[Hashable, list[Rerun]] = defaultdict(list)
    for row in Rerun.objects.filter(symbol_id__in=symbols, failures=0).order_by("id"):
        known[series_of(row)].append(row)
    fresh = []
    for span in spans:
        # Not a span that is past this one: it would go back, and, if its beginning is revised again and again, never
        # reach its end.
        begun = [row for row in known[series_of(span)] if row.next_bar_at is None or row.next_bar_at <= span.first]
        if near := near_ones(begun, span):
            join(near, span)
        else:
            span.created_at = now
            fresh.append(span)
    Rerun.objects.bulk_create(fresh)


def of_derived(symbol_id: int, base: str, first: datetime, last: datetime) -> list[Rerun]:
    """New spans for the derived bars that are made from these base bars; none without SCANNER_DERIVE."""
    return [
        Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, cause=RerunCause.BASE)
        for timeframe in settings.SCANNER_DERIVE.get(base, ())
    ]


def join_completed(symbol_id: int, timeframe: str, timestamp: datetime, *, now: datetime) -> None:
    """A bar was completed with a window that may be older than a revision: it joins the span.

    Called in the completing transaction, which holds the row's lock.
    """
    SymbolStatus.objects.filter(symbol_id=symbol_id).update(revision=F("revision") + 1)
    widen(symbol_id, timeframe, timestamp, timestamp, cause=RerunCause.REVISION, now=now)


def join_missing(
    symbol_id: int, timeframe: str, first: datetime, last: datetime, detectors: Collection[str], *, now: datetime
) -> None:
    """Bars were completed, or looked at again, without these detectors: they look at them when they are on again.

    Called in the transaction that does so, which holds the row's lock. No bar has changed, so the revision stays.
    """
    cause = RerunCause.DETECTOR
    spans = [
        Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, detector=name, cause=cause)
        for name in detectors
    ]
    widen_all(spans, now=now)


def series_of(span: Rerun) -> Hashable:
    """What spans must have in common to become one."""
    return span.symbol_id, span.timeframe, span.detector, str(span.cause)


def near_ones(rows: Iterable[Rerun], span: Rerun) -> list[Rerun]:
    """Those of the rows, all of its series, that are near enough to the span to be one with it."""
    bars = NEAR_PERIODS if span.cause == RerunCause.BASE else NEAR_BARS
    reach = bars * TIMEFRAMES[span.timeframe]
    begin = span.first - min(reach, span.first - EARLIEST)
    return [row for row in rows if row.first <= span.last + reach and row.last >= begin]


def join(near: Sequence[Rerun], span: Rerun) -> None:
    """Widen the oldest of these spans by `span`, and join the others with it."""
    kept, *others = near
    before = (kept.first, kept.last, kept.next_bar_at, kept.bars_done)
    place = kept.next_bar_at or kept.first
    begin = min(span.first, *(one.next_bar_at or one.first for one in near))
    kept.first = min(span.first, *(one.first for one in near))
    kept.next_bar_at = None if begin == kept.first else begin
    kept.last = max(span.last, *(one.last for one in near))
    kept.bars_done = sum(one.bars_done for one in near)
    if (kept.first, kept.last, kept.next_bar_at, kept.bars_done) != before:
        if begin != place:  # if its present look kills its worker, that is not known to be this bar's fault
            kept.careful = 0
        kept.save(update_fields=["first", "last", "next_bar_at", "bars_done", "careful"])
    if others:
        Rerun.objects.filter(pk__in=[one.pk for one in others]).delete()
