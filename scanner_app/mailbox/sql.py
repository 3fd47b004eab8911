"""The hot path's SQL, written by hand: five statements for a bar. The ORM needed nine and three times as long.

read_head       one select: is the message live, may the head run, and the head's bar
bars_before     the rest of the window; or bars_since, what has come since the window of an earlier bar
complete_head   the guarded update of the status row, which checks, locks and moves to the next head, and the bar's
                result: one statement on PostgreSQL (one round trip), two on SQLite
insert_signals  the detectors' findings
read_next       the breaker's failures, and timeframe and time of the next head

On PostgreSQL the last three are one statement where nothing else is to be done (at_once.py).

For a head that goes to quarantine: finish_head, the guarded update alone; finish_controlled_head, after a control run.

Those of a call that accepts bars: sql_accept.py.

Times go in through `statements.to_database` and come out through `statements.utc`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from scanner_app.detectors import Finding
from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus, Stage
from scanner_app.domain.latency import Figures
from scanner_app.domain.tickers import CANARY
from scanner_app.mailbox.statements import all_rows, as_json, one_row, run_many, to_database, utc
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.messages import Message

_READ_HEAD = """
    SELECT symbol.enabled, symbol.deleted_at, symbol.calendar, breaker.opened_at, breaker.failures,
           status.epoch, status.attempts, status.stage, status.next_attempt_at,
           status.catching_up, status.latencies, status.revision,
           bar.id, bar.timeframe, bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume,
           bar.late, bar.replayed, bar.revised, bar.accepted_at, bar.request_id
      FROM scanner_app_symbolstatus status
      JOIN scanner_app_symbol symbol ON symbol.id = status.symbol_id
      JOIN scanner_app_circuitbreaker breaker ON breaker.symbol_id = status.symbol_id
      JOIN scanner_app_bar bar ON bar.symbol_id = status.symbol_id AND bar.sequence = status.head
     WHERE status.symbol_id = %s AND status.head = %s
"""

# The next head comes from the row's own columns: PostgreSQL reads those again after a wait for the lock. It does
# not repeat a sub-select on bars, which would miss bars committed meanwhile. A pause ends when no bar waits; the
# first value says that the head was held by one which the row does not know of: its worker's start.
FINISH_HEAD = """
    UPDATE scanner_app_symbolstatus
       SET cursor = head,
           head = CASE WHEN last_sequence > head THEN head + 1 END,
           catching_up = (catching_up OR %s) AND last_sequence > head,
           attempts = 0, deferrals = 0, losses = 0, stage = '{run}', next_attempt_at = NULL{also}
     WHERE symbol_id = %s AND head = %s{guard}
 RETURNING head, epoch, lane, quick_bars, revision
"""

_IN_CONTROL = f" AND epoch = %s AND attempts = %s AND stage = '{Stage.CONTROL}'"
"""What rows.in_control() asks of the row, beside its symbol and head."""

FIGURES = """,
           bars_processed = bars_processed + 1, last_bar_time = %s, last_processed_at = %s,
           latencies = %s, avg_latency_ms = %s, p95_latency_ms = %s, longest_latency_ms = %s"""

FINISH_BAR = f"""
    UPDATE scanner_app_bar
       SET status = '{BarStatus.PROCESSED}', attempts = %s, finished_at = %s, latency_ms = %s, held = %s
     WHERE id = %s
"""  # noqa: S608 - a constant of ours

# The bar is changed only if the row was: `moved` is empty otherwise.
_FINISH_HEAD_AND_FINISH_BAR = """
    WITH moved AS ({finish_head}), finished AS ({finish_bar} AND EXISTS (SELECT FROM moved))
  SELECT head, epoch, lane, quick_bars, revision FROM moved
"""

_INSERT_SIGNAL = """
    INSERT INTO scanner_app_signal
           (symbol_id, bar_id, timeframe, timestamp, detector, pattern, direction, strength, late, created_at,
            revised, withdrawn_at, detector_version, window_gaps)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

