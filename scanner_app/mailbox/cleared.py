"""Let a symbol go on whose head failed because of a detector that no longer runs. As an operator's reset, unasked.

Each symbol is cleared in a transaction of its own, breaker included.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import EventKind, Outcome
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.operate import begin_again, changes, head_and_breaker
from scanner_app.mailbox.rows import head_id, in_control, read_row
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, ProcessingFailure, SymbolStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A symbol whose last failure came from a detector, as it was when that was read."""

    symbol_id: int
    detector: str
    cursor: int
    epoch: int
    attempts: int


def stopped_by(detectors: Collection[str]) -> list[Stopped]:
    """The symbols that are paused because of these detectors: their last failure came from one of them."""
    last = ProcessingFailure.objects.filter(symbol_id=OuterRef("symbol_id")).order_by("-id").values("detector")[:1]
    failing = SymbolStatus.objects.filter(
        Q(attempts__gt=0) | Q(symbol__breaker__failures__gt=0), symbol__deleted_at=None
    )
    rows = failing.annotate(culprit=Subquery(last)).filter(culprit__in=detectors).order_by("symbol_id")
    fields = ("symbol_id", "culprit", "cursor", "epoch", "attempts")
    return [
        Stopped(symbol_id=symbol_id, detector=culprit, cursor=cursor, epoch=epoch, attempts=attempts)
        for symbol_id, culprit, cursor, epoch, attempts in rows.values_list(*fields)
    ]


def clear(stopped: Stopped, *, by: str, now: datetime, reason: str) -> bool:
    """Set failures and attempts to 0, close the breaker and publish the head. False: the symbol has moved on."""
    seen = SymbolStatus.objects.filter(
        symbol_id=stopped.symbol_id, cursor=stopped.cursor, epoch=stopped.epoch, attempts=stopped.attempts
    )
    with transaction.atomic():
        if seen.update(epoch=F("epoch") + 1) != 1:
            return False
        _begin_again(stopped.symbol_id, by=by, now=now, reason=reason)
    return True


def failed_detectors(message: Message) -> frozenset[str]:
    """The detectors at which the head has failed since it was accepted; empty if that is not known of each failure."""
    head = Bar.objects.filter(symbol_id=message.symbol_id, sequence=message.sequence)
    failures: QuerySet[ProcessingFailure] = ProcessingFailure.objects.filter(
        bar__in=head, failed_at__gte=F("bar__accepted_at")
    )
    names = set(failures.values_list("detector", flat=True).distinct())
    return frozenset() if None in names else frozenset(name for name in names if name)


def run_again(message: Message, *, reason: str, now: datetime) -> Outcome:
    """In place of a control run: the head runs again, without the detectors at which it failed.

    DEFERRED; SUPERSEDED, with nothing changed, if the message is stale.
    """
    with transaction.atomic():
        if in_control(message).update(epoch=F("epoch") + 1) != 1:
            return Outcome.SUPERSEDED
        _begin_again(message.symbol_id, by=SCANNER, now=now, reason=reason)
    log.info("runs_again", **message.logged, reason=reason)
    return Outcome.DEFERRED


def _begin_again(symbol_id: int, *, by: str, now: datetime, reason: str) -> None:
    """What follows the guarded update, which has raised the epoch: older messages are stale."""
    row = read_row(symbol_id)
    before = head_and_breaker(row)
    begin_again(row, by=by, now=now)
    detail = changes(before, head_and_breaker(row))
    add_event(symbol_id, EventKind.RESET, now, bar_id=head_id(row), actor=by, reason=reason, detail=detail)
    publish_head(row)
