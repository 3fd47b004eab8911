"""The bodies of the tasks that run detectors: start, window, detectors, then the mailbox stores the result."""

import time
from collections.abc import Callable, Sequence

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Finding
from scanner_app.domain import wording
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import BarFailed
from scanner_app.domain.tickers import CANARY
from scanner_app.engine import deriving, detection, detector_switches, judging, recent_windows, window_gaps
from scanner_app.engine.window import load_window
from scanner_app.mailbox import Ticket
from scanner_app.messaging import sweep_memory
from scanner_app.messaging.messages import Message
from scanner_app.telemetry import counters
from scanner_app.workers import outages, serving

log = structlog.get_logger(__name__)

TRIES_PER_DELIVERY = 2
"""After an outage a run is tried again at once, on a fresh connection: most outages are a connection that the server
has closed."""


def through_outages(message: Message, run: Callable[[Message], Outcome]) -> str:
    """Call `run`, and once more after an outage; returns the outcome, or "outage" if the second try failed too.

    An outage never counts against the bar; the sweeper redelivers its message.
    """
    with bound_contextvars(**message.logged):  # every log line of the run names the message
        for _ in range(TRIES_PER_DELIVERY):
            try:
                outcome = run(message)
            except outages.IN_A_RUN as exc:
                connection.close()
                log.error("outage", exc_info=exc)
                if isinstance(exc, SoftTimeLimitExceeded):
                    break  # no time for a second try: the hard limit is near
            else:
                _count(message, outcome)
                return outcome
        counters.outage()
        sweep_memory.mark_outage(message.identity)
        return "outage"


def _count(message: Message, outcome: Outcome) -> None:
    """Count the deliveries that ran no detector; the other outcomes are counted where their figures are known."""
    if message.ticker == CANARY:
        return
    if outcome is Outcome.SUPERSEDED:
        counters.bar_superseded()
    elif outcome is Outcome.DEFERRED:
        counters.bar_deferred()


def process_head(message: Message) -> Outcome:
    """Run the detectors on the head that the message names, and have the mailbox store the result."""
    ticket = mailbox.start(message, now=timezone.now(), serving_since=serving.since())
    if isinstance(ticket, Outcome):  # superseded or deferred: there is nothing to run now
        return ticket
    with bound_contextvars(**ticket.logged):
        outcome = _run(ticket)
        log.debug("bar_run", outcome=outcome)
    return outcome


def _run(ticket: Ticket) -> Outcome:
    off = detector_switches.switched_off()
    rules = judging.rules_for(ticket)
    window = recent_windows.load(ticket, at_least=rules.bars)
    began = time.monotonic()
    try:
        findings: Sequence[Finding] = detection.detect(ticket, window, without=off)
    except BarUnusable as exc:  # permanent: no retry can help
        return mailbox.quarantine_head(ticket, exc, now=timezone.now(), worker_since=serving.since())
    except Exception as exc:  # noqa: BLE001 - any exception of a detector is recorded as the bar's failure
        return _failed(ticket, exc, hung=isinstance(exc, SoftTimeLimitExceeded))
    judged = judging.judge(rules, ticket, window, findings, now=timezone.now())
    run_s = time.monotonic() - began
    findings = window_gaps.of_ticket(ticket, findings, window)
    try:
        derived = deriving.plan(ticket, now=timezone.now()) if settings.SCANNER_DERIVE else None
        now = timezone.now()
        outcome = mailbox.complete(
            ticket,
            findings,
            now=now,
            run_s=run_s,
            derived=derived,
            judged=judged,
            without=detection.missing(off) if off else (),
        )
    except outages.IN_A_RUN:
        raise
    except Exception as exc:  # noqa: BLE001 - a result that cannot be stored must not be tried for ever
        return _failed(ticket, exc, hung=False)
    if outcome is Outcome.COMPLETED and ticket.message.ticker != CANARY:
        counters.bar_processed(
            latency_s=max(0.0, (now - ticket.accepted_at).total_seconds()), run_s=run_s, counts=ticket.latency_counts
        )
    return outcome


def _failed(ticket: Ticket, error: Exception, *, hung: bool) -> Outcome:
    outcome = mailbox.fail(ticket, error, now=timezone.now(), hung=hung, worker_since=serving.since())
    if outcome is Outcome.RETRYING:  # the failure is recorded; raising makes Celery retry the message
        raise BarFailed(mailbox.describe(error).line, *mailbox.next_run_of(ticket.message)) from mailbox.presentable(
            error
        )
    return outcome


def control_run(message: Message) -> Outcome:
    """Run the detectors at which the head failed on the symbol's last good bar.

    The mailbox decides by the result what happens to the head. If none of them runs any more, the head runs again.
    """
    ticket = mailbox.start_control(message)
    if isinstance(ticket, Outcome):
        return ticket
    suspects, off = mailbox.failed_detectors(message), detector_switches.off_now()
    usable = {one.name for one in detection.chosen()} - off
    if suspects and not suspects & usable:
        reason = f"it failed because of {wording.listed(sorted(suspects))}, which no longer runs"
        return mailbox.run_again(message, reason=reason, now=timezone.now())
    if ticket is None:
        return mailbox.control_failed(message, reason="the symbol has no processed bar to try", now=timezone.now())
    innocent = {one.name for one in detection.chosen()} - suspects if suspects else set()
    window = load_window(ticket)
    try:
        detection.detect(ticket, window, without=innocent | off)
    except Exception as exc:  # noqa: BLE001 - any exception means that the control run failed
        reason = f"the control run failed too: {mailbox.describe(exc).line}"
        return mailbox.control_failed(message, reason=reason, now=timezone.now())
    return mailbox.control_passed(message, now=timezone.now())
