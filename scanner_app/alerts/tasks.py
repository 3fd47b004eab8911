"""The Celery tasks of the alerts, thin."""

import structlog
from celery import shared_task
from django.utils import timezone
from redis.exceptions import RedisError

from scanner_app.alerts import evaluate, gather, watcher_ping
from scanner_app.messaging import broker
from scanner_app.notifications import delivery
from scanner_app.workers.upkeep import UpkeepTask

log = structlog.get_logger(__name__)

SOFT_LIMIT_S = 60
"""Well above deliver.RUN_FOR and one message's time-outs: only a server that answers in drops meets it."""

HARD_LIMIT_S = 75
"""Below deliver.LEASE."""

WATCH_LIMIT_S = 30
"""A thousand symbols take a fraction of a second; a broker that hangs costs some times its 2 s."""

PING_LIMIT_S = 30
"""Above all of ping.TIMEOUT_S's waits, redirects included."""

WATCH_TASK = "scanner.watch"


@shared_task(name="scanner.deliver", soft_time_limit=SOFT_LIMIT_S, time_limit=HARD_LIMIT_S, ignore_result=True)
def deliver_notifications() -> dict[str, int]:
    """Send the notifications that are due. Safe to run twice, also at the same time."""
    return delivery.run(timezone.now)


@shared_task(base=UpkeepTask, name=WATCH_TASK, time_limit=WATCH_LIMIT_S, ignore_result=True)
def watch(by: str = "") -> dict[str, int]:
    """Evaluate the alert rules; `by` is who asks. Safe to run twice, also at the same time."""
    report = evaluate.run(gather.gather(timezone.now(), by_beat=by == "beat"))
    if not report.superseded:  # else nothing was judged: whoever did it has remembered it
        _remember()
    return report.counts()


def _remember() -> None:
    try:
        broker.remember_watch()
    except RedisError as exc:
        log.warning("watch_not_remembered", error=str(exc))


@shared_task(name="scanner.ping", time_limit=PING_LIMIT_S, ignore_result=True)
def ping_watcher() -> str:
    """Tell the watcher outside that all is well, if it is."""
    return watcher_ping.run(timezone.now())
