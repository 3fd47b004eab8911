"""Notifications as rows, written in the transaction of what they report, so that none is lost. No I/O."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from scanner_app.domain.alert_rules import BREAKER
from scanner_app.domain.enums import DetectorState, NotificationKind, NotificationState, Severity
from scanner_app.domain.incidents import Failing
from scanner_app.domain.tickers import CANARY
from scanner_app.domain.wording import clock
from scanner_app.models import DetectorSwitch, FailureIncident, Notification
from scanner_app.notifications import channels, texts
from scanner_app.notifications.silences import Silences
from scanner_app.notifications.trigger import trigger_after_commit

NO_CHANNEL = "none"
"""Channel of the row that records a notification that could not be sent to anybody."""

TOLD_TOGETHER = "one message about its detector tells of it and of the other symbols"
"""Why a breaker's message is not sent alone."""


def opened(
    *,
    symbol_id: int,
    ticker: str,
    bar_id: int,
    bar_time: datetime,
    timeframe: str,
    failures: int,
    error: tuple[str, str],
    half_open_at: datetime,
    now: datetime,
    incident_id: int | None = None,
) -> None:
    """Write that a breaker opened. Call it at the first opening of an incident only, not after a failed probe.

    `incident_id`: of a detector that fails on many symbols: then one message about it tells of this one too. `error`
    is the last failure's type and message. Runs inside the caller's transaction.
    """
    text = texts.opened(
        ticker=ticker,
        timeframe=timeframe,
        bar_time=bar_time,
        failures=failures,
        error=error,
        half_open_at=half_open_at,
        now=now,
    )
    draft = NotificationDraft(
        kind=NotificationKind.OPENED,
        severity=Severity.ERROR,
        text=text,
        symbol_id=symbol_id,
        bar_id=bar_id,
        incident_id=incident_id,
    )
    _write_of_breaker(draft, symbol_id, ticker, now)


def recovered(*, symbol_id: int, ticker: str, now: datetime, failures: int, incident_at: datetime, by: str) -> None:
    """Write that an open breaker closed. `by` is "scanner" after a success, else the operator who reset it.

    Runs inside the caller's transaction. Not sent alone if the opening was not.
    """
    text = texts.recovered(ticker=ticker, failures=failures, incident_at=incident_at, by=by, now=now)
    opening = Notification.objects.filter(symbol_id=symbol_id, kind=NotificationKind.OPENED, at__gte=incident_at)
    incident_id = opening.order_by("-id").values_list("incident_id", flat=True).first()
    draft = NotificationDraft(
        kind=NotificationKind.RECOVERED,
        severity=Severity.INFO,
        text=text,
        symbol_id=symbol_id,
        incident_id=incident_id,
    )
    _write_of_breaker(draft, symbol_id, ticker, now)


def _write_of_breaker(draft: "NotificationDraft", symbol_id: int, ticker: str, now: datetime) -> None:
    if draft.incident_id is not None:
        _skip([draft], now, why=TOLD_TOGETHER)
        return
    _write_unless_silenced(_of_drill(draft) if ticker == CANARY else draft, symbol_id, now)


def _of_drill(draft: "NotificationDraft") -> "NotificationDraft":
    """The same about the canary. Its severity is info, so that no program wakes anybody for it."""
    text = texts.of_drill(draft.text)
    return replace(draft, kind=NotificationKind.DRILL, severity=Severity.INFO, text=text)


def hold_back(incident_id: int, symbols: QuerySet[Any], *, since: datetime) -> None:
    """Send no message of its own for the breakers of these symbols that opened since then and were not told yet.

    `symbols`: a query of their ids. The incident's message tells of them.
    """
    untold = Notification.objects.filter(
        kind=NotificationKind.OPENED,
        at__gte=since,
        state=NotificationState.PENDING,
        attempts=0,
        next_try_at__isnull=False,
        symbol_id__in=symbols,
    )
    untold.update(state=NotificationState.SKIPPED, next_try_at=None, error=TOLD_TOGETHER, incident_id=incident_id)


