"""What the mailbox writes in the transaction of a transition, so that no message is lost: rows, no I/O."""

import uuid
from datetime import datetime

from django.conf import settings

from scanner_app.alerts import channels, compose
from scanner_app.alerts.asking import ask_after_commit
from scanner_app.models import Notification, NotificationKind, NotificationState

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
    text = compose.opened(
        ticker=ticker,
        timeframe=timeframe,
        bar_time=bar_time,
        failures=failures,
        error=error,
        half_open_at=half_open_at,
        now=now,
    )
    _write(NotificationKind.OPENED, text, now, symbol_id=symbol_id, bar_id=bar_id)


def recovered(*, symbol_id: int, ticker: str, now: datetime, failures: int, incident_at: datetime, by: str) -> None:
    """An open breaker closed; `by` is "scanner" after a success, else the operator who reset it.

    Runs inside the caller's transaction.
    """
    text = compose.recovered(ticker=ticker, failures=failures, incident_at=incident_at, by=by, now=now)
    _write(NotificationKind.RECOVERED, text, now, symbol_id=symbol_id)


def new_message_id() -> str:
    """A Message-ID that nobody else has.

    Django's own asks the name server for this machine's name, which a transaction can't wait for.
    """
    domain = settings.SERVER_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<scanner-{uuid.uuid4().hex}@{domain[:100]}>"


def _write(
    kind: NotificationKind, text: compose.Text, now: datetime, *, symbol_id: int, bar_id: int | None = None
) -> None:
    def row(channel: str) -> Notification:
        return Notification(
            kind=kind,
            symbol_id=symbol_id,
            bar_id=bar_id,
            channel=channel,
            at=now,
            subject=text.subject,
            body=text.body,
            message_id=new_message_id(),
            next_try_at=now,
        )

    rows = [row(channel.name) for channel in channels.configured()]
    if rows:
        Notification.objects.bulk_create(rows)
        ask_after_commit()
        return
    untold = row(NO_CHANNEL)
    untold.state, untold.next_try_at = NotificationState.SKIPPED, None
    untold.error = "no channel: neither SCANNER_ADMINS nor SCANNER_NOTIFY_URLS is set"
    untold.save()
