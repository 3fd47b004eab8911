"""The ledger of holes: which bars of live feeds' series are missing, and what became of them.

open -> refilled: all of them have come; open -> empty: the venue has answered often enough and has no more of them;
open -> given up: by an operator, or because retention would refuse them.

All functions are short database work. The feed calls them in the one thread that it has for that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count, Q, Sum

from scanner_app.domain.enums import GapState
from scanner_app.domain.feed_entries import Series
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.wording import one_line
from scanner_app.engine import retention
from scanner_app.feeds.live.acts import Hole
from scanner_app.models import Bar, Feed, Gap, Symbol

log = structlog.get_logger(__name__)

ASK_AFTER_S: Final = (10, 5, 15, 60, 300, 900, 3_600)
"""Seconds from the finding of a hole to the first question by the ledger (a series that joins asks at once by itself),
and from each answer to the next question. The last one counts without an end."""

ANSWERS_UNTIL_EMPTY: Final = 3
"""So often a venue that sends a bar for every period must have answered without a bar before it counts as empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGap:
    """An open hole, as the feed works it off."""

    pk: int
    series: Series
    first: datetime
    last: datetime


def find(series: Series, hole: Hole, *, feed: str, now: datetime) -> None:
    """Record a hole; an open one of the series that it touches is widened instead."""
    symbol = Symbol.objects.filter(ticker=series.ticker).first()
    if symbol is None:
        return  # its symbol was deleted meanwhile
    length = TIMEFRAMES[series.timeframe]
    with transaction.atomic():
        # No other process adds to this series: this one has the venue's lease.
        touching = Gap.objects.filter(
            symbol=symbol,
            timeframe=series.timeframe,
            state=GapState.OPEN,
            first__lte=hole.last + length,
            last__gte=hole.first - length,
        )
        if (known := touching.order_by("first").first()) is None:
            Gap.objects.create(
                symbol=symbol,
                feed=Feed.objects.filter(name=feed).first(),
                timeframe=series.timeframe,
                first=hole.first,
                last=hole.last,
                missing=hole.missing,
                found_at=now,
                cause=hole.cause.value,
                next_ask_at=now + timedelta(seconds=ASK_AFTER_S[0]),
            )
        elif not known.first <= hole.first <= hole.last <= known.last:
            # What both have in common is counted once.
            apart = hole.first > known.last or hole.last < known.first
            wider = (hole.last - known.last) // length if hole.last > known.last else 0
            earlier = (known.first - hole.first) // length if hole.first < known.first else 0
            known.missing += hole.missing if apart else min(hole.missing, wider + earlier)
            known.first, known.last = min(known.first, hole.first), max(known.last, hole.last)
            known.save(update_fields=["first", "last", "missing"])
    log.info(
        "gap_found",
        symbol=series.ticker,
        timeframe=series.timeframe,
        missing=hole.missing,
        first=hole.first.isoformat(),
        cause=hole.cause.value,
    )


def settle(series: Series, *, now: datetime) -> None:
    """Count what has come of the series' open holes; those of which all has come are refilled."""
    for gap in Gap.objects.filter(symbol__ticker=series.ticker, timeframe=series.timeframe, state=GapState.OPEN):
        _count(gap)
        if gap.refilled >= gap.missing:
            _end(gap, GapState.REFILLED, now)
        else:
            _save(gap, "refilled")


def answered(pk: int, *, always_sends: bool, history_within: timedelta, now: datetime) -> None:
    """The venue has answered for a hole, and the scanner has taken what it sent: count, and decide what follows."""
    gap = Gap.objects.select_related("symbol").filter(pk=pk, state=GapState.OPEN).first()
    if gap is None:
        return
    _count(gap)
    gap.asked += 1
    gap.last_error = ""
    oldest = retention.oldest_bar(now)
    should_be_there = gap.last + TIMEFRAMES[gap.timeframe] + history_within <= now
    if gap.refilled >= gap.missing:
        _end(gap, GapState.REFILLED, now)
    elif oldest is not None and gap.last < oldest:
        _end(gap, GapState.GIVEN_UP, now, by="retention")
    elif should_be_there and gap.asked >= (ANSWERS_UNTIL_EMPTY if always_sends else 1):
        _end(gap, GapState.EMPTY, now)
    else:
        gap.next_ask_at = now + _pause(gap.asked)
        _save(gap, "refilled", "asked", "next_ask_at", "last_error")


