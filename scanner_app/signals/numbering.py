"""Give signals and hits the numbers of the stream: after their commit, by one process at a time, without holes.

Ids don't do for that on PostgreSQL: they are drawn before the commit, so a smaller one may appear after a larger one,
and waiting for a missing one waits for ever if its transaction was rolled back. Here every row that can be seen and
has no number gets the next ones. So a number that is seen has all smaller ones before it, for good.

Nothing is numbered while nobody reads the stream, so it costs the bars nothing. Who reads calls `number_new` again and
again; it also forgets numbers that are older than KEPT. `forget_old` does that when nobody reads any more.

Order: of the signals of one symbol, and of its hits, that in which their bars were processed; a hit never before its
bar's signals.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from scanner_app.domain.enums import StreamKind
from scanner_app.models import Hit, Signal, StreamEntry, StreamState

BATCH = 2_000
"""Rows of each kind that get numbers in one transaction: some 50 ms on SQLite, where every other writer waits."""

LONGEST_S = 2.0
"""Longest time (s) for which a reader that begins gives numbers to what came while nobody read: some 50,000 rows."""

LOOK_AGAIN_S = 0.02
"""Seconds until such a reader looks again whether another process has given its numbers."""

KEPT = timedelta(days=1)
"""How long a number is known: a reader that was away longer is told that there is a gap."""

NOTED_AFTER = timedelta(minutes=1)
"""How often it is noted that somebody reads, also when nothing comes: else a quiet day would look like a gap."""

FORGOTTEN = 2_000
"""Old numbers that are removed in one step."""

ALL = 2**63
"""Above every id: all rows were read."""

IN_FLIGHT = 1_000
"""When numbering begins anew, rows with so many of the newest ids get numbers too: among these ids may be some of
transactions that are not committed yet, whose rows must not be missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the stream has come."""

    last: int  # the newest number
    begins_after: int  # what came before this number may be missing
    more: bool = False  # whether there is more to number now


def progress() -> Progress:
    """How far the stream has come, without numbering anything."""
    row = StreamState.objects.get(pk=StreamState.THE_ROW)
    return Progress(last=row.last_number, begins_after=row.begins_after)


def number_all(now: datetime, *, timer: Callable[[], float] = time.monotonic) -> Progress:
    """Give numbers to all that has been committed, for LONGEST_S at most: what comes after the last one is new.

    Waits as long for another process that is at it: its numbers, which can't be seen yet, are of rows that are there
    already. Not for its lock: if that process is frozen, readers would keep the web's threads from everybody else.
    """
    end = timer() + LONGEST_S
    while True:
        found = number_new(now)
        if timer() >= end or (found is not None and not found.more):
            return found or progress()
        if found is None:
            time.sleep(LOOK_AGAIN_S)


def number_new(now: datetime) -> Progress | None:
    """Give numbers to what has been committed; None: another process is at it."""
    row = StreamState.objects.get(pk=StreamState.THE_ROW)
    if _was_numbered(row, now - NOTED_AFTER) and not _anything_new(row):
        return Progress(last=row.last_number, begins_after=row.begins_after)
    with transaction.atomic():
        state = StreamState.objects.select_for_update(skip_locked=True).filter(pk=StreamState.THE_ROW).first()
        if state is None:
            return None
        if not _was_numbered(state, now - KEPT):
            _begin_anew(state)
        more = _number(state, now)
        _forget(state, now - KEPT)
        state.numbered_at = now
        state.save()
    return Progress(last=state.last_number, begins_after=state.begins_after, more=more)


def forget_old(now: datetime) -> int:
    """Forget some of the numbers that are older than KEPT, whether or not somebody reads; how many."""
    oldest = StreamEntry.objects.order_by("number").values_list("at", flat=True).first()
    if oldest is None or oldest >= now - KEPT:
        return 0
    with transaction.atomic():
        state = StreamState.objects.select_for_update(skip_locked=True).filter(pk=StreamState.THE_ROW).first()
        if state is None:
            return 0
        forgotten = _forget(state, now - KEPT)
        state.save(update_fields=["begins_after"])
    return forgotten


def _was_numbered(state: StreamState, since: datetime) -> bool:
    return state.numbered_at is not None and state.numbered_at >= since


def _anything_new(state: StreamState) -> bool:
    # Without a newer id there may still be a smaller one of a transaction that was open when it was looked last.
    return _is_behind(state) or _newest(Signal) > state.signals_seen or _newest(Hit) > state.hits_seen


def _newest(model: Any) -> int:
    return model.objects.aggregate(Max("id"))["id__max"] or 0


def _begin_anew(state: StreamState) -> None:
    """Nobody has read for long: what has come since is not in the stream."""
    state.last_number += 1  # in nobody's hands, so that it stands for the gap
    state.begins_after = state.last_number
    state.signals_done = max(state.signals_done, _newest(Signal) - IN_FLIGHT)
    state.hits_done = max(state.hits_done, _newest(Hit) - IN_FLIGHT)
    state.signals_seen, state.hits_seen = state.signals_done, state.hits_done
    state.first_later_transaction = None


def _number(state: StreamState, now: datetime) -> bool:
    """Give the next numbers; whether rows were left for the next time."""
    over = _oldest_open_transaction()
    seen_before = state.signals_seen, state.hits_seen
    # Hits first: a hit that can be seen has its bar's signals beside it, also for the query that comes after this one.
    hits = list(_without_number(Hit, StreamKind.HIT, state.hits_done))
    signals = list(_without_number(Signal, StreamKind.SIGNAL, state.signals_done))
    signals_upto = signals[-1] if len(signals) == BATCH else ALL
    hits_upto = hits[-1] if len(hits) == BATCH else ALL
    if signals_upto != ALL:
        hits, hits_upto = [], state.hits_done  # their signals may be among those that are left
    rows = [(StreamKind.SIGNAL, id_) for id_ in signals] + [(StreamKind.HIT, id_) for id_ in hits]
    StreamEntry.objects.bulk_create(
        StreamEntry(number=number, kind=kind, row_id=id_, at=now)
        for number, (kind, id_) in enumerate(rows, state.last_number + 1)
    )
    state.last_number += len(rows)
    state.signals_seen = max([state.signals_seen, *signals])
    state.hits_seen = max([state.hits_seen, *hits])
    _advance(state, over, seen_before, signals_upto, hits_upto)
    return (signals_upto, hits_upto) != (ALL, ALL)


def _without_number(model: Any, kind: StreamKind, after: int) -> Iterator[int]:
    numbered = StreamEntry.objects.filter(kind=kind, row_id=OuterRef("pk"))
    rows = model.objects.filter(~Exists(numbered), pk__gt=after).order_by("pk")
    ids: Iterator[int] = rows.values_list("pk", flat=True)[:BATCH]
    return ids


def _advance(
    state: StreamState, over: int | None, seen_before: tuple[int, int], signals_upto: int, hits_upto: int
) -> None:
    """Note up to which ids all is done, also if rows are left: what is done is not looked through again.

    `over`: the oldest transaction that was open before the rows were read; they were read up to the other two ids.
    `seen_before`: the greatest ids of signals and of hits that an earlier transaction of ours has seen.
    """
    if over is None:
        # SQLite has one writer at a time, which draws its ids while it is that: they come in the order of commits.
        state.signals_done, state.hits_done = state.signals_seen, state.hits_seen
        return
    if state.first_later_transaction is not None and over >= state.first_later_transaction:
        # Whoever drew an id up to those that were marked is done, and what he committed has just been read: who stores
        # signals or hits has changed his symbol's row before, and so his transaction had a number when he drew them.
        if state.signals_marked <= signals_upto:
            state.signals_done = state.signals_marked
        if state.hits_marked <= hits_upto:
            state.hits_done = state.hits_marked
        state.first_later_transaction = None
    if state.first_later_transaction is None and _is_behind(state):
        # Not what this transaction has just seen: others may have begun after it had its number, and be open still.
        # (A snapshot's xmax is no help: it follows the last transaction that is over, not the last one that began.)
        state.signals_marked, state.hits_marked = seen_before
        state.first_later_transaction = _own_transaction()


def _is_behind(state: StreamState) -> bool:
    return state.signals_done < state.signals_seen or state.hits_done < state.hits_seen


def _oldest_open_transaction() -> int | None:
    """PostgreSQL: every transaction with a smaller number is over. None on SQLite."""
    return _ask("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _own_transaction() -> int | None:
    """PostgreSQL: the number of this transaction. None on SQLite."""
    return _ask("SELECT pg_current_xact_id()::text::bigint")


def _ask(question: str) -> int | None:
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(question)
        return int(cursor.fetchone()[0])


def _forget(state: StreamState, limit: datetime) -> int:
    """Remove numbers given before the limit, as far as their rows are done: others would get new ones. How many."""
    done = {StreamKind.SIGNAL: state.signals_done, StreamKind.HIT: state.hits_done}
    oldest = StreamEntry.objects.order_by("number").values_list("number", "at", "kind", "row_id")[:FORGOTTEN]
    old = list(takewhile(lambda entry: entry[1] < limit and entry[3] <= done[StreamKind(entry[2])], oldest))
    if old:
        last = old[-1][0]
        StreamEntry.objects.filter(number__lte=last).delete()
        state.begins_after = max(state.begins_after, last)
    return len(old)
