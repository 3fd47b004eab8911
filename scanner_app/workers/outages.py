"""What is raised when something of ours is away: no bar's fault, and no task's."""

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
"""What our own database or broker raise when they are away: no bar's fault, outside a detector.

NotSupportedError is a statement that was prepared before a migration: a fresh connection has none.
"""


AWAY: tuple[type[Exception], ...] = (*OUTAGES, RedisError)
