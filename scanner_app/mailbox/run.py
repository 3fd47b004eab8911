"""Start a head and complete it. Calling either twice is safe. Failures are in failure.py."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from scanner_app.conf import breaker_rules
from scanner_app.detectors import Finding
from scanner_app.domain import breaker, lanes, latency, wording
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import EventKind, Lane, Outcome
from scanner_app.mailbox import at_once, hits, rerun_spans, sql
from scanner_app.mailbox.breakers import save_breaker
from scanner_app.mailbox.derived import Plan
from scanner_app.mailbox.derived import store as store_derived
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_following, publish_head
from scanner_app.mailbox.hits import Judged
from scanner_app.mailbox.lane_moves import move_to_lane
from scanner_app.mailbox.rows import live_head, read_row
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.messages import Message
from scanner_app.models import CircuitBreaker
from scanner_app.notifications import outbox

log = structlog.get_logger(__name__)


def start(message: Message, *, now: datetime, serving_since: datetime | None = None) -> Ticket | Outcome:
    """The head's ticket if the message is live and the head may run now.

    Writes nothing on that path. SUPERSEDED: the message is stale. DEFERRED: the head may run only later,
    and was published again for then, without using a retry. `serving_since`: when this worker began to take messages. A
    bar accepted before that had to wait for the worker, as for a pause, so it is held; None: not known.
    """
    head = sql.read_head(message)
    if head is None or not head.is_live_for(message):
        return Outcome.SUPERSEDED
    due = breaker.due(breaker.Breaker(opened_at=head.opened_at), breaker_rules(), now, own=head.next_attempt_at)
    if due is not None:
        return _defer(message, due)
    ticket = head.ticket
    if serving_since is not None and ticket.accepted_at < serving_since:
        return replace(ticket, held=True)
    return ticket


def complete(
    ticket: Ticket,
    findings: Iterable[Finding],
    *,
    now: datetime,
    run_s: float = 0,
    derived: Plan | None = None,
    judged: Judged | None = None,
    without: Collection[str] = (),
) -> Outcome:
    """Store the head's effects, move the cursor past it and name the next head.

    All or nothing, in one transaction; the next head is published after the commit. A result counts whenever the bar is
    still the head, even if its message has become stale: detectors are pure, so every run finds the same. SUPERSEDED,
    with nothing changed, if the bar is no longer the head. `run_s` is how long detectors and rules took (s): it
    decides whether the symbol changes its lane. `derived`: what the bar means for higher timeframes (derived.py).
    `judged`: what traders' rules said of it, if that is to be stored. `without`: names of the detectors that are
    switched off: the bar joins their re-runs.
    """
    message = ticket.message
    latency_ms = latency.milliseconds(ticket.accepted_at, now)
    figures = latency.rolling(ticket.latencies, latency_ms, now, counts=ticket.latency_counts)
    findings = list(findings)
    if derived is None and judged is None and not without:  # nothing but the bar's own effects
        done = at_once.complete(ticket, findings, figures, latency_ms, now=now, run_s=run_s)
        if done is not None:
            publish_following(message, *done)
            return Outcome.COMPLETED
    with transaction.atomic():
        # First the guarded update. It is the check and, on either database, the lock. It changes the column that it
        # checks: otherwise a second copy of the message would pass it too.
        next_head = sql.complete_head(ticket, figures, latency_ms, now=now)
        if next_head is None:
            return Outcome.SUPERSEDED
        sql.insert_signals(ticket, findings, now=now)
        if judged is not None:
            hits.store(ticket, judged, now=now)
        # Its window may be from before a revision; or later bars were processed without it, that would see it now.
        if next_head.revision != ticket.revision or (ticket.late and ticket.revised):
            rerun_spans.join_completed(message.symbol_id, ticket.timeframe, ticket.timestamp, now=now)
        if without:
            at = ticket.timestamp
            rerun_spans.join_missing(message.symbol_id, ticket.timeframe, at, at, without, now=now)
        if derived is not None:
            next_head = store_derived(ticket, derived, next_head, now=now)
        failures, bar = sql.read_next(message.symbol_id, next_head.head)
        if failures:
            _close_breaker(ticket, now)
        place = lanes.after_run(
            lanes.Place(next_head.lane, next_head.quick_bars),
            run_s,
            slow_run_s=settings.SCANNER_SLOW_RUN_S,
            quick_bars=settings.SCANNER_QUICK_BARS,
        )
        if place != (next_head.lane, next_head.quick_bars):
            move_to_lane(message.symbol_id, next_head.lane, place, now, reason=_lane_reason(place, run_s))
        publish_following(message, replace(next_head, lane=place.lane), bar)
    return Outcome.COMPLETED


def _lane_reason(place: lanes.Place, run_s: float) -> str:
    if place.lane == Lane.MAIN:
        return f"it has had {wording.in_a_row(settings.SCANNER_QUICK_BARS, 'quick bar')}"
    return f"its run took {run_s:.1f} s"


def _close_breaker(ticket: Ticket, now: datetime) -> None:
    message = ticket.message
    failed = CircuitBreaker.objects.get(symbol_id=message.symbol_id)
    kind = EventKind.RECOVERED if failed.opened_at is None else EventKind.CLOSED
    add_event(
        message.symbol_id,
        kind,
        now,
        bar_id=ticket.bar_id,
        reason=f"after {wording.in_a_row(failed.failures, 'failure')}",
    )
    if failed.incident_at is not None:
        outbox.recovered(
            symbol_id=message.symbol_id,
            ticker=message.ticker,
            now=now,
            failures=failed.failures,
            incident_at=failed.incident_at,
            by=SCANNER,
        )
    save_breaker(failed, breaker.closed())
    log.info("recovered", **ticket.logged)


def _defer(message: Message, due: datetime) -> Outcome:
    with transaction.atomic():
        # Guarded by the count of deferrals, so that of two copies only one is published again.
        was_live = (
            live_head(message)
            .filter(deferrals=message.deferrals)
            .update(deferrals=F("deferrals") + 1, next_attempt_at=due)
        )
        if was_live != 1:
            return Outcome.SUPERSEDED
        publish_head(read_row(message.symbol_id))
    return Outcome.DEFERRED
