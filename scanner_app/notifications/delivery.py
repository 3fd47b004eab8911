"""Send pending notifications by their channels. Safe to repeat after a crash, and safe to run several times at once.

A guarded update claims a row and starts its lease. If the worker dies while it sends, the row is tried again after the
lease, with the Message-ID that it has from the start. A digest is stored, together with the rows that it names, before
it is sent, so that a second sending is the same message.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from scanner_app.domain.alert_rules import BREAKER
from scanner_app.domain.enums import NotificationKind, NotificationState, Severity
from scanner_app.models import Notification
from scanner_app.notifications import channels, digests, texts
from scanner_app.notifications.links import links_of, rules_of_digest
from scanner_app.notifications.outbox import new_message_id

log = structlog.get_logger(__name__)

BACKOFF = [timedelta(seconds=s) for s in (10, 30, 120, 600, 1_800)] + [timedelta(hours=1)] * 24
"""From a failed try to the next: quickly at first, then hourly for a day. Then the message is given up."""

LEASE = timedelta(seconds=120)
"""How long a claimed row belongs to one worker. Longer than the task's hard time limit, so that two never have it."""

RUN_FOR = timedelta(seconds=30)
"""A run starts no further message after this time, so that the task's time limits only end a send that hangs."""

DIGESTS = {
    NotificationKind.OPENED: texts.digest_of_opened,
    NotificationKind.RECOVERED: texts.digest_of_recovered,
    NotificationKind.FIRED: texts.digest_of_fired,
    NotificationKind.RENEWED: texts.digest_of_renewed,
    NotificationKind.CLEARED: texts.digest_of_cleared,
}
"""The kinds that are combined when there are many, and the text of their digest."""

GOOD_NEWS = frozenset({NotificationKind.RECOVERED, NotificationKind.CLEARED})
"""The kinds that say that something is over."""

APPRISE_TYPES = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
"""What apprise calls a message by its severity. Good news is "success", whatever it was about."""


def run(clock: Callable[[], datetime]) -> dict[str, int]:
    """Send what is due on every channel. Returns the numbers of messages "sent", "retried" and, if given up, "failed".

    After a channel's first failure the run leaves that channel and goes on with the others: its further messages would
    most likely wait for the same dead server. They are tried by the next run.
    """
    began = clock()
    done: Counter[str] = Counter()
    for name in _channels_with_work(began):
        channel = channels.find(name)
        if channel is None:
            done["failed"] += _give_up_channel(name)
            continue
        for row in _ready(name, clock()):
            now = clock()
            if now - began > RUN_FOR:
                return dict(done)
            if row.attempts > len(BACKOFF):
                done["failed"] += _give_up(row, row.error or "the sending worker died each time")
                continue
            if not _claim(row, now):
                continue  # another worker was first, or the row is in a digest now
            try:
                channels.send(
                    channel,
                    subject=row.subject,
                    body=f"{row.body}\n\n{links_of(row)}\n",
                    message_id=row.message_id,
                    about=_about(row),
                )
            except channels.NotDelivered as exc:
                done[_record_failure(row, str(exc), clock())] += 1
                break
            _record_sent(row, clock())
            done["sent"] += 1
    return dict(done)


def _channels_with_work(now: datetime) -> list[str]:
    """Channels with due messages, those with the fewest failed tries first: a dead server must not delay the others."""
    tried: dict[str, int] = {}
    for channel, attempts in _due(now).values_list("channel", "attempts"):
        tried[channel] = max(tried.get(channel, 0), attempts)
    return sorted(tried, key=lambda channel: (tried[channel], channel))


def _due(now: datetime) -> QuerySet[Notification]:
    # A row that was never tried is due whatever its time: it may come from a machine whose clock is ahead of ours.
    time_has_come = Q(next_try_at__lte=now) | Q(attempts=0, next_try_at__isnull=False)
    return Notification.objects.filter(time_has_come, state=NotificationState.PENDING)


def _ready(channel: str, now: datetime) -> list[Notification]:
    """The channel's messages to send now: errors first, then the oldest. Creates the digests among them."""
    due = list(_due(now).filter(channel=channel).select_related("symbol", "alert"))
    ready = [row for row in due if row.attempts or row.kind not in DIGESTS]
    # A row that a worker has tried is never combined: it may have arrived.
    untried: dict[tuple[str, str], dict[int, Notification]] = {}
    for row in due:
        if row.kind in DIGESTS and not row.attempts:
            rule = row.alert.rule if row.alert else None
            untried.setdefault((row.kind, _error_rule(row.severity, rule)), {})[row.pk] = row
    for (kind, rule), rows in untried.items():
        for message in digests.plan(*_candidates(channel, kind, rule, rows), now):
            if not message.is_digest:
                ready.append(rows[message.ids[0]])
            elif digest := _create_digest(channel, NotificationKind(kind), message, now):
                ready.append(digest)
    return sorted(ready, key=lambda row: (row.severity != Severity.ERROR, row.pk))


def _error_rule(severity: str | None, rule: str | None) -> str:
    """The rule whose alerts alone may share a digest with this one; empty: all those with an empty one.

    So an alert of severity error is never in a digest with others: it is told alone, or, where many symbols have the
    same trouble at once, with alerts of its own rule. A breaker's message has no rule.
    """
    return rule if rule is not None and severity == Severity.ERROR else ""


