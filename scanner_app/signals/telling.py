"""Tell the hits: send the deliveries that are due. Safe to repeat after a crash, and to run several times at once.

One process at a time sends by a channel: it claims the channel and renews that claim while it lives. A guarded update
notes each try before it is made. If the process dies while it sends, the delivery is tried again after the lease, under
the message id that it has from the start. A channel that
fails is left for a while, so that a dead server does not delay the others.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import Error, connection
from django.db.models import F, Max, Min, Q, QuerySet

from scanner_app.domain.enums import UNTOLD_STATES, DeliveryState
from scanner_app.domain.wording import error_line, readable
from scanner_app.models import Channel, Delivery
from scanner_app.notifications.channels import NotDelivered
from scanner_app.notifications.delivery import BACKOFF
from scanner_app.notifications.webhooks import Refused
from scanner_app.signals import bundles, channels, deliveries, hit_messages
from scanner_app.telemetry import counters
from scanner_app.workers.outages import IN_A_RUN

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
"""How long a claimed channel belongs to a process that does not renew its claim: the delay that its death costs."""

RENEWED_EVERY_S = 3.0
"""A send may take longer than the lease: meanwhile the claim is renewed."""

RUN_FOR = timedelta(seconds=15)
"""A run starts no further message after this time: the longest takes another half minute."""

SHARE = timedelta(seconds=10)
"""After this time a run leaves a channel for the next one, whatever is still to be sent by it."""

LOOK_AT = 500
"""Deliveries of a channel that are looked at together; so many hits a digest names at most."""

PAUSES = [timedelta(seconds=s) for s in (5, 15, 30, 60)]
"""How long a channel is left after its first, second, … failure in a row: each may have taken half a minute."""

MOST_PATIENT = timedelta(days=1)
"""The longest that a receiver's Retry-After is obeyed."""


def run(clock: Callable[[], datetime]) -> dict[str, int]:
    """Send what is due. Returns the numbers of deliveries "made", "expired", "sent", "retried" and "given_up"."""
    began = clock()
    done: Counter[str] = Counter(made=deliveries.make(began), expired=deliveries.expire(began))
    for channel in _with_work(began):
        if clock() - began > RUN_FOR:
            break
        if not _claim_channel(channel, clock()):
            continue  # another process sends by it
        with _claim_kept(channel, clock):
            try:
                _tell(channel, clock, done, until=min(clock() + SHARE, began + RUN_FOR))
            except IN_A_RUN:
                raise
            except Exception as exc:  # an error with one channel must not keep the others from their hits
                log.exception("channel_failed", channel=channel.name)
                _leave(channel, error_line(type(exc).__name__, str(exc)), clock())
    done["removed"] = channels.remove_some_rows()
    counters.deliveries(done)
    return dict(+done)


def _with_work(now: datetime) -> list[Channel]:
    """Channels with something due, those with the fewest failures first, then those that waited longest."""
    busy, paused = Q(busy_until__gt=now), Q(paused_until__gt=now)
    due = Q(deliveries__state__in=UNTOLD_STATES, deliveries__next_attempt_at__lte=now)
    return list(
        Channel.objects.filter(due, enabled=True, deleted_at=None)
        .exclude(busy)
        .exclude(paused)
        .annotate(waiting_since=Min("deliveries__next_attempt_at"))
        .order_by("failures", "waiting_since")
    )


def _claim_channel(channel: Channel, now: datetime) -> bool:
    free = Channel.objects.filter(Q(busy_until=None) | Q(busy_until__lte=now), pk=channel.pk, enabled=True)
    return free.update(busy_until=now + LEASE) == 1


@contextmanager
def _claim_kept(channel: Channel, clock: Callable[[], datetime]) -> Iterator[None]:
    """Renew the claim of the channel while the block runs, and give it back afterwards."""
    over, mine = threading.Event(), Channel.objects.filter(pk=channel.pk)

    def renew() -> None:
        try:
            while not over.wait(RENEWED_EVERY_S):
                try:
                    mine.update(busy_until=clock() + LEASE)
                except Error as exc:  # the next renewal may still come in time
                    log.warning("claim_not_renewed", channel=channel.name, error=str(exc))
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=renew, name="claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        mine.update(busy_until=None)


def _tell(channel: Channel, clock: Callable[[], datetime], done: Counter[str], *, until: datetime) -> None:
    if (quiet := channels.quiet_until(channel, clock())) is not None:
        _due(channel, clock()).update(next_attempt_at=quiet)
        return
    while ready := _ready(channel, clock()):
        for row in ready:
            if (now := clock()) > until:
                return
            if row.attempts > len(BACKOFF):
                _give_up(row, channel, row.last_error or "the sending worker died each time")
                done["given_up"] += 1
                continue
            if not _claim(row, now):
                continue  # expired, retried by hand, or sent by another process meanwhile
            try:
                hit_messages.send(row, channel, now)
            except NotDelivered as exc:
                done["given_up" if _record_failure(row, channel, exc, clock()) else "retried"] += 1
                return
            _record_sent(row, channel, clock())
            done["sent"] += 1


