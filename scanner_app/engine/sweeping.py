"""The sweeper's look at broker and workers, and what the mailbox makes of it."""

from django.conf import settings
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.messaging import heartbeats, queue_contents, queue_names, sweep_memory
from scanner_app.telemetry import counters

HEARTBEAT_DELAY_S = 0.5
"""Beyond a heartbeat's interval: the time that writing one may take on a busy machine."""


def sweep() -> dict[str, int]:
    """Publish again the heads that nobody holds; returns what was found and done, by kind."""
    now = timezone.now()
    due = mailbox.due_heads(now)
    # The memory first, then queues, then heartbeats: what moves on meanwhile is seen in a later place.
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
