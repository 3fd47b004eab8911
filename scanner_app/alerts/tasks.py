"""The Celery task of the notify worker, thin."""

from celery import shared_task
from django.utils import timezone

from scanner_app.alerts import deliver

SOFT_LIMIT_S = 60
"""Well above deliver.RUN_FOR and one message's time-outs: only a server that answers in drops meets it."""

HARD_LIMIT_S = 75
"""Below deliver.LEASE."""


@shared_task(name="scanner.deliver", soft_time_limit=SOFT_LIMIT_S, time_limit=HARD_LIMIT_S, ignore_result=True)
def deliver_notifications() -> dict[str, int]:
    """Send the notifications that are due. Safe to run twice, also at the same time."""
    return deliver.run(timezone.now)
