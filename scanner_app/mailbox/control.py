"""The control run: whether the fault of a head that used up its retries is the bar's or the day's.

The detectors run once more on the symbol's last processed bar. If that succeeds, the fault is the bar's: it
is set aside. If it fails too, or there is no such bar, it is not the bar's: the symbol holds, and probes its
head at the recovery time until it succeeds or an operator resets or skips.
"""

from datetime import datetime

import structlog
from django.db import transaction

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker
from scanner_app.domain.enums import BarStatus, EventKind, Outcome, Stage
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import wait_for_breaker
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import head_id, in_control, read_row
from scanner_app.mailbox.tickets import Ticket, ticket_of
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, ProcessingFailure

log = structlog.get_logger(__name__)


def start_control(message: Message) -> Ticket | Outcome | None:
    """The ticket of the bar to run the detectors on; None if there is none; SUPERSEDED if the message is stale."""
    if not in_control(message).filter(symbol__enabled=True, symbol__deleted_at=None).exists():
        return Outcome.SUPERSEDED
    bar = (
        Bar.objects.filter(symbol_id=message.symbol_id, status=BarStatus.PROCESSED, sequence__lt=message.sequence)
        .order_by("-sequence")
        .first()
    )
    return None if bar is None else ticket_of(message, bar)


def control_passed(message: Message, *, now: datetime) -> Outcome:
    """The detectors work on the last good bar: the head is at fault. Set it aside, go on with the next."""
    with transaction.atomic():
        guard = " AND epoch = %s AND attempts = %s AND stage = 'control'"
        if (
            sql.finish_head(message.symbol_id, message.sequence, guard=guard, values=[message.epoch, message.retries])
            is None
        ):
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        bar_id = Bar.objects.values_list("id", flat=True).get(symbol_id=message.symbol_id, sequence=message.sequence)
        last = ProcessingFailure.objects.filter(bar_id=bar_id).order_by("-id").first()
        put_into_quarantine(
            row,
            bar_id,
            now,
            reason="its retries are used up, and the control run on the last good bar succeeded",
            attempts=message.retries,
            error=(last.error_type, last.message, last.traceback) if last else ("", "", ""),
        )
        wait_for_breaker(row, now)
        publish_head(row)
    log.warning("quarantined", **message.logged)
    return Outcome.QUARANTINED


def control_failed(message: Message, *, reason: str, now: datetime) -> Outcome:
    """The detectors fail on a good bar too, or there is none: hold, and probe the head at the recovery time."""
    rules = breaker_rules()
    with transaction.atomic():
        if in_control(message).update(stage=Stage.HOLD, losses=0) != 1:
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        value = row.symbol.breaker.value
        # A closed breaker (its threshold may be high) has no half-open moment: the same time from now.
        own = now + rules.recovery if value.opened_at is None else None
        row.next_attempt_at = breaker.due(value, rules, now, own=own) or now
        row.save(update_fields=["next_attempt_at"])
        add_event(row.symbol_id, EventKind.HELD, now, bar_id=head_id(row), reason=reason)
        publish_head(row)
    log.warning("holding", **message.logged, reason=reason)
    return Outcome.HOLDING
