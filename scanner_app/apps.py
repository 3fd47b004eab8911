"""The Django application: it registers the checks and sets up each database connection."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ScannerConfig(AppConfig):
    """The scanner."""

    name = "scanner_app"
    verbose_name = "Market scanner"

    def ready(self) -> None:
        """Register the system checks and connect the signals."""
        from scanner_app import checks  # noqa: F401, PLC0415 - registers them; the registry must be ready

        connection_created.connect(_raise_variable_limit)


def _raise_variable_limit(connection: Any, **_: Any) -> None:
    """Let Django use as many variables in one statement as this SQLite accepts.

    Django 5.2 assumes 999, the default of old versions of SQLite, and would cut a chunk of bars into many inserts.
    """
    if connection.vendor == "sqlite":
        import sqlite3  # noqa: PLC0415 - not on PostgreSQL

        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = limit
