"""How far the workers' clocks are off the database's, which all times are compared with.

The parent process of a worker can't ask the database. So its heartbeat says how far its clock is off the broker's, and
whoever reads that compares broker and database.
"""

import time
from collections.abc import Mapping

from django.db import connection

from scanner_app.messaging import heartbeats
from scanner_app.messaging.heartbeats import Heartbeat


def database_ahead_s() -> float:
    """How far the database's clock is ahead of this process's, in seconds. SQLite's is this machine's: 0."""
    if connection.vendor == "sqlite":
        return 0.0
    with connection.cursor() as cursor:
        asked = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0]) - (asked + time.time()) / 2


def workers_ahead_s(living: Mapping[str, Heartbeat]) -> dict[str, float]:
    """How far each worker's clock is ahead of the database's, in seconds, by name; without those that don't say.

    Two questions, whatever the number of workers. Raises what broker and database raise.
    """
    known = {name: one.clock_ahead_s for name, one in living.items() if one.clock_ahead_s is not None}
    if not known:
        return {}
    database_to_broker_s = heartbeats.clock_ahead_s() + database_ahead_s()
    return {name: round(ahead_s - database_to_broker_s, 3) for name, ahead_s in known.items()}