def not_answered(pk: int, error: str, *, now: datetime) -> None:
    """The venue has not answered, or the scanner did not take what it sent."""
    gap = Gap.objects.filter(pk=pk, state=GapState.OPEN).first()
    if gap is not None:
        gap.next_ask_at, gap.last_error = now + _pause(max(gap.asked, 2)), one_line(error)
        _save(gap, "next_ask_at", "last_error")


def due(series: Iterable[Series], *, now: datetime, most: int) -> list[OpenGap]:
    """Open holes of these series that are to be asked for now, the longest due first."""
    wanted = set(series)
    rows = Gap.objects.filter(state=GapState.OPEN, next_ask_at__lte=now).order_by("next_ask_at")
    found = []
    for pk, ticker, timeframe, first, last in rows.values_list("pk", "symbol__ticker", "timeframe", "first", "last"):
        if (key := Series(ticker, timeframe)) in wanted:
            found.append(OpenGap(pk=pk, series=key, first=first, last=last))
        if len(found) >= most:
            break
    return found


def open_counts() -> dict[Series, int]:
    """How many holes are open, by series."""
    rows = Gap.objects.filter(state=GapState.OPEN).values_list("symbol__ticker", "timeframe")
    return {
        Series(ticker, timeframe): count for ticker, timeframe, count in rows.annotate(count=Count("pk")).order_by()
    }


def give_up(pk: int, *, by: str, now: datetime) -> bool:
    """Ask no more for a hole. False: it is not open (any more)."""
    ended = Gap.objects.filter(pk=pk, state=GapState.OPEN).update(
        state=GapState.GIVEN_UP, next_ask_at=None, ended_at=now, ended_by=by
    )
    return ended == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of the holes found in a span of time; all but the first are numbers of bars."""

    holes: int
    missing: int
    refilled: int
    empty: int  # the venue has none
    given_up: int
    open: int


def summary(*, since: datetime, until: datetime, symbol: Symbol | None = None) -> Summary:
    """Of the holes found in this span, of a symbol or of all: "3 holes of 41 bars, 40 refilled, 1 empty"."""
    rows = Gap.objects.filter(found_at__gte=since, found_at__lt=until)
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    sums = {f"missing_{state.value}": Sum("missing", filter=Q(state=state)) for state in GapState}
    sums |= {f"came_{state.value}": Sum("refilled", filter=Q(state=state)) for state in GapState}
    counts: Mapping[str, int | None] = rows.aggregate(
        holes=Count("pk"), all_missing=Sum("missing"), all_came=Sum("refilled"), **sums
    )
    number = {name: value or 0 for name, value in counts.items()}
    left = {state: number[f"missing_{state.value}"] - number[f"came_{state.value}"] for state in GapState}
    return Summary(
        holes=number["holes"],
        missing=number["all_missing"],
        refilled=number["all_came"],
        empty=left[GapState.EMPTY],
        given_up=left[GapState.GIVEN_UP],
        open=left[GapState.OPEN],
    )


def _count(gap: Gap) -> None:
    """How many of its bars are there by now: those that were only assumed are still missing."""
    stored = Bar.objects.filter(
        symbol=gap.symbol_id,
        timeframe=gap.timeframe,
        timestamp__gte=gap.first,
        timestamp__lte=gap.last,
        assumed=False,
    )
    gap.refilled = min(stored.count(), gap.missing)


def _pause(asked: int) -> timedelta:
    return timedelta(seconds=ASK_AFTER_S[min(asked, len(ASK_AFTER_S) - 1)])


def _end(gap: Gap, state: GapState, now: datetime, *, by: str = "") -> None:
    gap.state, gap.next_ask_at, gap.ended_at, gap.ended_by = state, None, now, by
    if _save(gap, "state", "next_ask_at", "ended_at", "ended_by", "refilled", "asked", "last_error"):
        log.info("gap_ended", gap=gap.pk, timeframe=gap.timeframe, missing=gap.missing, state=state.value)


def _save(gap: Gap, *fields: str) -> bool:
    """Store these fields, unless an operator has given the hole up meanwhile. Whether it was stored."""
    values = {name: getattr(gap, name) for name in fields}
    return Gap.objects.filter(pk=gap.pk, state=GapState.OPEN).update(**values) == 1
