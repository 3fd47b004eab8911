"""The statements that every bar costs, written by hand: five, where the ORM took nine and thrice the time.

read_head    is the message live, may the head run, and what is it: one select
finish_head      the guarded update of the hot row: the check, the lock and the step to the next head in one
complete_head that, and the bar's result: one statement on PostgreSQL, where each is a round trip, two on SQLite
insert_signals  what was found
read_next the breaker's failures, and timeframe and time of the next head

And three that every call costs which accepts bars, of which the ORM took three quarters to make its statements:

known_bars   which of the bars are there already
insert_bars     the new ones
store_numbers       what a row says of its log, after bars were added to it

Times go in through `statements.to_database` and come out through `statements.utc`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from scanner_app.detectors import Finding
from scanner_app.domain.enums import Stage
from scanner_app.domain.latency import Figures
from scanner_app.mailbox.statements import all_rows, one_row, run_many, to_database, utc
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, SymbolStatus

_READ_HEAD = """
    SELECT symbol.enabled, symbol.deleted_at, breaker.opened_at,
           status.epoch, status.attempts, status.stage, status.next_attempt_at,
           status.catching_up, status.latencies,
           bar.id, bar.timeframe, bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume,
           bar.late, bar.replayed, bar.accepted_at, bar.request_id
      FROM scanner_app_symbolstatus status
      JOIN scanner_app_symbol symbol ON symbol.id = status.symbol_id
      JOIN scanner_app_circuitbreaker breaker ON breaker.symbol_id = status.symbol_id
      JOIN scanner_app_bar bar ON bar.symbol_id = status.symbol_id AND bar.sequence = status.head
     WHERE status.symbol_id = %s AND status.head = %s
"""

# The next head comes from the row's own columns, which are read anew after a wait for the lock; a sub-select
# on bars is not, and would miss what ingest has just committed. A pause is over once nothing waits any more.
_MOVE_ON = """
    UPDATE scanner_app_symbolstatus
       SET cursor = head,
           head = CASE WHEN last_sequence > head THEN head + 1 END,
           catching_up = catching_up AND last_sequence > head,
           attempts = 0, deferrals = 0, losses = 0, stage = 'run', next_attempt_at = NULL{also}
     WHERE symbol_id = %s AND head = %s{guard}
 RETURNING head, epoch, lane, quick_bars
"""

_DONE = """,
           bars_processed = bars_processed + 1, last_bar_time = %s, last_processed_at = %s,
           latencies = %s, avg_latency_ms = %s, p95_latency_ms = %s, longest_latency_ms = %s"""

_FINISH_BAR = """
    UPDATE scanner_app_bar SET status = 'processed', attempts = %s, finished_at = %s, latency_ms = %s, held = %s
     WHERE id = %s
"""

# The bar is changed only if the row was: `moved` is empty otherwise.
_MOVE_ON_AND_FINISH_BAR = """
    WITH moved AS ({finish_head}), finished AS ({finish_bar} AND EXISTS (SELECT FROM moved))
  SELECT head, epoch, lane, quick_bars FROM moved
