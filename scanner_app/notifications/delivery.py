"""Pending notifications to their channels. Each step repeats safely, whoever crashes and however many run.

A row is claimed by a guarded update, which also is its lease: a worker that dies while it sends leaves a row that is
tried again when the lease is over, under the Message-ID that it has from the start. A digest is stored with what
it names before it is sent, so that it too is the same message when it is sent again.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from scanner_app.domain.enums import NotificationKind, NotificationState
from scanner_app.models import Notification
from scanner_app.notifications import channels, digests, texts
from scanner_app.notifications.links import links_of
from scanner_app.notifications.outbox import new_message_id

log = structlog.get_logger(__name__)

BACKOFF = [timedelta(seconds=s) for s in (10, 30, 120, 600, 1_800)] + [timedelta(hours=1)] * 24
"""From a failed try to the next: quickly at first, then hourly for a day; then the message has failed for good."""

LEASE = timedelta(seconds=120)
"""How long a claimed row is its claimer's. Longer than the task's hard time limit, so that it never is two workers'."""

RUN_FOR = timedelta(seconds=30)
"""After so long a run begins no further message, so that the task's time limits only ever meet one that hangs."""

DIGESTS = {
    NotificationKind.OPENED: texts.digest_of_opened,
    NotificationKind.RECOVERED: texts.digest_of_recovered,
    NotificationKind.FIRED: texts.digest_of_fired,
    NotificationKind.RENEWED: texts.digest_of_renewed,
    NotificationKind.CLEARED: texts.digest_of_cleared,
}
"""The kinds that are collected when there are many, and how one message names them."""


def run(clock: Callable[[], datetime]) -> dict[str, int]:
    """Send what is due, by every channel; returns how many messages were sent, retried later and given up.

    A channel's first failure ends its turn: the others would most likely only wait for the same dead server.
    They are tried at the next run, and so is every other channel in this one.
    """
    began = clock()
    done: Counter[str] = Counter()
    for name in _channels_with_work(began):
        channel = channels.find(name)
        if channel is None:
            done["failed"] += _give_up_on(name)
            continue
        for row in _ready(name, clock()):
            now = clock()
            if now - began > RUN_FOR:
                return dict(done)
            if row.attempts > len(BACKOFF):
                done["failed"] += _fail_for_good(row, row.error or "whoever sent it died, each time")
                continue
            if not _claim(row, now):
                continue  # somebody else was first, or it is in a digest now
            try:
                channels.send(
                    channel, subject=row.subject, body=f"{row.body}\n\n{links_of(row)}\n", message_id=row.message_id
                )
            except channels.NotDelivered as exc:
                done[_note_failure(row, str(exc), clock())] += 1
                break
            _note_sent(row, clock())
            done["sent"] += 1
    return dict(done)


def _channels_with_work(now: datetime) -> list[str]:
    """Those whose messages have failed least come first: a dead server's time-outs are not to hold up the others."""
    tried: dict[str, int] = {}
    for channel, attempts in _due(now).values_list("channel", "attempts"):
        tried[channel] = max(tried.get(channel, 0), attempts)
    return sorted(tried, key=lambda channel: (tried[channel], channel))


def _due(now: datetime) -> QuerySet[Notification]:
    # What nobody has tried is due whatever its time: another machine's clock wrote it, and may be ahead of ours.
    time_has_come = Q(next_try_at__lte=now) | Q(attempts=0, next_try_at__isnull=False)
    return Notification.objects.filter(time_has_come, state=NotificationState.PENDING)


def _ready(channel: str, now: datetime) -> list[Notification]:
    """The channel's messages that are to be sent now, oldest first, among them digests that are made here."""
    due = list(_due(now).filter(channel=channel).select_related("symbol", "alert"))
    ready = [row for row in due if row.attempts or row.kind not in DIGESTS]
    for kind in DIGESTS:
        # Those that somebody has begun to send stay as they are: they may have arrived.
        untried = {row.pk: row for row in due if row.kind == kind and not row.attempts}
        for mail in digests.plan(*_as_notices(channel, kind, untried), now) if untried else ():
            if not mail.is_digest:
                ready.append(untried[mail.ids[0]])
            elif digest := _make_digest(channel, kind, mail, now):
                ready.append(digest)
    return sorted(ready, key=lambda row: row.pk)


