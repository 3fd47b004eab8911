"""Find heads that nobody is working on, and publish them again.

The sweeper relies on the ready lists, the queues and the workers' heartbeats, so it can be wrong: a message taken from
its queue after the worker's last heartbeat appears in none of them. It therefore waits for one more heartbeat after a
message has left its queue. A mistake then still costs one wasted run, never a bar.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from scanner_app.mailbox.failure import killed
from scanner_app.mailbox.heads import message_of
from scanner_app.mailbox.rows import RUNNABLE, in_control, live_head
from scanner_app.messaging.messages import Message
from scanner_app.messaging.publisher import publish
from scanner_app.messaging.queue_names import queue_name
from scanner_app.models import Bar, SymbolStatus

log = structlog.get_logger(__name__)

OVERDUE = timedelta(seconds=5)
"""A retry is on a worker's timer until its time. The sweeper looks for it only once it is this late."""

CHUNK = 500
"""Heads that are read with one query."""

MAX_LOSSES = 3
"""A head that is lost with its worker so many times in a row counts as failed: it may be what kills the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """Where the deliveries are at one moment, by the queues and the workers' heartbeats."""

    queued: frozenset[str]  # identities of the deliveries that are in a queue
    held: frozenset[str]  # identities in living workers' heartbeats
    outages: frozenset[str] = frozenset()  # identities that an outage of our own lost, or ended their last run
    unqueued_since: Mapping[str, float]  # identity -> unix s when a sweep first saw it in no queue
    patience_s: float  # a delivery that left its queue less than this ago is assumed to be with a worker


@dataclass(slots=True)
class SweepReport:
    """What a sweep found and did, by kind."""

    heads: int = 0  # due heads whose queue no ready list names
    lost: int = 0  # of them in no queue and with no worker
    idle: int = 0  # symbols that had a backlog but no head: they have one now
    published: int = 0  # of the lost: published again, and taken by the broker
    failed: int = 0  # of the lost: recorded as a failure, since it was the third loss in a row
    unqueued: dict[str, float] = field(default_factory=dict)  # for the next sweep

    def counts(self) -> dict[str, int]:
        """The numbers, for the log and the task's result."""
        return {
            "heads": self.heads,
            "lost": self.lost,
            "idle": self.idle,
            "published": self.published,
            "failed": self.failed,
        }


def due_heads(now: datetime, *, named: Container[str] = frozenset()) -> list[tuple[SymbolStatus, Message]]:
    """Every enabled symbol's head that should be in a queue or with a worker now, with its live message.

    Without those whose queue is `named` on a ready list: they wait for a worker, however many they are.
    """
    due = SymbolStatus.objects.filter(RUNNABLE, head__isnull=False).filter(
        Q(next_attempt_at=None) | Q(next_attempt_at__lt=now - OVERDUE)
    )
    # Under overload tens of thousands of heads wait: few columns of each, and the rest of those alone that are sought.
    sought = [
        symbol_id
        for symbol_id, ticker, lane in due.values_list("symbol_id", "symbol__ticker", "lane")
        if queue_name(ticker, lane) not in named
    ]
    return [
        head
        for start in range(0, len(sought), CHUNK)
        for head in _with_messages(due.filter(symbol_id__in=sought[start : start + CHUNK]))
    ]


def _with_messages(due: QuerySet[SymbolStatus]) -> list[tuple[SymbolStatus, Message]]:
    bar = Bar.objects.filter(symbol_id=OuterRef("symbol_id"), sequence=OuterRef("head"))
    rows = (
        due.select_related("symbol")
        .defer("latencies", "newest", "last_error")
        .annotate(bar_timeframe=Subquery(bar.values("timeframe")), bar_time=Subquery(bar.values("timestamp")))
    )
    found: list[tuple[SymbolStatus, Message]] = []
    for row in rows:
        if row.bar_time is None:  # the bar was removed by hand; the sweep of the others must go on
            log.error("head_without_bar", symbol=row.symbol.ticker, sequence=row.head)
        else:
            found.append((row, message_of(row, row.bar_timeframe, row.bar_time)))
    return found


def lost_heads(
    messages: Iterable[Message], deliveries: DeliveryReport, now: datetime
) -> tuple[set[str], dict[str, float]]:
    """The identities of lost heads; and for the other due heads that are in no queue, since when (unix s)."""
    unqueued = {
        message.identity: deliveries.unqueued_since.get(message.identity, now.timestamp())
        for message in messages
        if message.identity not in deliveries.queued
    }
    lost = {
        name
        for name, since in unqueued.items()
        if name not in deliveries.held and now.timestamp() - since >= deliveries.patience_s
    }
    return lost, {name: since for name, since in unqueued.items() if name not in lost}


def sweep(due: list[tuple[SymbolStatus, Message]], deliveries: DeliveryReport, *, now: datetime) -> SweepReport:
    """Publish lost heads again, and name a head for each symbol that has a backlog but no head."""
    report = SweepReport(heads=len(due))
    lost, report.unqueued = lost_heads((message for _, message in due), deliveries, now)
    report.lost = len(lost)
    report.idle = SymbolStatus.objects.filter(head=None, last_sequence__gt=F("cursor")).update(
        head=F("cursor") + 1, catching_up=True
    )
    lost_due = [(row, message) for row, message in due if message.identity in lost]
    # What an outage lost or ended does not count against its bar.
    counted = [(row, message) for row, message in lost_due if message.identity not in deliveries.outages]
    given_up = [message for row, message in counted if row.losses + 1 >= MAX_LOSSES]
    again = [(row, message) for row, message in lost_due if message not in given_up]
    for row, message in lost_due:
        if not row.catching_up:
            # It and the bars behind it have waited for the loss to be found: no sign of a slow engine.
            _live(message).update(catching_up=True)
    for _, message in counted:
        # Guarded, and one row at a time: only ingest may lock several rows.
        _live(message).update(losses=F("losses") + 1)
    report.published = publish((message, row.lane, None) for row, message in again)
    for _, message in again[report.published :]:
        # The broker did not take these messages, so the loss is not counted: the next sweep finds it again.
        _live(message).filter(losses__gt=0).update(losses=F("losses") - 1)
    report.failed = sum(_give_up(message, now) for message in given_up)
    if report.lost or report.idle:
        tickers = sorted(message.ticker for _, message in due if message.identity in lost)
        log.warning("swept", **report.counts(), symbols=",".join(tickers[:20]))
    return report


def _live(message: Message) -> QuerySet[SymbolStatus]:
    # The stage must match too: a control run that has just ended leaves head, epoch and attempts as they were.
    return in_control(message) if message.control else live_head(message)


def _give_up(message: Message, now: datetime) -> bool:
    try:
        killed(message, f"lost with its worker {MAX_LOSSES} times in a row", now=now)
    except Exception:  # an error with one symbol must not keep the sweep from the others
        log.exception("sweep_failed", **message.logged)
        return False
    return True
