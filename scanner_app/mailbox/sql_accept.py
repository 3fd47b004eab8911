"""The SQL of a call that accepts bars, written by hand. With the ORM, building it took three quarters of the time.

known_tickers   which of the symbols there are
lock_rows       the status rows of the symbols, locked, with their symbols and breakers
known_bars      which of the bars are stored already
insert_bars     the new bars
revise_bars     new values of stored ones
store_numbers   a status row's sequence, head and due time after bars were accepted
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection

from scanner_app.mailbox.statements import as_json, null_or_time, run_many, to_database
from scanner_app.models import Bar, CircuitBreaker, Symbol, SymbolStatus

_KNOWN_TICKERS = "SELECT ticker FROM scanner_app_symbol WHERE ticker IN ({places})"

# The columns that are left out are the largest, and of no use to a call that accepts bars.
_LOCK_ROWS = """
    SELECT {columns}
      FROM scanner_app_symbolstatus status JOIN scanner_app_symbol symbol ON symbol.id = status.symbol_id
     WHERE symbol.ticker IN ({places})
     ORDER BY symbol.ticker {lock}
""".replace(
    "{columns}",
    ", ".join(
        f"status.{field.column}"
        for field in SymbolStatus._meta.concrete_fields  # noqa: SLF001 - Django's name for a public interface
        if field.name not in {"latencies", "last_error"}
    ),
)

_SYMBOLS = "SELECT * FROM scanner_app_symbol WHERE id IN ({places})"

_BREAKERS = "SELECT * FROM scanner_app_circuitbreaker WHERE symbol_id IN ({places})"

# CROSS JOIN makes SQLite look up each key by index; with IN it would scan all bars.
_KNOWN_BARS = """
    WITH keys (symbol_id, timeframe, timestamp) AS (VALUES {keys})
  SELECT bar.* FROM keys CROSS JOIN scanner_app_bar bar
   WHERE bar.symbol_id = keys.symbol_id AND bar.timeframe = keys.timeframe AND bar.timestamp = keys.timestamp
"""

_INSERT_BAR = """
    INSERT INTO scanner_app_bar
           (symbol_id, timeframe, timestamp, open, high, low, close, volume, sequence, status, late, replayed, held,
            revised, assumed, derived, attempts, accepted_at, finished_at, latency_ms, request_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_REVISE_BAR = """
    UPDATE scanner_app_bar
       SET open = %s, high = %s, low = %s, close = %s, volume = %s, revised = %s, assumed = %s,
           derived = %s
     WHERE id = %s
"""

_STORE_NUMBERS = """
    UPDATE scanner_app_symbolstatus
       SET last_sequence = %s, revision = %s, newest = %s, watched = %s, head = %s, next_attempt_at = %s,
           catching_up = %s
     WHERE symbol_id = %s
"""


def known_tickers(tickers: Collection[str]) -> set[str]:
    """Those of the tickers that are symbols, also deleted ones."""
    if not tickers:
        return set()
    # By Django's cursor: PostgreSQL would keep another plan for each number of tickers.
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_TICKERS.format(places=_places(tickers)), list(tickers))
        return {ticker for (ticker,) in cursor.fetchall()}


def lock_rows(tickers: Collection[str]) -> list[SymbolStatus]:
    """The status rows of these symbols in the order of tickers, locked, each with its symbol and the symbol's breaker.

    Without the columns latencies and last_error.
    """
    if not tickers:
        return []
    # On SQLite the transaction itself, being IMMEDIATE, holds the lock already.
    lock = "FOR UPDATE OF status" if connection.vendor == "postgresql" else ""
    rows = list(SymbolStatus.objects.raw(_LOCK_ROWS.format(places=_places(tickers), lock=lock), list(tickers)))
    if not rows:
        return []
    # Separate queries: PostgreSQL does not read a joined row again after a wait for the lock.
    ids = [row.symbol_id for row in rows]
    symbols = {symbol.pk: symbol for symbol in Symbol.objects.raw(_SYMBOLS.format(places=_places(ids)), ids)}
    for breaker in CircuitBreaker.objects.raw(_BREAKERS.format(places=_places(ids)), ids):
        symbols[breaker.symbol_id].breaker = breaker
    for row in rows:
        row.symbol = symbols[row.symbol_id]
    return rows


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def known_bars(keys: Sequence[tuple[int, str, datetime]]) -> Iterable[Bar]:
    """The stored bars with these keys (symbol id, timeframe, time); empty without keys."""
    if not keys:
        return []
    sql = known_bars_sql(len(keys))
    values = [value for symbol_id, timeframe, time in keys for value in (symbol_id, timeframe, to_database(time))]
    return Bar.objects.raw(sql, values)


def known_bars_sql(keys: int) -> str:
    """The statement of known_bars for this number of keys."""
    return _KNOWN_BARS.format(keys=", ".join(["(%s, %s, %s)"] * keys))


def insert_bars(bars: Iterable[Bar]) -> None:
    """Store new bars in the order given. The objects do not get their ids."""
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
            bar.revised,
            bar.assumed,
            bar.derived,
            bar.attempts,
            to_database(bar.accepted_at),
            null_or_time(bar.finished_at),
            bar.latency_ms,
            bar.request_id,
        )
        for bar in bars
    ]
    run_many(_INSERT_BAR, rows)


def revise_bars(bars: Iterable[Bar]) -> None:
    """Store new values of bars. The caller holds the locks of their symbols' status rows."""
    rows = [
        (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.revised, bar.assumed, bar.derived, bar.pk)
        for bar in sorted(bars, key=lambda bar: bar.pk)
    ]
    run_many(_REVISE_BAR, rows)


def store_numbers(rows: Iterable[SymbolStatus]) -> None:
    """Store each row's last sequence, head and due time. The caller holds the rows' locks."""
    run_many(
        _STORE_NUMBERS,
        [
            (
                row.last_sequence,
                row.revision,
                as_json(row.newest),
                as_json(row.watched),
                row.head,
                null_or_time(row.next_attempt_at),
                row.catching_up,
                row.symbol_id,
            )
            for row in rows
        ],
    )