def _as_notices(
    channel: str, kind: str, untried: dict[int, Notification]
) -> tuple[list[digests.Notice], list[digests.Notice]]:
    since = min(row.at for row in untried.values()) - digests.MINUTE
    told = Notification.objects.filter(at__gt=since, channel=channel, kind=kind).exclude(pk__in=list(untried))
    return (
        [digests.Notice(id=row.pk, at=row.at) for row in untried.values()],
        [
            digests.Notice(id=pk, at=at, named=digest is not None)
            for pk, at, digest in told.values_list("pk", "at", "digest")
        ],
    )


def _make_digest(channel: str, kind: NotificationKind, mail: digests.Mail, now: datetime) -> Notification | None:
    """Store a digest and mark what it names; None, with nothing changed, if somebody else was first."""
    rows = Notification.objects.select_related("symbol").filter(pk__in=[*mail.ids, *mail.also]).order_by("at", "pk")
    text = DIGESTS[kind](
        [
            texts.DigestEntry(
                ticker=row.symbol.ticker if row.symbol else "scanner",
                at=row.at,
                headline=texts.Text(subject=row.subject, body=row.body).headline,
            )
            for row in rows
        ]
    )
    with transaction.atomic():
        digest = Notification.objects.create(
            kind=NotificationKind.DIGEST,
            channel=channel,
            at=now,
            subject=text.subject,
            body=text.body,
            message_id=new_message_id(),
            next_try_at=now,
        )
        taken = _unclaimed(Notification.objects.filter(pk__in=mail.ids)).update(digest=digest, next_try_at=None)
        if taken != len(mail.ids):
            transaction.set_rollback(True)
            return None
        Notification.objects.filter(pk__in=mail.also).update(digest=digest)
    return digest


def _unclaimed(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    return rows.filter(state=NotificationState.PENDING, attempts=0, next_try_at__isnull=False)


def _claim(row: Notification, now: datetime) -> bool:
    # The count of tries is the guard, so it is what changes; a row that went into a digest has no next try.
    claimed = Notification.objects.filter(
        pk=row.pk, state=NotificationState.PENDING, attempts=row.attempts, next_try_at__isnull=False
    ).update(attempts=F("attempts") + 1, next_try_at=now + LEASE)
    row.attempts += claimed
    return claimed == 1


def _note_sent(row: Notification, now: datetime) -> None:
    # Taken from whoever sent it, even if its lease was over: it has arrived.
    _close(row, state=NotificationState.SENT, sent_at=now, error="")
    log.info("notification_sent", channel=row.channel, subject=row.subject, attempt=row.attempts)


def _note_failure(row: Notification, error: str, now: datetime) -> str:
    """Plan the next try, or give up after the last; returns what it came to, for the report."""
    log.warning("notification_not_sent", channel=row.channel, subject=row.subject, attempt=row.attempts, error=error)
    if row.attempts > len(BACKOFF):
        _fail_for_good(row, error)
        return "failed"
    Notification.objects.filter(pk=row.pk, state=NotificationState.PENDING, attempts=row.attempts).update(
        next_try_at=now + BACKOFF[row.attempts - 1], error=error
    )
    return "retried"


def _close(row: Notification, **values: object) -> None:
    """The last word on a row, and on those that only its digest tells."""
    pending = Notification.objects.filter(state=NotificationState.PENDING)
    with transaction.atomic():
        pending.filter(digest_id=row.pk, next_try_at=None).update(**values)
        pending.filter(pk=row.pk).update(next_try_at=None, **values)


def _give_up_on(channel: str) -> int:
    error = "this channel is no longer configured: see SCANNER_ADMINS and SCANNER_NOTIFY_URLS"
    rows = list(
        Notification.objects.filter(state=NotificationState.PENDING, channel=channel, next_try_at__isnull=False)
    )
    return sum(_fail_for_good(row, error) for row in rows)


def _fail_for_good(row: Notification, error: str) -> int:
    _close(row, state=NotificationState.FAILED, error=error)
    log.error("notification_failed", channel=row.channel, subject=row.subject, attempt=row.attempts, error=error)
    return 1
