"""The sweeper: read which deliveries are in queues and with workers, and let the mailbox redeliver the others."""

from django.conf import settings
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.messaging import heartbeats, queue_contents, queue_names, ready_lists, sweep_memory
from scanner_app.telemetry import counters

HEARTBEAT_DELAY_S = 0.5
"""Added to the heartbeat's interval: the time that writing a heartbeat may take on a busy machine."""


def sweep() -> dict[str, int]:
    """Redeliver the heads that nobody holds; returns how many were found and redelivered, by kind."""
    now = timezone.now()
    # In this order: memory, ready lists, queues, heartbeats. A message that moves on meanwhile is then seen in a later
    # place. A head whose queue is named is not looked for: as long as the name is there, no worker has come to it.
    unqueued, unnamed, emptied = sweep_memory.unqueued_since(), sweep_memory.unnamed(), sweep_memory.emptied()
    due = mailbox.due_heads(now, named=ready_lists.named())
    queued = queue_contents.queued({queue_names.queue_name(message.ticker, row.lane) for row, message in due})
    held = {delivery for heartbeat in heartbeats.read_all().values() for delivery in heartbeat.held}
    # These messages had no name in the last sweep either: a worker died between name and message, or one was published
    # before ready lists were there. They are not lost: the name is all that they lack.
    ready_lists.add({queue for delivery, queue in queued.items() if delivery in unnamed})
    if emptied is None:
        # The broker was emptied, perhaps again and again while no worker had come to these: not their fault.
        emptied = {message.identity for _, message in due}
    deliveries = mailbox.DeliveryReport(
        queued=frozenset(queued),
        held=frozenset(held),
        unqueued_since=unqueued,
        outages=frozenset(sweep_memory.outages() | emptied),
        patience_s=settings.SCANNER_HEARTBEAT_S + HEARTBEAT_DELAY_S,
    )
    report = mailbox.sweep(due, deliveries, now=now)
    sweep_memory.remember_sweep(report.unqueued, unnamed=queued, emptied=emptied & report.unqueued.keys())
    counters.swept(report.counts())
    return report.counts()
