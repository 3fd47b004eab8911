"""How far the workers' clocks differ from the database's, which is the reference for all times.

A worker's parent process can't query the database. So its heartbeat has the difference to the broker's clock, and the
reader of the heartbeat adds the difference between broker and database.
"""

import time
from collections.abc import Mapping

from django.db import connection

from scanner_app.messaging import heartbeats
from scanner_app.messaging.heartbeats import Heartbeat


def database_ahead_s() -> float:
    """How far the database's clock is ahead of this process's, in s; 0 for SQLite, which has no clock of its own."""
    if connection.vendor == "sqlite":
        return 0.0
    with connection.cursor() as cursor:
        began = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0]) - (began + time.time()) / 2


def workers_ahead_s(living: Mapping[str, Heartbeat]) -> dict[str, float]:
    """How far each worker's clock is ahead of the database's, in s, by the worker's name.

    Workers whose heartbeat has no clock difference are left out. One request to broker and database each, whatever the
    number of workers. Raises what they raise.
    """
    known = {name: one.clock_ahead_s for name, one in living.items() if one.clock_ahead_s is not None}
    if not known:
        return {}
    database_to_broker_s = heartbeats.clock_ahead_s() + database_ahead_s()
    return {name: round(ahead_s - database_to_broker_s, 3) for name, ahead_s in known.items()}