# Separate from the update, so that it reads what was committed before the update got its lock.
_READ_NEXT = """
    SELECT breaker.failures, bar.timeframe, bar.timestamp
      FROM scanner_app_circuitbreaker breaker
      JOIN scanner_app_symbol symbol ON symbol.id = breaker.symbol_id
 LEFT JOIN scanner_app_bar bar ON bar.symbol_id = symbol.id AND bar.sequence = %s
       AND symbol.enabled AND (symbol.deleted_at IS NULL OR symbol.ticker = %s)
     WHERE breaker.symbol_id = %s
"""

# NumPy reads a window's times from text twenty times faster than from datetimes. The type keeps SQLite's driver from
# making datetimes of it.
_TIME_AS_TEXT = {
    "postgresql": "to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    "sqlite": "CAST(timestamp AS TEXT)",
}

_BARS_BEFORE = f"""
    SELECT {{time}}, open, high, low, close, volume FROM scanner_app_bar
     WHERE symbol_id = %s AND timeframe = %s AND timestamp < %s AND status = '{BarStatus.PROCESSED}' {{also}}
     ORDER BY timestamp DESC LIMIT %s
"""  # noqa: S608 - a constant of ours

_BARS_SINCE = f"""
    SELECT {{time}}, open, high, low, close, volume FROM scanner_app_bar
     WHERE symbol_id = %s AND sequence >= %s AND sequence < %s AND timeframe = %s AND status = '{BarStatus.PROCESSED}'
     ORDER BY sequence
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """The stored head and the values that decide whether it may run."""

    runnable: bool  # the symbol is enabled and not deleted, or the canary, which is only hidden
    opened_at: datetime | None  # of the breaker
    epoch: int
    attempts: int
    stage: str
    next_attempt_at: datetime | None
    ticket: Ticket

    def is_live_for(self, message: Message) -> bool:
        """Whether the message may run this head. False during a control run, which has different messages."""
        return (
            self.runnable
            and self.epoch == message.epoch
            and self.attempts == message.retries
            and self.stage != Stage.CONTROL
        )


@dataclass(frozen=True, slots=True)
class NextHead:
    """The status row after the head was finished."""

    head: int | None  # sequence of the next head; None: no bar waits
    epoch: int
    lane: str
    quick_bars: int
    revision: int  # of the symbol's bars, when the head was finished


def read_head(message: Message) -> StoredHead | None:
    """The head that the message names; None if that bar is not the head."""
    row = one_row(_READ_HEAD, [message.symbol_id, message.sequence])
    if row is None:
        return None
    enabled, deleted_at, calendar, opened_at, failures, *of_status = row
    epoch, attempts, stage, next_attempt_at, catching_up, latencies, revision, *bar = of_status
    bar_id, timeframe, timestamp, *values, late, replayed, revised, accepted_at, request_id = bar
    return StoredHead(
        runnable=bool(enabled) and (deleted_at is None or message.ticker == CANARY),
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
            **dict(zip(VALUES, values, strict=True)),
            late=bool(late),
            replayed=bool(replayed),
            revised=bool(revised),
            accepted_at=utc(accepted_at),
            request_id=request_id,
            calendar=calendar,
            held=bool(catching_up),
            revision=revision,
            is_common=not failures and opened_at is None and not attempts and not (late and revised),
            latencies=orjson.loads(latencies) if isinstance(latencies, str) else latencies,
        ),
    )


def bars_before(ticket: Ticket, count: int) -> list[tuple[Any, ...]]:
    """Time, prices and volume of the last `count` processed bars of the ticket's series before it, newest first.

    The time is text, ISO 8601 in UTC without a zone.
    """
    return bars_up_to(ticket.message.symbol_id, ticket.timeframe, ticket.timestamp, count)


def bars_up_to(
    symbol_id: int, timeframe: str, end: datetime, count: int, *, before: int | None = None
) -> list[tuple[Any, ...]]:
    """The same of any series: the last `count` processed bars that open before `end`, newest first.

    `before`: only those that a run of the bar with this sequence could see.
    """
    if count <= 0:
        return []
    key = [symbol_id, timeframe, to_database(end), *([] if before is None else [before]), count]
    also = "" if before is None else "AND sequence < %s"
    return all_rows(_BARS_BEFORE.format(time=_TIME_AS_TEXT[connection.vendor], also=also), key)


def bars_since(ticket: Ticket, first: int) -> list[tuple[Any, ...]]:
    """The same of the ticket's series, in the order of their numbers, from number `first` to before the ticket's."""
    key = [ticket.message.symbol_id, first, ticket.message.sequence, ticket.timeframe]
    return all_rows(_BARS_SINCE.format(time=_TIME_AS_TEXT[connection.vendor]), key)


def finish_head(symbol_id: int, sequence: int) -> NextHead | None:
    """Finish the head and make the next bar the head; None, with nothing changed, if `sequence` is not the head."""
    return _run_move(FINISH_HEAD.format(run=Stage.RUN, also="", guard=""), [False, symbol_id, sequence])


def finish_controlled_head(message: Message) -> NextHead | None:
    """The same for a head that waits for the result of this control run; None if it does not (any more)."""
    values = [False, message.symbol_id, message.sequence, message.epoch, message.retries]
    return _run_move(FINISH_HEAD.format(run=Stage.RUN, also="", guard=_IN_CONTROL), values)


def complete_head(ticket: Ticket, figures: Figures, latency_ms: int, *, now: datetime) -> NextHead | None:
    """Finish a head that was processed: also store its result and the symbol's figures. None as in finish_head."""
    finish_head = FINISH_HEAD.format(run=Stage.RUN, also=FIGURES, guard="")
    moved, finished = completion_values(ticket, figures, latency_ms, now=now)
    if connection.vendor == "postgresql":
        both = _FINISH_HEAD_AND_FINISH_BAR.format(finish_head=finish_head, finish_bar=FINISH_BAR)
        return _run_move(both, [*moved, *finished])
    next_head = _run_move(finish_head, moved)
    if next_head is not None:
        with connection.cursor() as cursor:
            cursor.execute(FINISH_BAR, finished)
    return next_head


