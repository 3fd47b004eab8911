"""The names of all queues. Workers do not know them: they wait on their lane's ready list alone."""

from django.db import connection

from scanner_app.domain.worker_roles import LANE_ROLES, Role
from scanner_app.messaging.queue_names import queue_name
from scanner_app.models import Symbol


def queue_names() -> list[str]:
    """Every symbol's queue and those of the roles that run no bars, sorted. One query, on a connection of its own.

    A symbol in the slow lane has two, since its main one may still have a message. Raises what the database raises.
    """
    symbols = Symbol.objects.filter(deleted_at=None).values_list("ticker", "status__lane")
    try:
        names = {name for ticker, lane in symbols for name in (queue_name(ticker), queue_name(ticker, lane))}
    finally:
        connection.close()  # it is asked for by hand, now and then: not worth a connection that is kept
    return sorted(names) + [role.value for role in Role if role not in LANE_ROLES]