"""

_ADD_SIGNAL = """
    INSERT INTO scanner_app_signal
           (symbol_id, bar_id, timeframe, timestamp, detector, pattern, direction, strength, late, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

# A statement of its own after the move: what it reads is as new as the lock.
_WHAT_FOLLOWS = """
    SELECT breaker.failures, bar.timeframe, bar.timestamp
      FROM scanner_app_circuitbreaker breaker
      JOIN scanner_app_symbol symbol ON symbol.id = breaker.symbol_id
 LEFT JOIN scanner_app_bar bar ON bar.symbol_id = symbol.id AND bar.sequence = %s
       AND symbol.enabled AND symbol.deleted_at IS NULL
     WHERE breaker.symbol_id = %s
"""

# CROSS JOIN: SQLite takes the keys first then, and looks each up; for the keys of an IN it would scan all bars.
_BARS_BEFORE = """
    SELECT timestamp, open, high, low, close, volume FROM scanner_app_bar
     WHERE symbol_id = %s AND timeframe = %s AND timestamp < %s AND status = 'processed'
     ORDER BY timestamp DESC LIMIT %s
"""

_KNOWN_BARS = """
    WITH keys (symbol_id, timeframe, timestamp) AS (VALUES {keys})
  SELECT bar.* FROM keys CROSS JOIN scanner_app_bar bar
   WHERE bar.symbol_id = keys.symbol_id AND bar.timeframe = keys.timeframe AND bar.timestamp = keys.timestamp
"""

_ADD_BAR = """
    INSERT INTO scanner_app_bar
           (symbol_id, timeframe, timestamp, open, high, low, close, volume, sequence, status, late, replayed, held,
            attempts, accepted_at, finished_at, latency_ms, request_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_NUMBER = """
    UPDATE scanner_app_symbolstatus
       SET last_sequence = %s, newest = %s, watched = %s, head = %s, next_attempt_at = %s, catching_up = %s
     WHERE symbol_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """The head as the database has it, and what decides whether it may run."""

    runnable: bool  # the symbol is enabled and not deleted
    opened_at: datetime | None  # of the breaker
    epoch: int
    attempts: int
    stage: str
    next_attempt_at: datetime | None
    ticket: Ticket

    def is_live_for(self, message: Message) -> bool:
        """Whether the message may run this head; the control run has messages of its own."""
        return (
            self.runnable
            and self.epoch == message.epoch
            and self.attempts == message.retries
            and self.stage != Stage.CONTROL
        )


@dataclass(frozen=True, slots=True)
class Following:
    """What the row says after the move."""

    head: int | None
    epoch: int
    lane: str
    quick_bars: int


def read_head(message: Message) -> StoredHead | None:
    """The head that the message means; None if that is no longer, or not yet, the head."""
    row = one_row(_READ_HEAD, [message.symbol_id, message.sequence])
    if row is None:
        return None
    enabled, deleted_at, opened_at, epoch, attempts, stage, next_attempt_at, catching_up, latencies, *bar = row
    bar_id, timeframe, timestamp, *values, late, replayed, accepted_at, request_id = bar
    return StoredHead(
        runnable=bool(enabled) and deleted_at is None,
        opened_at=_maybe_utc(opened_at),
        epoch=epoch,
        attempts=attempts,
        stage=stage,
        next_attempt_at=_maybe_utc(next_attempt_at),
        ticket=Ticket(
            message=message,
            bar_id=bar_id,
            timeframe=timeframe,
            timestamp=utc(timestamp),
            **dict(zip(("open", "high", "low", "close", "volume"), values, strict=True)),
            late=bool(late),
            replayed=bool(replayed),
            accepted_at=utc(accepted_at),
            request_id=request_id,
            held=bool(catching_up),
            latencies=orjson.loads(latencies) if isinstance(latencies, str) else latencies,
        ),
    )


def bars_before(ticket: Ticket, count: int) -> list[tuple[Any, ...]]:
    """Time, prices and volume of the last `count` processed bars of the ticket's series before it, newest first."""
    if count <= 0:
        return []
    key = [ticket.message.symbol_id, ticket.timeframe, to_database(ticket.timestamp), count]
    return [(utc(time), *values) for time, *values in all_rows(_BARS_BEFORE, key)]


def finish_head(symbol_id: int, sequence: int, *, guard: str = "", values: Sequence[Any] = ()) -> Following | None:
    """Put the head behind the cursor and name the next one; None, with nothing changed, if it is not the head.

    `guard` is more of the WHERE clause, with its `values`.
    """
    return _run_move(_MOVE_ON.format(also="", guard=guard), [symbol_id, sequence, *values])


def complete_head(ticket: Ticket, figures: Figures, latency_ms: int, *, now: datetime) -> Following | None:
    """The same for a bar that was processed: the symbol's figures move with it, and its result is stored."""
    message = ticket.message
    finish_head = _MOVE_ON.format(also=_DONE, guard="")
    moved = [
        to_database(ticket.timestamp),
        to_database(now),
        _json(figures.latencies),
        figures.avg_ms,
        figures.p95_ms,
        figures.longest_ms,
    ]
    moved += [message.symbol_id, message.sequence]
    finished = [message.retries + 1, to_database(now), latency_ms, ticket.held, ticket.bar_id]
    if connection.vendor == "postgresql":
        both = _MOVE_ON_AND_FINISH_BAR.format(finish_head=finish_head, finish_bar=_FINISH_BAR)
        return _run_move(both, [*moved, *finished])
    following = _run_move(finish_head, moved)
    if following is not None:
        with connection.cursor() as cursor:
            cursor.execute(_FINISH_BAR, finished)
    return following


def _run_move(sql: str, values: Sequence[Any]) -> Following | None:
    row = one_row(sql, values)
    return None if row is None else Following(*row)


def insert_signals(ticket: Ticket, findings: Iterable[Finding], *, now: datetime) -> None:
    """Store what the detectors found on the bar."""
    rows = [
        (
            ticket.message.symbol_id,
            ticket.bar_id,
            ticket.timeframe,
            to_database(ticket.timestamp),
            finding.detector,
            finding.pattern,
            str(finding.direction),
            finding.strength,
            ticket.late,
            to_database(now),
        )
        for finding in findings
    ]
    run_many(_ADD_SIGNAL, rows)


def read_next(symbol_id: int, head: int | None) -> tuple[int, tuple[str, datetime] | None]:
    """The breaker's failures in a row; and timeframe and time of the head, None while it may not be published."""
    # A breaker has its row as long as its symbol has one, which the caller has locked.
    failures, timeframe, timestamp = one_row(_WHAT_FOLLOWS, [head, symbol_id])  # type: ignore[misc]
    return failures, None if timestamp is None else (timeframe, utc(timestamp))


def known_bars(keys: Sequence[tuple[int, str, datetime]]) -> Iterable[Bar]:
    """The bars that there are of these symbols' ids, timeframes and times."""
    if not keys:
        return []
    sql = known_bars_sql(len(keys))
    values = [value for symbol_id, timeframe, time in keys for value in (symbol_id, timeframe, to_database(time))]
    return Bar.objects.raw(sql, values)


def known_bars_sql(keys: int) -> str:
    """The statement that looks up so many bars."""
    return _KNOWN_BARS.format(keys=", ".join(["(%s, %s, %s)"] * keys))


def insert_bars(bars: Iterable[Bar]) -> None:
    """Store new bars, in their order. They get no ids here."""
    rows = [
        (
            bar.symbol_id,
            bar.timeframe,
            to_database(bar.timestamp),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.sequence,
            bar.status,
            bar.late,
            bar.replayed,
            bar.held,
            bar.attempts,
            to_database(bar.accepted_at),
            _time(bar.finished_at),
            bar.latency_ms,
            bar.request_id,
        )
        for bar in bars
    ]
    run_many(_ADD_BAR, rows)


def store_numbers(rows: Iterable[SymbolStatus]) -> None:
    """Store what was numbered: the end of each row's log, its head, and when that is due. The rows are locked."""
    run_many(
        _NUMBER,
        [
            (
                row.last_sequence,
                _json(row.newest),
                _json(row.watched),
                row.head,
                _time(row.next_attempt_at),
                row.catching_up,
                row.symbol_id,
            )
            for row in rows
        ],
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _time(time: datetime | None) -> Any:
    return None if time is None else to_database(time)


def _maybe_utc(stored: Any) -> datetime | None:
    return None if stored is None else utc(stored)
