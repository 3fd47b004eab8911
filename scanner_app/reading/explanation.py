"""The situation of one symbol, from the database and the broker."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

import redis
from django.conf import settings
from django.db.models import QuerySet

from scanner_app.conf import breaker_rules
from scanner_app.domain.enums import AlertState, BarStatus, EventKind, Lane, RerunCause, Stage
from scanner_app.domain.explanation.explain import explain as explain_situation
from scanner_app.domain.explanation.result import Explanation
from scanner_app.domain.explanation.situation import (
    AttemptError,
    FinishedBar,
    FiringAlert,
    FormingSituation,
    HeadSituation,
    LoggedEvent,
    MessageLocation,
    SecondLook,
    Situation,
    SlowLane,
    pace,
)
from scanner_app.engine import forming
from scanner_app.mailbox.heads import message_of
from scanner_app.mailbox.sweep import MAX_LOSSES
from scanner_app.messaging import heartbeats, queue_contents, queue_names
from scanner_app.models import Alert, Bar, ProcessingFailure, QuarantinedBar, Symbol, SymbolStatus
from scanner_app.reading import reruns, symbol_status

PACE_BARS = 50
"""The pace is measured over this many of the newest bars: few, so that it follows a change of the detectors."""

IN_A_HEARTBEAT_AFTER_S = settings.SCANNER_HEARTBEAT_S + 0.5
"""Seconds after which a message that a worker took from its queue must be in the worker's heartbeat."""

PUBLISHES_THE_HEAD = (EventKind.ENABLED, EventKind.RESET, EventKind.QUARANTINED)
"""Events with which a waiting bar is published, however long ago it was accepted."""

EXPLAINED_ANYWAY = ("stale_symbol",)
"""Rules whose alerts are left out, since the explanation says the same in its own words."""


def explain(symbol: Symbol, now: datetime) -> Explanation:
    """Why a symbol from `symbols()` is in its state."""
    return explain_situation(situation_of(symbol, now))


def symbols() -> QuerySet[Symbol]:
    """All symbols with the rows that an explanation needs, also those that are being deleted."""
    return Symbol.objects.select_related("status", "breaker").defer("status__latencies")


def situation_of(symbol: Symbol, now: datetime) -> Situation:
    """The symbol's situation now. At most eleven queries and three requests to the broker."""
    row = symbol.status
    summary = symbol_status.summary(symbol, now)
    head = None if symbol.deleted_at is not None else _head(symbol, row, summary.next_attempt_at, now)
    return Situation(
        ticker=symbol.ticker,
        now=now,
        created_at=symbol.created_at,
        state=summary.state,
        enabled=symbol.enabled,
        switched=None if symbol.enabled else _last(symbol, EventKind.DISABLED),
        deleted_at=symbol.deleted_at,
        deleted=None if symbol.deleted_at is None else _last(symbol, EventKind.DELETED),
        breaker=symbol.breaker.value,
        rules=breaker_rules(),
        delays_s=settings.SCANNER_RETRY_DELAYS,
        stuck_s=settings.SCANNER_ALERT_STUCK_S,
        head=head,
        next_attempt_at=summary.next_attempt_at,
        held=_last(symbol, EventKind.HELD) if head is not None and head.stage == Stage.HOLD else None,
        backlog=row.backlog,
        pace_s=pace(_newest_finished(row)) if row.backlog else None,
        catching_up=row.catching_up,
        ever_accepted=row.last_sequence > 0,
        forming=None if row.last_sequence else _forming(symbol, now),
        last_processed_at=row.last_processed_at,
        last_error=row.last_error,
        slow=_slow(symbol, row),
        max_losses=MAX_LOSSES,
        quarantined=QuarantinedBar.objects.filter(symbol_id=symbol.pk, resolution="").count(),
        second_looks=_second_looks(symbol),
        is_stale=summary.is_stale,
        data_age_s=summary.data_age_seconds,
        stale_for_s=summary.stale_for_s,
        alerts=_firing(symbol),
    )


def _forming(symbol: Symbol, now: datetime) -> FormingSituation | None:
    for bar in forming.of_symbol(symbol, now):
        return FormingSituation(timeframe=bar.timeframe, timestamp=bar.timestamp, ends_at=bar.ends_at)
    return None


def _firing(symbol: Symbol) -> list[FiringAlert]:
    firing = Alert.objects.filter(symbol_id=symbol.pk, state=AlertState.FIRING).exclude(rule__in=EXPLAINED_ANYWAY)
    return [
        FiringAlert(rule=one.rule, message=one.message, fired_at=one.fired_at)
        for one in sorted(firing.order_by("id"), key=lambda one: -one.weight)
    ]


def _second_looks(symbol: Symbol) -> list[SecondLook]:
    return [
        SecondLook(
            timeframe=one.timeframe,
            bars_done=one.bars_done,
            bars_left=one.bars_left,
            revised=one.cause == RerunCause.REVISION,
            failures=one.failures,
            next_attempt_at=one.next_attempt_at,
            last_error=one.last_error or "",
        )
        for one in reruns.progress(symbol)
    ]


