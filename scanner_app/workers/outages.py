"""The errors that mean an outage: our own database or broker is away. They never count against a bar."""

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, InternalError, NotSupportedError, OperationalError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

OUTAGES: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    BrokerError,
    ConnectionError,
)
"""What a run meets outside of its detectors when our own database or broker is away.

NotSupportedError comes from a statement that PostgreSQL prepared before a migration. A fresh connection has no such
statements, so it is handled like a lost connection. InternalError comes from a server that has ended a transaction
because its process was frozen (apps.py), or that takes no writes since another has taken over from it.
"""

IN_A_RUN: tuple[type[Exception], ...] = (*OUTAGES, SoftTimeLimitExceeded)
"""The same for a run, where no detector raised it: also too slow for the limit."""

AWAY: tuple[type[Exception], ...] = (*OUTAGES, RedisError)
"""The same for upkeep tasks, which also use Redis directly."""
