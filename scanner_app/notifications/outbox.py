"""What is written in the transaction of a transition, so that no message is lost: rows, no I/O."""

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
"""Channel of the one row that says that nobody was told."""


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
    """A breaker opened; to be called at the first opening of an incident only, not after a failed probe.

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
    write([Notice(kind=NotificationKind.OPENED, text=text, symbol_id=symbol_id, bar_id=bar_id)], now)


def recovered(*, symbol_id: int, ticker: str, now: datetime, failures: int, incident_at: datetime, by: str) -> None:
    """An open breaker closed; `by` is "scanner" after a success, else the operator who reset it.

    Runs inside the caller's transaction.
    """
    text = texts.recovered(ticker=ticker, failures=failures, incident_at=incident_at, by=by, now=now)
    write([Notice(kind=NotificationKind.RECOVERED, text=text, symbol_id=symbol_id)], now)


def new_message_id() -> str:
    """A Message-ID that nobody else has.

    Django's own asks the name server for this machine's name, which a transaction can't wait for.
    """
    domain = settings.SERVER_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<scanner-{uuid.uuid4().hex}@{domain[:100]}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told, whatever the channels."""

    kind: NotificationKind
    text: texts.Text
    symbol_id: int | None = None
    bar_id: int | None = None
    alert_id: int | None = None


def write(notices: Sequence[Notice], now: datetime) -> None:
    """Write what is to be told, and have it sent after the commit. Runs inside the caller's transaction."""
    if store(notices, now):
        trigger_after_commit()


def store(notices: Sequence[Notice], now: datetime) -> bool:
    """Write what is to be told, a row for each channel; without a channel, one that says so.

    Returns whether there is something to send. Runs inside the caller's transaction. One query, whatever the number.
    """
    if not notices:
        return False
    names = [channel.name for channel in channels.configured()]
    if names:
        Notification.objects.bulk_create(_row(notice, name, now) for notice in notices for name in names)
        return True
    untold = [_row(notice, NO_CHANNEL, now) for notice in notices]
    for row in untold:
        row.state, row.next_try_at = NotificationState.SKIPPED, None
        row.error = "no channel: neither SCANNER_ADMINS nor SCANNER_NOTIFY_URLS is set"
    Notification.objects.bulk_create(untold)
    return False


def _row(notice: Notice, channel: str, now: datetime) -> Notification:
    return Notification(
        kind=notice.kind,
        symbol_id=notice.symbol_id,
        bar_id=notice.bar_id,
        alert_id=notice.alert_id,
        channel=channel,
        at=now,
        subject=notice.text.subject,
        body=notice.text.body,
        message_id=new_message_id(),
        next_try_at=now,
    )
