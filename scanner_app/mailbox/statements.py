"""Statements written by hand: how they are run, and how times go in and out.

The statements are in sql.py, sql_accept.py, sql_derived.py, at_once.py and hits.py.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections


def one_row(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement returns."""
    rows = all_rows(sql, values)
    return rows[0] if rows else None


def all_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows that a statement returns. Its text is always the same, so PostgreSQL plans it once for a connection."""
    with _cursor() as (cursor, text, options):
        cursor.execute(text(sql), values, **options)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def run_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement once for each row of values; on PostgreSQL in one round trip, with a plan that it keeps."""
    if rows:
        with _cursor() as (cursor, text, _):
            cursor.executemany(text(sql), rows)


@contextmanager
def _cursor() -> Iterator[tuple[Any, Callable[[str], str], dict[str, bool]]]:
    """A cursor of the driver's own, how it wants a statement's text, and options for its `execute`.

    Django's cursors rewrite a statement each time, which takes a tenth of a bar's processor time. On PostgreSQL they
    also write the values into the text, so that it can't keep a plan; they are used there without
    SCANNER_PREPARED_STATEMENTS.
    """
    database = connections[DEFAULT_DB_ALIAS]  # the connection itself: its proxy looks for it at each attribute
    database.close_if_health_check_failed()
    database.ensure_connection()
    if database.vendor == "sqlite":
        with database.wrap_database_errors, closing(database.connection.cursor()) as cursor:
            yield cursor, _with_question_marks, {}
    elif settings.SCANNER_PREPARED_STATEMENTS:
        import psycopg  # noqa: PLC0415 - needed on PostgreSQL alone

        with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
            yield cursor, str, {"prepare": True}
    else:
        with database.cursor() as cursor:
            yield cursor, str, {}


@lru_cache
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")


def as_json(value: object) -> str:
    """A value of a JSON column."""
    return orjson.dumps(value).decode()


def to_database(time: datetime) -> Any:
    """An aware time in the form that a statement written by hand must give to the database."""
    if connection.vendor == "sqlite":  # as adapt_datetimefield_value() does, which is slow
        return str(time.astimezone(UTC).replace(tzinfo=None))
    return time


def null_or_time(time: datetime | None) -> Any:
    """The same of a time that may be missing."""
    return None if time is None else to_database(time)


def utc(stored: Any) -> datetime:
    """The aware time for a time that a statement written by hand returned: SQLite returns naive ones, or text."""
    time = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
