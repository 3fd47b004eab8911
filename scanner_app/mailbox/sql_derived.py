"""The SQL of derived bars that runs with every base bar, written by hand: the ORM took most of what they cost.

read_symbol     what decides which bars are made, of one symbol
series_of       how far its series are
save_progress   how far series are now
"""

from collections.abc import Iterable

import orjson

from scanner_app.mailbox.statements import null_or_time, one_row, run_many, to_database
from scanner_app.models import DerivedSeries

_READ_SYMBOL = """
    SELECT symbol.ticker, symbol.calendar, status.newest
      FROM scanner_app_symbol symbol JOIN scanner_app_symbolstatus status ON status.symbol_id = symbol.id
     WHERE symbol.id = %s
"""

_SERIES = "SELECT * FROM scanner_app_derivedseries WHERE symbol_id = %s"

_SAVE_PROGRESS = """
    INSERT INTO scanner_app_derivedseries (symbol_id, timeframe, base, since, open_at, due_at)
    VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (symbol_id, timeframe) DO UPDATE
       SET base = excluded.base, open_at = excluded.open_at, due_at = excluded.due_at
"""


def read_symbol(symbol_id: int) -> tuple[str, str, dict[str, str]] | None:
    """Its ticker, its own calendar ("": none), and by timeframe the time of its newest bar; None: there is none."""
    row = one_row(_READ_SYMBOL, [symbol_id])
    if row is None:
        return None
    ticker, calendar, newest = row
    return ticker, calendar, orjson.loads(newest) if isinstance(newest, str) else newest


def series_of(symbol_id: int) -> dict[str, DerivedSeries]:
    """The symbol's derived series, by timeframe."""
    return {row.timeframe: row for row in DerivedSeries.objects.raw(_SERIES, [symbol_id])}


def save_progress(rows: Iterable[DerivedSeries]) -> None:
    """Store how far series are: new ones wholly, of known ones their base and their open period."""
    run_many(
        _SAVE_PROGRESS,
        [
            (
                row.symbol_id,
                row.timeframe,
                row.base,
                to_database(row.since),
                null_or_time(row.open_at),
                null_or_time(row.due_at),
            )
            for row in rows
        ],
    )
