"""Ask the notify worker to deliver: after the commit, one try, never an error. Beat asks every 10 s anyway."""

import structlog
from django.db import transaction

from scanner_app.domain.worker_roles import Role
from scanner_app.messaging import producer, task_names

log = structlog.get_logger(__name__)

EXPIRES_S = 60
"""Asked for in vain for so long, it is worth nothing: beat has asked again and again."""


def trigger_after_commit() -> None:
    """Ask once the transaction at hand is committed; at once without one."""
    # A lambda, since a partial that fails there makes Django 5.2 skip the other callbacks.
    transaction.on_commit(
        lambda: trigger_delivery(),  # noqa: PLW0108 - found when called, so that tests can replace it
        robust=True,
    )


def trigger_delivery() -> bool:
    """Publish the task; False: the broker did not take it."""
    try:
        producer.send(task_names.DELIVER, queue=Role.NOTIFY, expires=EXPIRES_S)
    except producer.UNREACHABLE as exc:
        log.warning("delivery_not_asked_for", error=str(exc))
        return False
    return True
