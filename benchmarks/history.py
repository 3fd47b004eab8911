"""Bars that a scanner processed long ago, made by the database itself: millions in a minute or two."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import SymbolStatus

BYTES = 450
"""Of a bar with its indexes, on either database, and some to spare: what the disk must have room for, twice over."""

CHUNK = 100_000
"""Bars of one transaction: on SQLite the scanner's own writes wait for it, for about a second."""

ENDED = timedelta(days=101)
"""How long ago the history ended: before a feed's bars of 100 days ago begin."""

_COLUMNS = """
    symbol_id, timeframe, timestamp, open, high, low, close, volume, sequence, status,
    late, replayed, held, attempts, accepted_at, finished_at, latency_ms
"""

# The prices go up and down as those of a feed do. Placeholders: symbol, first, last, and on PostgreSQL the beginning.
_POSTGRESQL = f"""
    INSERT INTO scanner_app_bar ({_COLUMNS})
    SELECT %(symbol)s, '1s', at, 100 + n * 7 %% 13, 102 + n * 7 %% 13, 98 + n * 7 %% 13, 101 + n * 7 %% 13, 1000, n,
           'processed', false, false, false, 1, at, at, 1
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
   LATERAL (SELECT %(began)s::timestamptz + n * interval '1 second' AS at) AS times
"""  # noqa: S608 - our own columns

_SQLITE = f"""
    INSERT INTO scanner_app_bar ({_COLUMNS})
      WITH RECURSIVE numbers(n) AS (VALUES (%(first)s) UNION ALL SELECT n + 1 FROM numbers WHERE n < %(last)s),
           times(n, at) AS (SELECT n, strftime('%%Y-%%m-%%d %%H:%%M:%%S', %(began)s + n, 'unixepoch') FROM numbers)
    SELECT %(symbol)s, '1s', at, 100 + n * 7 %% 13, 102 + n * 7 %% 13, 98 + n * 7 %% 13, 101 + n * 7 %% 13, 1000, n,
           'processed', 0, 0, 0, 1, at, at, 1
      FROM times
"""  # noqa: S608 - as above


def write_history(tickers: Sequence[str], bars: int) -> None:
    """Make these symbols, with so many processed bars of one a second, the same number of each, as their log so far.

    Raises RuntimeError if the disk has no room for them, or a symbol is there already.
    """
    _check_room(bars)
    if len(create_symbols(tickers, at_most=len(tickers), now=timezone.now()).created) < len(tickers):
        raise RuntimeError("the symbols of a history must be new")
    each = bars // len(tickers)
    ended = datetime.now(UTC).replace(microsecond=0) - ENDED
    began = ended - timedelta(seconds=each)
    rows = SymbolStatus.objects.filter(symbol__ticker__in=tickers)
    for symbol in rows.values_list("symbol_id", flat=True).order_by("symbol_id"):
        for first, last in _chunks(each):
            _insert(symbol, first, last, began)
    rows.update(last_sequence=each, cursor=each, bars_processed=each, newest={"1s": ended.isoformat()})
    _settle()


def _chunks(bars: int) -> Iterator[tuple[int, int]]:
    """First and last number of each transaction's bars, from 1."""
    for first in range(1, bars + 1, CHUNK):
        yield first, min(first + CHUNK - 1, bars)


def _insert(symbol: int, first: int, last: int, began: datetime) -> None:
    values = {"symbol": symbol, "first": first, "last": last}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL, {**values, "began": began})
        else:
            cursor.execute(_SQLITE, {**values, "began": int(began.timestamp())})


def _settle() -> None:
    """What the database would else do on its own in the middle of the measurement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE) scanner_app_bar")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check_room(bars: int) -> None:
    # A server of another machine has a disk that can't be seen from here.
    folder = "/" if connection.vendor == "postgresql" else str(settings.DATABASES["default"]["NAME"]).rpartition("/")[0]
    disk = os.statvfs(folder)
    if (free := disk.f_bavail * disk.f_frsize) < 2 * bars * BYTES:
        raise RuntimeError(f"{bars:,} bars need {2 * bars * BYTES / 1e9:.1f} GB; {folder} has {free / 1e9:.1f} GB")
