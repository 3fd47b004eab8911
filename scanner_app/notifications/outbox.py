"""Notifications as rows, written in the transaction of what they report, so that none is lost. No I/O."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from scanner_app.domain.enums import NotificationKind, NotificationState
from scanner_app.models import Notification
from scanner_app.notifications import channels, texts
from scanner_app.notifications.trigger import trigger_after_commit

NO_CHANNEL = "none"
"""Channel of the row that records a notification that could not be sent to anybody."""


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
) -> None:
    """Write that a breaker opened. Call it at the first opening of an incident only, not after a failed probe.

    `error` is the last failure's type and message. Runs inside the caller's transaction.
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
    write([NotificationDraft(kind=NotificationKind.OPENED, text=text, symbol_id=symbol_id, bar_id=bar_id)], now)


def recovered(*, symbol_id: int, ticker: str, now: datetime, failures: int, incident_at: datetime, by: str) -> None:
    """Write that an open breaker closed. `by` is "scanner" after a success, else the operator who reset it.

    Runs inside the caller's transaction.
    """
    text = texts.recovered(ticker=ticker, failures=failures, incident_at=incident_at, by=by, now=now)
    write([NotificationDraft(kind=NotificationKind.RECOVERED, text=text, symbol_id=symbol_id)], now)


def new_message_id() -> str:
    """A unique Message-ID. Django's asks the name server for this machine's name, which is too slow here."""
    domain = settings.SERVER_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<scanner-{uuid.uuid4().hex}@{domain[:100]}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDraft:
    """One notification, before it becomes a row for each channel."""

    kind: NotificationKind
    text: texts.Text
    symbol_id: int | None = None
    bar_id: int | None = None
    alert_id: int | None = None


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
    skipped = [_row(draft, NO_CHANNEL, now) for draft in drafts]
    for row in skipped:
        row.state, row.next_try_at = NotificationState.SKIPPED, None
        row.error = "no channel: neither SCANNER_ADMINS nor SCANNER_NOTIFY_URLS is set"
    Notification.objects.bulk_create(skipped)
    return False


def _row(draft: NotificationDraft, channel: str, now: datetime) -> Notification:
    return Notification(
        kind=draft.kind,
        symbol_id=draft.symbol_id,
        bar_id=draft.bar_id,
        alert_id=draft.alert_id,
        channel=channel,
        at=now,
        subject=draft.text.subject,
        body=draft.text.body,
        message_id=new_message_id(),
        next_try_at=now,
    )
