"""Store derived bars: with the completion of a base bar, some time after their period, and again in a re-run.

They are computed before by engine/deriving.py, and accepted like other bars: with the next numbers of their symbol, in
the transaction that says how far its derivation is. The values may be old by then: whoever changes a base bar raises
the row's revision, so that is noticed, and the bar is made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from scanner_app.domain import wording
from scanner_app.domain.aggregation import DAY
from scanner_app.domain.enums import EventKind, RerunCause
from scanner_app.mailbox import rerun_spans, reruns, sql_derived
from scanner_app.mailbox.accept import Chunk, NewBar, Verdict
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.rows import lock
from scanner_app.mailbox.sql import NextHead
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.publisher import publish
from scanner_app.models import Bar, DerivedSeries, Rerun, SymbolStatus
from scanner_app.telemetry import counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A bar that was made, and where its base bars are."""

    bar: NewBar
    begin: datetime  # of its period
    end: datetime
    after: datetime  # when the session before closed

    @property
    def again(self) -> "Again":
        """What has it made again."""
        return Again(self.bar.timeframe, self.begin, self.begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a series is: a row of DerivedSeries."""

    since: datetime
    open_at: datetime | None = None
    due_at: datetime | None = None


class Again(NamedTuple):
    """Base bars whose derived bars must be made in a re-run, because they came late, or before the derivation began."""

    timeframe: str  # of the derived bars
    first: datetime
    last: datetime


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a base bar means for the derived ones."""

    base: str
    made: list[Made] = field(default_factory=list)  # those that are due, in the order in which they are accepted
    progress: dict[str, Progress] = field(default_factory=dict)  # by timeframe, where it changes
    again: list[Again] = field(default_factory=list)


def store(ticket: Ticket, plan: Plan, next_head: NextHead, *, now: datetime) -> NextHead:
    """Accept the bars of the plan, in the transaction that completes the base bar; returns the row after that."""
    symbol_id = ticket.message.symbol_id
    _save(symbol_id, plan.base, plan.progress)
    spans = [_span(symbol_id, again) for again in plan.again]
    if plan.made:
        chunk = Chunk(now=now, request_id=ticket.request_id, closes_breaker=True)
        differing = _accept(chunk, ticket.message.ticker, plan.made)
        # Values of base bars may have been revised while it ran.
        doubtful = plan.made if next_head.revision != ticket.revision else differing
        spans += [_span(symbol_id, made.again) for made in doubtful]
        next_head = replace(next_head, head=chunk.rows[ticket.message.ticker].head)
    if spans:
        SymbolStatus.objects.filter(symbol_id=symbol_id).update(revision=F("revision") + 1)
        rerun_spans.widen_all(spans, now=now)
    return next_head


def postpone(series: Sequence[DerivedSeries], until: datetime) -> None:
    """Have the open periods of these series looked at later, of those that have not changed since they were read."""
    for one in series:
        DerivedSeries.objects.filter(pk=one.pk, due_at=one.due_at).update(due_at=until)


def store_overdue(series: Sequence[DerivedSeries], made: Sequence[Made], *, now: datetime) -> int:
    """Accept the bars of one symbol's open periods, which ended some time ago; returns how many periods are done with.

    None while bars of the symbol wait, nor if some were processed since its row was read: they may belong to a period.
    A period of which no bar was made has no base bars any more.
    """
    symbol = series[0].symbol
    read, done = symbol.status, 0
    with transaction.atomic():
        try:
            lock(symbol.pk)
        except SymbolStatus.DoesNotExist:  # it was deleted meanwhile
            return 0
        row = SymbolStatus.objects.filter(pk=symbol.pk, head=None, cursor=read.cursor, revision=read.revision)
        if not row.exists():
            return 0
        for one in series:
            same = DerivedSeries.objects.filter(pk=one.pk, open_at=one.open_at, ended_at=None)
            done += same.update(open_at=None, due_at=None)
        chunk = Chunk(now=now, request_id=None)
        if differing := _accept(chunk, symbol.ticker, made):
            rerun_spans.widen_all([_span(symbol.pk, one.again) for one in differing], now=now)
    _publish(chunk)
    return done


def remake(span: Rerun, base: str, made: Sequence[Made], *, next_bar_at: datetime | None, now: datetime) -> bool:
    """Store the bars of a span that were made again; False, with nothing changed, if their values are old.

    `next_bar_at`: the time of the base bar where the span goes on; None: it is done.
    """
    with transaction.atomic():
        try:
            lock(span.symbol_id)
        except SymbolStatus.DoesNotExist:  # its symbol was deleted meanwhile
            return False
        if not reruns.is_current(span):
            return False
        chunk = Chunk(now=now, request_id=None, revising=True)
        if made:
            first = made[0].bar.timestamp
            _save(span.symbol_id, base, {span.timeframe: Progress(since=first)}, only_new=True)
            _accept(chunk, span.symbol.ticker, made)
            earlier = DerivedSeries.objects.filter(symbol_id=span.symbol_id, timeframe=span.timeframe, since__gt=first)
            earlier.update(since=first)
        done = span.bars_done + len(chunk.created) + len(chunk.corrected) + len(chunk.revisions.bars)
        if next_bar_at is not None:
            Rerun.objects.filter(pk=span.pk).update(next_bar_at=next_bar_at, bars_done=done)
        else:
            Rerun.objects.filter(pk=span.pk).delete()
            if done:
                reason = f"the scanner made {wording.counted(done, f'{span.timeframe} bar')} from {base} bars"
                add_event(span.symbol_id, EventKind.RERUN, now, reason=reason)
    _publish(chunk)
    return True


def _accept(chunk: Chunk, ticker: str, made: Sequence[Made]) -> list[Made]:
    """Accept these bars of one symbol; returns those that are stored with other values, unless the chunk revises."""
    chunk.lock({ticker})
    chunk.look_up([one.bar for one in made])
    row, differing = chunk.rows[ticker], []
    for one in made:
        if one.bar.timeframe == DAY and _came_from_outside(row.symbol_id, one):
            chunk.series.end(row.symbol_id, DAY)
        verdict = chunk.take(one.bar)
        if verdict is Verdict.CONFLICT and chunk.series.is_active(row.symbol_id, one.bar.timeframe):
            differing.append(one)
    chunk.store()
    counters.bars_accepted(len(chunk.created) + len(chunk.corrected))
    return differing


def _came_from_outside(symbol_id: int, made: Made) -> bool:
    """Whether there is a daily bar of the same session, whatever its timestamp."""
    days = Bar.objects.filter(symbol_id=symbol_id, timeframe=DAY, derived=False)
    return days.filter(timestamp__gte=made.after, timestamp__lt=made.end).exists()


def _publish(chunk: Chunk) -> None:
    publish((message, row.lane, row.next_attempt_at) for row, message in chunk.first_heads())


def _save(symbol_id: int, base: str, progress: dict[str, Progress], *, only_new: bool = False) -> None:
    rows = [
        DerivedSeries(
            symbol_id=symbol_id, timeframe=timeframe, base=base, since=at.since, open_at=at.open_at, due_at=at.due_at
        )
        for timeframe, at in progress.items()
    ]
    if only_new:
        DerivedSeries.objects.bulk_create(rows, ignore_conflicts=True)
    else:
        sql_derived.save_progress(rows)


def _span(symbol_id: int, again: Again) -> Rerun:
    timeframe, first, last = again
    return Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, cause=RerunCause.BASE)