def _candidates(
    channel: str, kind: str, rule: str, untried: dict[int, Notification]
) -> tuple[list[digests.Candidate], list[digests.Candidate]]:
    """The pending and the earlier candidates, as `digests.plan` needs them."""
    since = min(row.at for row in untried.values()) - digests.MINUTE
    earlier = Notification.objects.filter(at__gt=since, channel=channel, kind=kind, incident=None).exclude(
        pk__in=list(untried)
    )
    return (
        [digests.Candidate(id=row.pk, at=row.at) for row in untried.values()],
        [
            digests.Candidate(id=pk, at=at, in_digest=digest is not None)
            for pk, at, digest, severity, of_rule in earlier.values_list(
                "pk", "at", "digest", "severity", "alert__rule"
            )
            if _error_rule(severity, of_rule) == rule
        ],
    )


def _about(row: Notification) -> channels.About:
    """What a program that receives the message may want to know of it."""
    severity = Severity(row.severity or Severity.ERROR)  # without one only in rows of older versions
    kinds, rules = {row.kind}, [row.alert.rule if row.alert else BREAKER]
    if row.kind == NotificationKind.DIGEST:
        kinds = set(Notification.objects.filter(digest=row).order_by().values_list("kind", flat=True).distinct())
        rules = rules_of_digest(row)
    elif row.kind == NotificationKind.DRILL:
        rules = [NotificationKind.DRILL]
    return channels.About(
        type="success" if kinds <= GOOD_NEWS else APPRISE_TYPES[severity],
        severity=severity,
        rule=rules[0] if len(rules) == 1 else "",
        symbol=row.symbol.ticker if row.symbol else "",
    )


def _create_digest(
    channel: str, kind: NotificationKind, message: digests.PlannedMessage, now: datetime
) -> Notification | None:
    """Store a digest and mark the rows that it names; None, with nothing changed, if another worker was first."""
    named = [*message.ids, *message.also]
    rows = Notification.objects.select_related("symbol").filter(pk__in=named).order_by("at", "pk")
    text = DIGESTS[kind](
        [
            texts.DigestEntry(
                ticker=row.symbol.ticker if row.symbol else "scanner",
                at=row.at,
                headline=texts.Text(subject=row.subject, body=row.body).headline,
                severity=row.severity or Severity.ERROR,
            )
            for row in rows
        ]
    )
    worst = max((Severity(row.severity or Severity.ERROR) for row in rows), key=list(Severity).index)
    with transaction.atomic():
        digest = Notification.objects.create(
            kind=NotificationKind.DIGEST,
            severity=worst,
            channel=channel,
            at=now,
            subject=text.subject,
            body=text.body,
            message_id=new_message_id(),
            next_try_at=now,
        )
        taken = _unclaimed(Notification.objects.filter(pk__in=message.ids)).update(digest=digest, next_try_at=None)
        if taken != len(message.ids):
            transaction.set_rollback(True)
            return None
        Notification.objects.filter(pk__in=message.also).update(digest=digest)
    return digest


def _unclaimed(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    return rows.filter(state=NotificationState.PENDING, attempts=0, next_try_at__isnull=False)


def _claim(row: Notification, now: datetime) -> bool:
    # The number of tries is the guard, so the update changes it. A row that went into a digest has no next try.
    claimed = Notification.objects.filter(
        pk=row.pk, state=NotificationState.PENDING, attempts=row.attempts, next_try_at__isnull=False
    ).update(attempts=F("attempts") + 1, next_try_at=now + LEASE)
    row.attempts += claimed
    return claimed == 1


def _record_sent(row: Notification, now: datetime) -> None:
    # Without a guard on the lease: even if it has ended, the message has arrived.
    _close(row, state=NotificationState.SENT, sent_at=now, error="")
    log.info("notification_sent", channel=row.channel, subject=row.subject, attempt=row.attempts)


def _record_failure(row: Notification, error: str, now: datetime) -> str:
    """Plan the next try, or give up after the last. Returns "retried" or "failed"."""
    log.warning("notification_not_sent", channel=row.channel, subject=row.subject, attempt=row.attempts, error=error)
    if row.attempts > len(BACKOFF):
        _give_up(row, error)
        return "failed"
    Notification.objects.filter(pk=row.pk, state=NotificationState.PENDING, attempts=row.attempts).update(
        next_try_at=now + BACKOFF[row.attempts - 1], error=error
    )
    return "retried"


def _close(row: Notification, **values: object) -> None:
    """Set the final state of a row, and of the rows that are sent only as part of it, a digest."""
    pending = Notification.objects.filter(state=NotificationState.PENDING)
    with transaction.atomic():
        pending.filter(digest_id=row.pk, next_try_at=None).update(**values)
        pending.filter(pk=row.pk).update(next_try_at=None, **values)


def _give_up_channel(channel: str) -> int:
    error = "this channel is no longer configured: see SCANNER_ADMINS and SCANNER_NOTIFY_URLS"
    rows = list(
        Notification.objects.filter(state=NotificationState.PENDING, channel=channel, next_try_at__isnull=False)
    )
    return sum(_give_up(row, error) for row in rows)


def _give_up(row: Notification, error: str) -> int:
    _close(row, state=NotificationState.FAILED, error=error)
    log.error("notification_failed", channel=row.channel, subject=row.subject, attempt=row.attempts, error=error)
    return 1
