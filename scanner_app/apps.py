"""The Django application: it registers the checks and sets up each database connection."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

FROZEN_S = 20
"""Seconds after which PostgreSQL ends a transaction whose process asks nothing more, as the keepalives do with a dead
host. A process that is frozen in a transaction holds the lock of a symbol, for which the sweeper and every sender of
that symbol's bars wait, and for what these hold, all others."""


class ScannerConfig(AppConfig):
    """The scanner."""

    name = "scanner_app"
    verbose_name = "Market scanner"

    def ready(self) -> None:
        """Register the system checks and connect the signals."""
        from scanner_app import checks  # noqa: F401, PLC0415 - registers them; the registry must be ready
        from scanner_app.accounts import changes  # noqa: PLC0415 - needs the models

        connection_created.connect(_raise_variable_limit)
        changes.connect()
        connection_created.connect(_limit_frozen_transactions)
        connection_created.connect(_read_times_quickly)


def _raise_variable_limit(connection: Any, **_: Any) -> None:
    """Let Django use as many variables in one statement as this SQLite accepts.

    Django 5.2 assumes 999, the default of old versions of SQLite, and would cut a chunk of bars into many inserts.
    """
    if connection.vendor == "sqlite":
        import sqlite3  # noqa: PLC0415 - not on PostgreSQL

        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = limit


def _limit_frozen_transactions(connection: Any, **_: Any) -> None:
    """Let PostgreSQL end the transaction of a frozen process. One that goes on meets an outage, and runs again."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_S}s'")


def _read_times_quickly(connection: Any, **_: Any) -> None:
    """Read PostgreSQL's times by datetime itself; psycopg's own way takes four times as long, in Python."""
    if connection.vendor == "postgresql":
        connection.connection.adapters.register_loader("timestamptz", _time_loader())


@cache
def _time_loader() -> type:
    from psycopg.adapt import Loader  # noqa: PLC0415 - not on SQLite

    class TimeLoader(Loader):
        """Times with their offset, as PostgreSQL writes them."""

        timezone = UTC  # Django puts a loader of its own in place of one of another zone

        def load(self, data: Any) -> datetime:
            """The time, in UTC: that is the zone of the connection."""
            return datetime.fromisoformat(bytes(data).decode())

    return TimeLoader
