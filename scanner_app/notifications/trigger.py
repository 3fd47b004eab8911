"""Trigger the notify worker after the commit: one try, never an error. Beat triggers it every 10 s anyway."""

import structlog
from django.db import transaction

from scanner_app.domain.worker_roles import Role
from scanner_app.messaging import producer, task_names

log = structlog.get_logger(__name__)

EXPIRES_S = 60
"""After this time the message is useless: beat has triggered several deliveries since."""


def trigger_after_commit() -> None:
    """Trigger a delivery once the current transaction is committed; at once without one."""
    # A lambda, since a partial that fails there makes Django 5.2 skip the other callbacks.
    transaction.on_commit(
        lambda: trigger_delivery(),  # noqa: PLW0108 - looked up when called, so that tests can replace it
        robust=True,
    )


def trigger_delivery() -> bool:
    """Publish the delivery task; False: the broker did not accept it."""
    try:
        producer.send(task_names.DELIVER, queue=Role.NOTIFY, expires=EXPIRES_S)
    except producer.UNREACHABLE as exc:
        log.warning("delivery_not_asked_for", error=str(exc))
        return False
    return True
