"""The sweeper: read which deliveries are in queues and with workers, and let the mailbox redeliver the others."""

from django.conf import settings
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.messaging import heartbeats, queue_contents, queue_names, sweep_memory
from scanner_app.telemetry import counters

HEARTBEAT_DELAY_S = 0.5
"""Added to the heartbeat's interval: the time that writing a heartbeat may take on a busy machine."""


def sweep() -> dict[str, int]:
    """Redeliver the heads that nobody holds; returns how many were found and redelivered, by kind."""
    now = timezone.now()
    due = mailbox.due_heads(now)
    # In this order: memory, queues, heartbeats. A message that moves on meanwhile is then seen in a later place.
    unqueued = sweep_memory.unqueued_since()
    queued = queue_contents.queued({queue_names.queue_name(message.ticker, row.lane) for row, message in due})
    held = {delivery for heartbeat in heartbeats.read_all().values() for delivery in heartbeat.held}
    deliveries = mailbox.DeliveryReport(
        queued=frozenset(queued),
        held=frozenset(held),
        unqueued_since=unqueued,
        outages=frozenset(sweep_memory.outages()),
        patience_s=settings.SCANNER_HEARTBEAT_S + HEARTBEAT_DELAY_S,
    )
    report = mailbox.sweep(due, deliveries, now=now)
    sweep_memory.remember_sweep(report.unqueued)
    counters.swept(report.counts())
    return report.counts()
