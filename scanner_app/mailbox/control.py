"""The control run decides whether the bar is at fault when a head has used up its retries.

The detectors run on the symbol's last processed bar. If that succeeds, the head is at fault and goes to
quarantine. If it fails too, or no bar was processed yet, something else is at fault: the symbol holds. Its head
is probed at each recovery time until a probe succeeds or an operator resets or skips.
"""

from datetime import datetime

import structlog
from django.db import transaction

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker
from scanner_app.domain.enums import BarStatus, EventKind, Outcome, Stage
from scanner_app.domain.retry import RETRIES_USED_UP
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import wait_for_breaker
from scanner_app.mailbox.error_texts import of_failure
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import RUNNABLE, head_id, in_control, read_row
from scanner_app.mailbox.tickets import Ticket, ticket_of
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, ProcessingFailure

log = structlog.get_logger(__name__)


def start_control(message: Message) -> Ticket | Outcome | None:
    """The ticket of the last good bar; None if no bar was processed yet; SUPERSEDED if the message is stale."""
    if not in_control(message).filter(RUNNABLE).exists():
        return Outcome.SUPERSEDED
    bar = (
        Bar.objects.filter(symbol_id=message.symbol_id, status=BarStatus.PROCESSED, sequence__lt=message.sequence)
        .order_by("-sequence")
        .first()
    )
    return None if bar is None else ticket_of(message, bar)


def control_passed(message: Message, *, now: datetime) -> Outcome:
    """Quarantine the head, since the detectors work on the last good bar. SUPERSEDED if the message is stale."""
    with transaction.atomic():
        if sql.finish_controlled_head(message) is None:
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        bar_id = Bar.objects.values_list("id", flat=True).get(symbol_id=message.symbol_id, sequence=message.sequence)
        last = ProcessingFailure.objects.filter(bar_id=bar_id).order_by("-id").first()
        put_into_quarantine(
            row,
            bar_id,
            now,
            reason=RETRIES_USED_UP,
            attempts=message.retries,
            error=of_failure(last),
        )
        wait_for_breaker(row, now)
        publish_head(row)
    log.warning("quarantined", **message.logged)
    return Outcome.QUARANTINED


def control_failed(message: Message, *, reason: str, now: datetime) -> Outcome:
    """Hold the symbol and probe its head at the recovery time. SUPERSEDED if the message is stale."""
    rules = breaker_rules()
    with transaction.atomic():
        if in_control(message).update(stage=Stage.HOLD, losses=0) != 1:
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        value = row.symbol.breaker.value
        # A closed breaker (high threshold) never becomes half-open: probe after the recovery time, counted from now.
        own = now + rules.recovery if value.opened_at is None else None
        row.next_attempt_at = breaker.due(value, rules, now, own=own) or now
        row.save(update_fields=["next_attempt_at"])
        add_event(row.symbol_id, EventKind.HELD, now, bar_id=head_id(row), reason=reason)
        publish_head(row)
    log.warning("holding", **message.logged, reason=reason)
    return Outcome.HOLDING
