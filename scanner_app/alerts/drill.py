"""Hold a drill of the alarm path: real failures of the canary in a real worker, real messages, a real recovery.

The scanner itself does all of it. This makes the canary, hands it its bars, and reads what the scanner has stored,
until each step is done or late. A command's drill and one of the schedule differ only in who drives them on.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from scanner_app.conf import breaker_rules
from scanner_app.domain import drill
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.drill import Facts, Notice, Result
from scanner_app.domain.enums import BarStatus, EventKind
from scanner_app.domain.tickers import CANARY
from scanner_app.domain.wording import clock, error_line
from scanner_app.mailbox import canary
from scanner_app.models import Bar, Drill, Notification, ProcessingFailure, Symbol, SymbolEvent

log = structlog.get_logger(__name__)

ABANDONED_AFTER = timedelta(seconds=60)
"""A drill that nobody has driven on for so long is over: its process died. Beat does it every five seconds."""


class DrillRunning(Exception):
    """Another drill runs."""


class DrillTaken(Exception):
    """The drill was taken for abandoned, and ended by the next one."""


def begin(*, by: str, now: datetime, scheduled: bool = False) -> Drill:
    """Begin a drill. One that was abandoned is ended, and what it left is removed.

    Raises DrillRunning, with nothing changed, while another one runs.
    """
    _end_abandoned(now)
    try:
        with transaction.atomic():
            row = Drill.objects.create(running=True, scheduled=scheduled, actor=by, began_at=now, seen_at=now)
    except IntegrityError:
        other = Drill.objects.filter(running=True).first()
        since = "" if other is None else f" since {clock(other.began_at, now)}, by {other.actor}"
        raise DrillRunning(f"a drill runs already{since}") from None
    canary.remove(canary.find())
    canary.make(now)
    canary.accept([0], first=0, now=now)
    if scheduled:  # who holds one by the command reads its lines, which a log would only interrupt
        log.info("drill_began", by=by)
    return row


def advance(row: Drill, now: datetime) -> list[Result]:
    """Drive a running drill on: hand the canary its next bars, look at each step, and end the drill after the last.

    Raises DrillTaken if the drill has ended meanwhile.
    """
    facts = _facts(row)
    results = drill.judge(facts, breaker_rules(), settings.SCANNER_RETRY_DELAYS, now)
    if drill.is_over(results):
        _end(row, results, now)
        return results
    _hold(row, results, now)
    if facts.run_at is not None and facts.failing_since is None:
        attempts = len(settings.SCANNER_RETRY_DELAYS) + 1
        canary.accept(drill.failures_of_bars(settings.SCANNER_BREAKER_THRESHOLD, attempts), first=1, now=now)
    return results


def stop(row: Drill, why: str, now: datetime) -> list[Result]:
    """End a drill before its time, and remove the canary.

    Its steps are judged as of the last look: what came too late since then is late because nobody drove it on.
    """
    results = drill.judge(_facts(row), breaker_rules(), settings.SCANNER_RETRY_DELAYS, row.seen_at)
    results = drill.ended(results, why, now)
    _end(row, results, now)
    return results


def tick(now: datetime) -> str:
    """Drive the schedule's drill on, or begin one if it is due. Returns what was done. Beat triggers it often."""
    running = Drill.objects.filter(running=True).first()
    if running is not None and running.scheduled:
        try:
            advance(running, now)
        except DrillTaken:
            return "taken"
        return "advanced"
    last = Drill.objects.filter(scheduled=True).order_by("-id").values_list("began_at", flat=True).first()
    if not settings.SCANNER_DRILL_AT or not drill.is_due(time.fromisoformat(settings.SCANNER_DRILL_AT), last, now):
        return "idle"
    try:
        begin(by=SCANNER, now=now, scheduled=True)
    except DrillRunning:
        return "another runs"
    return "began"


def as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The steps as JSON values, times as ISO 8601 in UTC."""
    return [{**asdict(one), "at": None if one.at is None else iso(one.at)} for one in results]


def iso(moment: datetime) -> str:
    """A time as JSON has it: ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _end_abandoned(now: datetime) -> None:
    row = Drill.objects.filter(running=True, seen_at__lt=now - ABANDONED_AFTER).first()
    if row is None:
        return
    try:
        stop(row, f"the drill was abandoned at {clock(row.seen_at, now)}: its process died", now)
    except DrillTaken:
        return  # another process was first


def _hold(row: Drill, results: Sequence[Result], now: datetime) -> None:
    """Note that the drill is driven on. Guarded by the time of the last look, so that of two processes one goes on."""
    held = Drill.objects.filter(pk=row.pk, running=True, seen_at=row.seen_at)
    if held.update(seen_at=now, steps=as_json(results)) != 1:
        raise DrillTaken("the drill has ended, or another process drives it on")
    row.seen_at = now


def _end(row: Drill, results: Sequence[Result], now: datetime) -> None:
    failed = drill.first_failed(results)
    ours = canary.find()  # before the drill has ended: after that another one may make its own
    held = Drill.objects.filter(pk=row.pk, running=True, seen_at=row.seen_at)
    ended = held.update(
        running=None,
        seen_at=now,
        ended_at=now,
        proven=failed is None,
        steps=as_json(results),
        failed_step="" if failed is None else failed.step,
        detail="" if failed is None else failed.detail,
    )
    if ended != 1:
        raise DrillTaken("the drill has ended, or another process drives it on")
    canary.remove(ours)
    if row.scheduled:
        log.info("drill_ended", proven=failed is None, failed_step=failed and failed.step, why=failed and failed.detail)


def _facts(row: Drill) -> Facts:
    symbol = Symbol.objects.filter(ticker=CANARY).first()
    if symbol is None:
        return Facts(began_at=row.began_at)
    # Before the events: a message is written together with its event, so that none is taken for an earlier one.
    notices = list(Notification.objects.filter(symbol=symbol).order_by("id"))
    bars = list(Bar.objects.filter(symbol=symbol).order_by("sequence"))
    failures = list(ProcessingFailure.objects.filter(symbol=symbol).order_by("id"))
    events = dict(SymbolEvent.objects.filter(symbol=symbol).order_by("-id").values_list("kind", "at"))
    closed_at = events.get(EventKind.CLOSED)
    return Facts(
        began_at=row.began_at,
        run_at=bars[0].finished_at if bars and bars[0].status == BarStatus.PROCESSED else None,
        failing_since=bars[1].accepted_at if len(bars) > 1 else None,
        failures=[one.failed_at for one in failures],
        error=error_line(failures[-1].error_type, failures[-1].message) if failures else "",
        opened_at=events.get(EventKind.OPENED),
        reopened_at=events.get(EventKind.REOPENED),
        closed_at=closed_at,
        notices=[
            Notice(
                channel=one.channel,
                all_clear=closed_at is not None and one.at >= closed_at,
                state=one.state,
                sent_at=one.sent_at,
                tries=one.attempts,
                error=one.error,
            )
            for one in notices
        ],
    )
