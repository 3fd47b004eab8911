"""Which hits are to be told by which channel, as rows: made once per hit and channel, in a step after the commit.

The completing transaction of a bar stores a hit and nothing else. This step finds hits that nobody has looked at
(`told` is false), makes their deliveries and sets `told`, in one transaction; run twice, also at the same time, it
makes each once.
"""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from scanner_app.domain.enums import UNTOLD_STATES, ChannelKind, DeliveryState
from scanner_app.domain.errors import AlreadySent
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models import Channel, Delivery, Hit, Rule

BATCH = 500
"""Hits of one transaction: some 20 ms on SQLite, where every other writer waits for it."""
AT_LEAST = timedelta(minutes=10)
"""Hits of short bars, too, get some retries before they are too old to be told."""


def make(now: datetime) -> int:
    """Make the deliveries of hits that have none yet; returns how many. Hits are looked at once and for all."""
    made = 0
    while Hit.objects.filter(told=False).exists():
        looked_at, rows = _make_some(now)
        made += rows
        if looked_at < BATCH:
            break
    return made


def _make_some(now: datetime) -> tuple[int, int]:
    with transaction.atomic():
        # Locked, so that of two processes each takes others. SQLite has one writer at a time anyway.
        untold = Hit.objects.select_for_update(skip_locked=True).filter(told=False).order_by("id")
        hits = list(untold.only("id", "rule_id", "timeframe", "created_at")[:BATCH])
        rules = Rule.objects.filter(enabled=True, deleted_at=None).in_bulk({hit.rule_id for hit in hits})
        open_channels = set(Channel.objects.filter(enabled=True, deleted_at=None).values_list("pk", flat=True))
        rows = [
            _row(channel_id, now, hit=hit, rule=rules[hit.rule_id])
            for hit in hits
            if hit.rule_id in rules
            for channel_id in dict.fromkeys(rules[hit.rule_id].channels)
            if channel_id in open_channels
        ]
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        Hit.objects.filter(pk__in=[hit.pk for hit in hits]).update(told=True)
    return len(hits), len(rows)


def _row(channel_id: int, now: datetime, *, hit: Hit, rule: Rule) -> Delivery:
    return Delivery(
        hit_id=hit.pk,
        channel_id=channel_id,
        rule_id=rule.pk,
        created_at=now,
        next_attempt_at=now,
        expires_at=hit.created_at + _tell_within(rule, hit.timeframe),
        message_id=new_message_id(),
    )


def _tell_within(rule: Rule, timeframe: str) -> timedelta:
    """How old a hit may be when it is told: what its rule says, else as long as a bar counts as fresh."""
    if rule.tell_within_s is not None:
        return timedelta(seconds=rule.tell_within_s)
    return max(2 * TIMEFRAMES[timeframe], AT_LEAST)


def test(channel: Channel, now: datetime) -> Delivery:
    """Have a test message sent by a channel."""
    return Delivery.objects.create(channel=channel, created_at=now, next_attempt_at=now, message_id=new_message_id())


def digest(channel: Channel, rule_id: int, ids: list[int], now: datetime) -> Delivery | None:
    """Store a digest and the deliveries that it names; None, with nothing changed, if another process was first."""
    with transaction.atomic():
        free = Delivery.objects.filter(pk__in=ids, state=DeliveryState.WAITING, attempts=0, digest=None)
        row = Delivery.objects.create(
            channel=channel, rule_id=rule_id, created_at=now, next_attempt_at=now, message_id=new_message_id()
        )
        if free.update(digest=row, next_attempt_at=None) != len(ids):
            transaction.set_rollback(True)
            return None
    return row


def expire(now: datetime) -> int:
    """Drop what is older than its rule wants to tell, or whose rule or hits were deleted; returns how many deliveries.

    A webhook that was tried once is tried on, for a day: its receiver is a program that wants all of it.
    """
    tried_webhook = Q(channel__kind=ChannelKind.WEBHOOK, attempts__gt=0)
    no_rule = ~Q(rule_id=None) & ~Exists(Rule.objects.filter(pk=OuterRef("rule_id"), deleted_at=None))
    named = Delivery.objects.filter(digest_id=OuterRef("pk"))
    no_hits = Q(hit=None) & ~Q(rule_id=None) & ~Exists(named)  # a digest of symbols that were deleted
    untold = Delivery.objects.filter(state__in=UNTOLD_STATES, digest=None)
    old = untold.filter((Q(expires_at__lte=now) & ~tried_webhook) | no_rule | no_hits)
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    # Those that a digest names go with it.
    dropped = Delivery.objects.filter(Q(pk__in=ids) | Q(digest_id__in=ids), state__in=UNTOLD_STATES)
    # The time is asked once more: an operator may just have had one sent again.
    dropped = dropped.filter(Q(expires_at__lte=now) | no_rule | no_hits | ~Q(digest=None))
    return dropped.update(state=DeliveryState.EXPIRED, next_attempt_at=None)


def retry(delivery: Delivery, now: datetime) -> None:
    """Have a delivery tried again at once, by itself, with all retries, however old it is. Raises AlreadySent."""
    unsent = Delivery.objects.filter(pk=delivery.pk).exclude(state=DeliveryState.SENT)
    if not unsent.update(
        state=DeliveryState.WAITING, attempts=0, next_attempt_at=now, expires_at=None, digest=None, last_error=""
    ):
        raise AlreadySent("this delivery was sent: a retry would tell its hit twice")


def new_message_id() -> str:
    """What a receiver knows a message by."""
    return f"msg_{uuid.uuid4().hex}"