def completion_values(
    ticket: Ticket, figures: Figures, latency_ms: int, *, now: datetime
) -> tuple[list[Any], list[Any]]:
    """The values of FINISH_HEAD with FIGURES, up to the sequence; and those of FINISH_BAR."""
    message, done_at = ticket.message, to_database(now)
    moved = [
        ticket.held,
        to_database(ticket.timestamp),
        done_at,
        as_json(figures.latencies),
        figures.avg_ms,
        figures.p95_ms,
        figures.longest_ms,
        message.symbol_id,
        message.sequence,
    ]
    return moved, [message.retries + 1, done_at, latency_ms, ticket.held, ticket.bar_id]


def _run_move(sql: str, values: Sequence[Any]) -> NextHead | None:
    row = one_row(sql, values)
    return None if row is None else NextHead(*row)


def insert_signals(ticket: Ticket, findings: Iterable[Finding], *, now: datetime) -> None:
    """Store the detectors' findings on the bar. Without findings, nothing."""
    timestamp, created_at = to_database(ticket.timestamp), to_database(now)
    rows = [
        (
            ticket.message.symbol_id,
            ticket.bar_id,
            ticket.timeframe,
            timestamp,
            finding.detector,
            finding.pattern,
            str(finding.direction),
            finding.strength,
            ticket.late,
            created_at,
            False,  # revised and withdrawn: by re-runs alone
            None,
            finding.version,
            finding.window_gaps,
        )
        for finding in findings
    ]
    run_many(_INSERT_SIGNAL, rows)


def read_next(symbol_id: int, head: int | None) -> tuple[int, tuple[str, datetime] | None]:
    """The breaker's failures in a row, and the head's timeframe and time (None if it may not be published)."""
    # The row exists: every symbol has a breaker, and the caller has locked the symbol's status row.
    failures, timeframe, timestamp = one_row(_READ_NEXT, [head, CANARY, symbol_id])  # type: ignore[misc]
    return failures, None if timestamp is None else (timeframe, utc(timestamp))


def _maybe_utc(stored: Any) -> datetime | None:
    return None if stored is None else utc(stored)
