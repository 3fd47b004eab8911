"""How far the workers' clocks are off the database's, which all times are compared with.

The parent process of a worker can't ask the database. So it tells how far it is off the broker's clock, and who
reads that asks both.
"""

import time
from collections.abc import Mapping
from typing import Any

from django.db import connection

from scanner_app.messaging import broker


def database_clock_s() -> float:
    """How far the database's clock is ahead of this process's, in seconds. SQLite's is this machine's: 0."""
    if connection.vendor == "sqlite":
        return 0.0
    with connection.cursor() as cursor:
        asked = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0]) - (asked + time.time()) / 2


def off_s(tells: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How far each worker's clock is ahead of the database's, in seconds, by name; without those that don't tell.

    Two questions, whatever the number of workers. Raises what broker and database raise.
    """
    told = {name: tell["clock_s"] for name, tell in tells.items() if tell.get("clock_s") is not None}
    if not told:
        return {}
    database_to_broker_s = broker.clock_s() + database_clock_s()
    return {name: round(clock_s - database_to_broker_s, 3) for name, clock_s in told.items()}
