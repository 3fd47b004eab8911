"""What becomes of forming bars: after their period they are accepted as assumed; before, their values are stored.

Run every few seconds on the upkeep worker. A bar of which a closed one has come meanwhile is forgotten.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import structlog
from django.conf import settings

from scanner_app import mailbox
from scanner_app.domain import closing
from scanner_app.domain.bars import values_of
from scanner_app.domain.timeframes import RANK, TIMEFRAMES
from scanner_app.engine import forming
from scanner_app.engine.forming import Kept
from scanner_app.mailbox.accept import CHUNK
from scanner_app.models import Bar, FormingBar

log = structlog.get_logger(__name__)

STORE_EVERY = timedelta(seconds=10)
"""How old a forming bar's values in the database become, while the broker has newer ones."""

LONGEST_CLOSURE = timedelta(days=10)
"""No exchange is closed for longer: so far before its period's end a daily bar may be stamped, beside its length."""

MOST_AT_ONCE = 5_000
"""Bars of one run, some seconds of work; the others are next."""


def run(now: datetime) -> dict[str, int]:
    """Accept the forming bars whose grace is over, store newer values of the others; returns their numbers by kind.

    Raises RedisError if the broker does not answer: it may have newer values than the database.
    """
    bars = forming.kept(FormingBar.objects.all(), now=now, may_be_old=False)
    grace = timedelta(seconds=settings.SCANNER_ASSUME_AFTER_S)
    ended = [one for one in bars if one.ends_at + grace <= now]
    counts = {"assumed": 0, "known": 0, "waiting": 0, "stored": _store_newer(bars, ended, now)}
    ended, again = _without_doubles(ended)
    forming.forget(again)
    full: set[int] = set()  # ids of symbols with a full backlog: their bars take no other's place
    left = iter(sorted(ended, key=lambda one: (one.values.timestamp, RANK[one.period.timeframe])))
    while counts["assumed"] + counts["known"] < MOST_AT_ONCE and (
        chunk := list(islice((one for one in left if one.period.symbol_id not in full), CHUNK))
    ):
        full |= _accept(chunk, counts, now)
    counts["waiting"] = len(ended) - counts["assumed"] - counts["known"]
    counts["known"] += len(again)
    if counts["assumed"]:
        log.info("bars_assumed", **counts)
    return counts


def _without_doubles(bars: Sequence[Kept]) -> tuple[list[Kept], list[Kept]]:
    """Each bar once, and the others: after a change of calendar a bar may be here twice, and the newer values count."""

    def bar(one: Kept) -> tuple[int, str, datetime]:
        return one.period.symbol_id, one.period.timeframe, one.ends_at

    newest = {bar(one): one for one in sorted(bars, key=lambda one: one.values.sent_at)}
    return list(newest.values()), [one for one in bars if newest[bar(one)] is not one]


def _accept(chunk: Sequence[Kept], counts: dict[str, int], now: datetime) -> set[int]:
    """Accept these; returns the ids of the symbols whose backlog is full."""
    # A bar of the same period under another timestamp is the closed one all the same.
    wanted = [one for one in chunk if not _is_known(one)]
    verdicts = mailbox.accept([_assumed(one) for one in wanted], now=now)
    waiting = {
        one.period for one, verdict in zip(wanted, verdicts, strict=True) if verdict is mailbox.Verdict.BACKLOG_FULL
    }
    forming.forget([one for one in chunk if one.period not in waiting])
    accepted = verdicts.count(mailbox.Verdict.ACCEPTED)
    counts["assumed"] += accepted
    counts["known"] += len(chunk) - accepted - len(waiting)
    return {period.symbol_id for period in waiting}


def _is_known(one: Kept) -> bool:
    """Whether a bar of its period is stored: the newest of the series, or an older one if nobody ran this for long."""
    if one.newest_end is None or one.newest_end < one.ends_at:
        return False
    if one.newest_end == one.ends_at:
        return True
    timeframe = one.period.timeframe
    stored = Bar.objects.filter(
        symbol_id=one.period.symbol_id,
        timeframe=timeframe,
        timestamp__gt=one.ends_at - TIMEFRAMES[timeframe] - LONGEST_CLOSURE,
        timestamp__lt=one.ends_at,
    )
    times = stored.order_by("-timestamp").values_list("timestamp", flat=True)
    return any(closing.period_end(timeframe, timestamp, one.hours()) == one.ends_at for timestamp in times)


def _assumed(one: Kept) -> mailbox.NewBar:
    return mailbox.NewBar(
        symbol=one.ticker,
        timeframe=one.period.timeframe,
        timestamp=one.values.timestamp,
        **values_of(one.values),
        assumed=True,
    )


def _store_newer(bars: Sequence[Kept], ended: Sequence[Kept], now: datetime) -> int:
    over = {one.period for one in ended}
    newer = [
        one
        for one in bars
        if one.values != one.stored and one.stored.sent_at <= now - STORE_EVERY and one.period not in over
    ]
    forming.store_newer(newer)
    return len(newer)