def _head(symbol: Symbol, row: SymbolStatus, next_attempt_at: datetime | None, now: datetime) -> HeadSituation | None:
    if row.head is None:
        return None
    bar = Bar.objects.filter(symbol_id=symbol.pk, sequence=row.head).first()
    if bar is None:  # somebody removed the row by hand; the sweeper logs that
        return None
    failures = _failures(bar, row.attempts)
    waits = next_attempt_at is not None
    due_since = _due_since(symbol, row, bar, failures, waits=waits, now=now)
    return HeadSituation(
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        attempts=row.attempts,
        stage=row.stage,
        failing_since=failures[-1].failed_at if failures else None,
        error=AttemptError(type=failures[0].error_type, message=failures[0].message) if failures else None,
        due_since=due_since,
        location=_message_location(symbol, row, bar, due_since, now),
        losses=row.losses,
        late=bar.late,
        replayed=bar.replayed,
    )


def _failures(bar: Bar, attempts: int) -> list[ProcessingFailure]:
    """The failures since the bar was last accepted or reset, newest first. All failures of a hold share one row."""
    rows = min(attempts, len(settings.SCANNER_RETRY_DELAYS) + 1)
    if not rows:
        return []
    newest = ProcessingFailure.objects.filter(bar_id=bar.pk).order_by("-id")
    return list(newest.only("failed_at", "error_type", "message")[:rows])


def _due_since(
    symbol: Symbol, row: SymbolStatus, bar: Bar, failures: list[ProcessingFailure], *, waits: bool, now: datetime
) -> datetime | None:
    """Since when the head needs only a worker in order to run; None while it has to wait for something else.

    `waits`: for its retry or the half-open time. A control run waits for neither.
    """
    control = row.stage == Stage.CONTROL
    if not symbol.enabled or (waits and not control):
        return None
    times = [
        row.last_processed_at,
        row.next_attempt_at,
        # A control run is due with the failure that led to it: the breaker does not delay it.
        None if control else symbol.breaker.value.half_open_at(breaker_rules()),
        failures[0].failed_at if failures else None,
    ]
    due_since = max([bar.accepted_at, *(time for time in times if time is not None and time <= now)])
    if (now - due_since).total_seconds() < IN_A_HEARTBEAT_AFTER_S:
        return due_since
    # This comes last: without such an event, the query reads all of the symbol's events, which may be years of them.
    published = _last(symbol, *PUBLISHES_THE_HEAD)
    return due_since if published is None else max(due_since, published.at)


def _message_location(
    symbol: Symbol, row: SymbolStatus, bar: Bar, due_since: datetime | None, now: datetime
) -> MessageLocation | None:
    """Where the head's message is. One that left its queue after the last heartbeat counts as a worker's."""
    try:
        if not symbol.enabled:
            # The operator's action has raised the epoch since the run began.
            run = f"{quote(symbol.ticker, safe='')}-{row.head}-e"
            return MessageLocation.WORKER if any(name.startswith(run) for name in _held()) else None
        if due_since is None:
            return None
        message = message_of(row, bar.timeframe, bar.timestamp)
        # The queue first, then the heartbeats: a message that moves in between is seen in the second place.
        queued = message.identity in queue_contents.queued({queue_names.queue_name(symbol.ticker, row.lane)})
        living = heartbeats.read_all().values()
    except redis.RedisError:
        return MessageLocation.UNKNOWN
    if queued:
        served = any(one.role == row.lane for one in living)
        return MessageLocation.QUEUED if served else MessageLocation.NO_WORKER
    held = any(message.identity in one.held for one in living)
    recent = (now - due_since).total_seconds() < IN_A_HEARTBEAT_AFTER_S
    return MessageLocation.WORKER if held or recent else MessageLocation.NOWHERE


def _held() -> Iterable[str]:
    """The deliveries that the workers hold."""
    return (delivery for one in heartbeats.read_all().values() for delivery in one.held)


def _slow(symbol: Symbol, row: SymbolStatus) -> SlowLane | None:
    if row.lane != Lane.SLOW:
        return None
    return SlowLane(
        moved=_last(symbol, EventKind.LANE), quick_bars=row.quick_bars, quick_bars_needed=settings.SCANNER_QUICK_BARS
    )


def _last(symbol: Symbol, *kinds: EventKind) -> LoggedEvent | None:
    """The newest line of the timeline of one of these kinds."""
    event = symbol.events.filter(kind__in=kinds).order_by("-id").first()
    return None if event is None else LoggedEvent(at=event.at, actor=event.actor, reason=event.reason)


def _newest_finished(row: SymbolStatus) -> list[FinishedBar]:
    last = Bar.objects.filter(
        symbol_id=row.symbol_id,
        sequence__gt=row.cursor - PACE_BARS,
        sequence__lte=row.cursor,
        status=BarStatus.PROCESSED,
    )
    rows = last.order_by("sequence").only("accepted_at", "finished_at", "attempts", "held")
    return [
        FinishedBar(accepted_at=bar.accepted_at, finished_at=bar.finished_at, attempts=bar.attempts, held=bar.held)
        for bar in rows
        if bar.finished_at is not None
    ]
