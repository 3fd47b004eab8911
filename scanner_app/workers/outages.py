"""The errors that mean an outage: our own database or broker is away. They never count against a bar."""

from django.db import InterfaceError, NotSupportedError, OperationalError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

OUTAGES: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    NotSupportedError,
    BrokerError,
    ConnectionError,
)
"""What a run meets outside of its detectors when our own database or broker is away.

NotSupportedError comes from a statement that PostgreSQL prepared before a migration. A fresh connection has no such
statements, so it is handled like a lost connection.
"""

AWAY: tuple[type[Exception], ...] = (*OUTAGES, RedisError)
"""The same for upkeep tasks, which also use Redis directly."""