def _due(channel: Channel, now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(channel=channel, state__in=UNTOLD_STATES, next_attempt_at__lte=now)


def _ready(channel: Channel, now: datetime) -> list[Delivery]:
    """What to send now, the oldest first. Creates the digests among it."""
    due = list(_due(channel, now).select_related("hit__symbol").order_by("pk")[:LOOK_AT])
    # What was tried is never put into a digest: it may have arrived. A digest or a test is in none.
    fresh: dict[int, list[int]] = defaultdict(list)
    for row in due:
        if row.hit_id is not None and row.rule_id is not None and not row.attempts:
            fresh[row.rule_id].append(row.pk)
    plan = bundles.plan(fresh, _told(channel, list(fresh), now), now)
    alone = {*plan.singles, *(row.pk for row in due if row.attempts or row.hit_id is None)}
    made = [deliveries.digest(channel, rule, ids, now) for rule, ids in plan.digests.items()]
    return [*(row for row in due if row.pk in alone), *(row for row in made if row is not None)]


def _told(channel: Channel, rules: list[int], now: datetime) -> dict[int, bundles.Told]:
    """What the channel told of these rules within the last minute."""
    since = now - bundles.MINUTE
    of_rules = Delivery.objects.filter(channel=channel, rule_id__in=rules).order_by()
    singly = Counter(
        of_rules.filter(sent_at__gt=since, digest=None).exclude(hit=None).values_list("rule_id", flat=True)
    )
    digests = of_rules.filter(hit=None, created_at__gt=since).values_list("rule_id").annotate(Max("created_at"))
    made = dict(digests)
    return {rule: bundles.Told(singly=singly[rule], digest_at=made.get(rule)) for rule in rules}


def _claim(row: Delivery, now: datetime) -> bool:
    """Take the row for this process, and note the try before it is made."""
    mine = Delivery.objects.filter(pk=row.pk, state__in=UNTOLD_STATES, attempts=row.attempts, digest=None)
    claimed = mine.filter(next_attempt_at=row.next_attempt_at).update(
        attempts=F("attempts") + 1, next_attempt_at=now + LEASE
    )
    row.attempts += 1
    return claimed == 1


def _record_sent(row: Delivery, channel: Channel, now: datetime) -> None:
    _close(row, state=DeliveryState.SENT, sent_at=now, last_error="")
    Channel.objects.filter(pk=channel.pk).exclude(failures=0).update(failures=0, paused_until=None, last_error="")


def _record_failure(row: Delivery, channel: Channel, exc: NotDelivered, now: datetime) -> bool:
    """Note a failed try; returns whether it was the last one."""
    error = readable(str(exc))  # PostgreSQL refuses some of what a receiver may answer
    log.warning("hit_not_told", channel=channel.name, message_id=row.message_id, attempt=row.attempts, error=error)
    patience = min(exc.retry_after, now + MOST_PATIENT) if isinstance(exc, Refused) and exc.retry_after else now
    _leave(channel, error, now, patience=patience)
    if isinstance(exc, Refused) and exc.gone:
        _switch_off(channel, error)
        return True
    if row.attempts > len(BACKOFF):
        _give_up(row, channel, error)
        return True
    again = max(now + BACKOFF[row.attempts - 1], patience)
    Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.FAILED, next_attempt_at=again, last_error=error)
    Delivery.objects.filter(digest_id=row.pk).update(state=DeliveryState.FAILED, last_error=error)
    return False


def _leave(channel: Channel, error: str, now: datetime, *, patience: datetime | None = None) -> None:
    """Leave the channel for a while after a failure, at least until `patience`: others have their turn."""
    pause = now + PAUSES[min(channel.failures, len(PAUSES) - 1)]
    Channel.objects.filter(pk=channel.pk).update(
        failures=F("failures") + 1, paused_until=max(pause, patience or pause), last_error=error
    )


def _give_up(row: Delivery, channel: Channel, error: str) -> None:
    _close(row, state=DeliveryState.GIVEN_UP, last_error=error)
    log.error("hit_given_up", channel=channel.name, message_id=row.message_id, error=error)


def _switch_off(channel: Channel, error: str) -> None:
    """The receiver is gone for good: nothing more is sent there until somebody switches the channel on again."""
    Channel.objects.filter(pk=channel.pk).update(enabled=False)
    waiting = Delivery.objects.filter(channel=channel, state__in=UNTOLD_STATES)
    given_up = waiting.update(state=DeliveryState.GIVEN_UP, next_attempt_at=None, last_error=error)
    log.error("channel_switched_off", channel=channel.name, given_up=given_up, error=error)


def _close(row: Delivery, **values: object) -> None:
    """The final state of a row, and of the rows that it tells of, if it is a digest."""
    Delivery.objects.filter(Q(pk=row.pk) | Q(digest_id=row.pk)).update(next_attempt_at=None, **values)