def incident(
    row: FailureIncident,
    failing: Sequence[Failing],
    *,
    told_at: datetime,
    switch: DetectorSwitch | None,
    now: datetime,
) -> bool:
    """Write the one message of an incident, with a line for each of these symbols. False: somebody else was first.

    Symbols whose breakers' messages are silenced are left out. `told_at`: symbols that failed first after it are not
    among these.
    """
    silences = Silences.load(now)
    heard = [one for one in failing if silences.find(BREAKER, one.symbol_id) is None]
    text = texts.incident(
        detector=row.detector,
        error_type=row.error_type,
        place=row.place,
        began_at=row.began_at,
        failing=heard or failing,
        more=row.told_at is not None,
        off_by=switch.by if switch is not None and switch.state != DetectorState.ON else None,
    )
    draft = NotificationDraft(kind=NotificationKind.INCIDENT, severity=Severity.ERROR, text=text, incident_id=row.pk)
    with transaction.atomic():
        if FailureIncident.objects.filter(pk=row.pk, told_at=row.told_at).update(told_at=told_at) != 1:
            return False
        if heard:
            write([draft], now)
        else:
            _skip([draft], now, why="the messages of all these symbols are silenced")
    return True


def incident_over(row: FailureIncident, *, off: bool, lasted: timedelta, now: datetime) -> bool:
    """Write that an incident is over. `off`: its detector is switched off. False: somebody else was first."""
    text = texts.incident_over(
        detector=row.detector, error_type=row.error_type, began_at=row.began_at, lasted=lasted, off=off
    )
    draft = NotificationDraft(kind=NotificationKind.INCIDENT, severity=Severity.INFO, text=text, incident_id=row.pk)
    with transaction.atomic():
        if FailureIncident.objects.filter(pk=row.pk, ended_at=None).update(ended_at=now) != 1:
            return False
        if (silence := Silences.load(now).find(BREAKER, None)) is None:
            write([draft], now)
        else:
            _skip([draft], now, why=f"silenced by {silence.created_by} until {clock(silence.until)}")
    return True


def _write_unless_silenced(draft: "NotificationDraft", symbol_id: int, now: datetime) -> None:
    """Store a breaker's message and have it sent; while it is silenced, only record that it was not sent."""
    if (silence := Silences.load(now).find(BREAKER, symbol_id)) is None:
        write([draft], now)
    else:
        _skip([draft], now, why=f"silenced by {silence.created_by} until {clock(silence.until)}")


def new_message_id() -> str:
    """A unique Message-ID. Django's asks the name server for this machine's name, which is too slow here."""
    domain = settings.SERVER_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<scanner-{uuid.uuid4().hex}@{domain[:100]}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDraft:
    """One notification, before it becomes a row for each channel."""

    kind: NotificationKind
    severity: Severity
    text: texts.Text
    symbol_id: int | None = None
    bar_id: int | None = None
    alert_id: int | None = None
    incident_id: int | None = None


def write(drafts: Sequence[NotificationDraft], now: datetime) -> None:
    """Store notifications, and have them sent after the commit. Runs inside the caller's transaction."""
    if store(drafts, now):
        trigger_after_commit()


def store(drafts: Sequence[NotificationDraft], now: datetime) -> bool:
    """Store a row for each notification and channel; without a channel, one skipped row for each notification.

    Returns whether there is something to send. Runs inside the caller's transaction. One query, whatever the number.
    """
    if not drafts:
        return False
    names = [channel.name for channel in channels.configured()]
    if names:
        Notification.objects.bulk_create(_row(draft, name, now) for draft in drafts for name in names)
        return True
    _skip(drafts, now, why="no channel: neither SCANNER_ADMINS nor SCANNER_NOTIFY_URLS is set")
    return False


def _skip(drafts: Sequence[NotificationDraft], now: datetime, *, why: str) -> None:
    """Store one row for each notification, which says why it is not sent to anybody."""
    skipped = [_row(draft, NO_CHANNEL, now) for draft in drafts]
    for row in skipped:
        row.state, row.next_try_at, row.error = NotificationState.SKIPPED, None, why
    Notification.objects.bulk_create(skipped)


def _row(draft: NotificationDraft, channel: str, now: datetime) -> Notification:
    return Notification(
        kind=draft.kind,
        severity=draft.severity,
        symbol_id=draft.symbol_id,
        bar_id=draft.bar_id,
        alert_id=draft.alert_id,
        incident_id=draft.incident_id,
        channel=channel,
        at=now,
        subject=draft.text.subject,
        body=draft.text.body,
        message_id=new_message_id(),
        next_try_at=now,
    )
