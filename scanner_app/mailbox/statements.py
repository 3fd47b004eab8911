"""Statements written by hand: how they are run, and how times go in and out. The statements are in mailbox/sql.py."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection


def one_row(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement returns."""
    rows = all_rows(sql, values)
    return rows[0] if rows else None


def all_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows that a statement returns. Its text is always the same, so PostgreSQL plans it once for a connection."""
    with _cursor() as (cursor, options):
        cursor.execute(sql, values, **options)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def run_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement once for each row of values; on PostgreSQL in one round trip, with a plan that it keeps."""
    if rows:
        with _cursor() as (cursor, _):
            cursor.executemany(sql, rows)


@contextmanager
def _cursor() -> Iterator[tuple[Any, dict[str, bool]]]:
    """A cursor of Django's connection, and the options with which its `execute` has PostgreSQL keep the plan.

    Django's own cursors write the values into the statement's text, so PostgreSQL can't keep a plan for it. They are
    used without SCANNER_PREPARED_STATEMENTS, and on SQLite.
    """
    if connection.vendor == "postgresql" and settings.SCANNER_PREPARED_STATEMENTS:
        import psycopg  # noqa: PLC0415 - needed on PostgreSQL alone

        connection.close_if_health_check_failed()
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            yield cursor, {"prepare": True}
    else:
        with connection.cursor() as cursor:
            yield cursor, {}


def to_database(time: datetime) -> Any:
    """An aware time in the form that a statement written by hand must give to the database."""
    return connection.ops.adapt_datetimefield_value(time)


def utc(stored: Any) -> datetime:
    """The aware time for a time that a statement written by hand returned: SQLite returns naive ones, or text."""
    time = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
