"""The common completion as one statement, on PostgreSQL: four round trips less than the transaction of run.complete().

Common is the first run of a head in the main lane, with no failure before it that its success would have to clear. The
guard names everything that this rests on: while head, epoch and attempts are those of the message, nobody has written
the breaker, since each failure and each operator's action changes one of the three in the same transaction. If the
guard does not match, nothing is changed, and run.complete() looks at the row under its lock.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection

from scanner_app.detectors import Finding
from scanner_app.domain.enums import Lane, Stage
from scanner_app.domain.latency import Figures
from scanner_app.mailbox import sql
from scanner_app.mailbox.statements import one_row, to_database, utc
from scanner_app.mailbox.tickets import Ticket

Following = tuple[str, datetime] | None
"""Timeframe and time of the next head; None while it may not be published."""

_GUARD = f" AND epoch = %s AND attempts = 0 AND stage = '{Stage.RUN}' AND lane = '{Lane.MAIN}' AND revision = %s"

# The effects read the row that was moved, so there are none without it. The next head's bar may be missing although it
# is there: one that was committed while the update waited for the lock is not in this statement's snapshot.
_COMPLETE = f"""
    WITH moved AS ({sql.FINISH_HEAD.format(run=Stage.RUN, also=sql.FIGURES, guard=_GUARD)}, symbol_id),
         finished AS ({sql.FINISH_BAR} AND EXISTS (SELECT FROM moved)),
         found AS (
             INSERT INTO scanner_app_signal
                    (symbol_id, bar_id, timeframe, timestamp, detector, pattern, direction, strength, late, created_at,
                     revised, withdrawn_at, detector_version, window_gaps)
             SELECT moved.symbol_id, %s, %s, %s, detector, pattern, direction, strength, %s, %s,
                    FALSE, NULL, version, window_gaps
               FROM moved, unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::text[], %s::int[])
                    AS finding (detector, pattern, direction, strength, version, window_gaps))
  SELECT moved.head, moved.epoch, moved.lane, moved.quick_bars, moved.revision, bar.timeframe, bar.timestamp
    FROM moved JOIN scanner_app_symbol symbol ON symbol.id = moved.symbol_id
LEFT JOIN scanner_app_bar bar ON bar.symbol_id = moved.symbol_id AND bar.sequence = moved.head
     AND symbol.enabled AND symbol.deleted_at IS NULL
"""  # noqa: S608 - constants of ours


def complete(
    ticket: Ticket, findings: Iterable[Finding], figures: Figures, latency_ms: int, *, now: datetime, run_s: float
) -> tuple[sql.NextHead, Following] | None:
    """Complete a common head. None, with nothing changed: it is not common, or no longer, or the database is SQLite."""
    is_slow = run_s >= settings.SCANNER_SLOW_RUN_S  # its symbol has to change its lane
    if connection.vendor != "postgresql" or is_slow or not ticket.is_common:
        return None
    message = ticket.message
    moved, finished = sql.completion_values(ticket, figures, latency_ms, now=now)
    of_bar = [ticket.bar_id, ticket.timeframe, to_database(ticket.timestamp), ticket.late, to_database(now)]
    row = one_row(_COMPLETE, [*moved, message.epoch, ticket.revision, *finished, *of_bar, *_columns(findings)])
    if row is None:
        return None
    *moved_row, timeframe, timestamp = row
    next_head = sql.NextHead(*moved_row)
    if timestamp is not None:
        return next_head, (timeframe, utc(timestamp))
    if next_head.head is None:
        return next_head, None
    return next_head, sql.read_next(message.symbol_id, next_head.head)[1]


def _columns(findings: Iterable[Finding]) -> list[list[object]]:
    """The findings' values by column, as the statement's unnest() takes them."""
    rows = [
        (one.detector, one.pattern, str(one.direction), float(one.strength), one.version, one.window_gaps)
        for one in findings
    ]
    return [[row[place] for row in rows] for place in range(6)]
