"""What becomes of forming bars: after their period they are accepted as assumed; before, their values are stored.

Run every few seconds on the upkeep worker. A bar of which a closed one has come meanwhile is forgotten.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import structlog
from django.conf import settings

from scanner_app import mailbox
from scanner_app.domain.bars import values_of
from scanner_app.domain.timeframes import RANK
from scanner_app.engine import forming
from scanner_app.engine.forming import Kept
from scanner_app.mailbox.accept import CHUNK
from scanner_app.models import FormingBar

log = structlog.get_logger(__name__)

STORE_EVERY = timedelta(seconds=10)
"""How old a forming bar's values in the database become, while the broker has newer ones."""

MOST_AT_ONCE = 5_000
"""Bars of one run, some seconds of work; the others are next."""


def run(now: datetime) -> dict[str, int]:
    """Accept the forming bars whose grace is over, store newer values of the others; returns their numbers by kind.

    Raises RedisError if the broker does not answer: it may have newer values than the database.
    """
    bars = forming.kept(FormingBar.objects.all(), now=now, may_be_old=False)
    grace = timedelta(seconds=settings.SCANNER_ASSUME_AFTER_S)
    ended = [one for one in bars if one.ends_at + grace <= now]
    ended.sort(key=lambda one: one.values.sent_at, reverse=True)  # of a bar that is here twice, the newer values
    ended.sort(key=lambda one: (one.values.timestamp, RANK[one.period.timeframe]))
    counts = {"assumed": 0, "known": 0, "waiting": 0, "stored": _store_newer(bars, ended, now)}
    full: set[int] = set()  # ids of symbols with a full backlog: their bars take no other's place
    left = iter(ended)
    while counts["assumed"] + counts["known"] < MOST_AT_ONCE and (
        chunk := list(islice((one for one in left if one.period.symbol_id not in full), CHUNK))
    ):
        full |= _accept(chunk, counts, now)
    counts["waiting"] = len(ended) - counts["assumed"] - counts["known"]
    if counts["assumed"]:
        log.info("bars_assumed", **counts)
    return counts


def _accept(chunk: Sequence[Kept], counts: dict[str, int], now: datetime) -> set[int]:
    """Accept these; returns the ids of the symbols whose backlog is full."""
    # A bar of the same period under another timestamp is the closed one all the same.
    wanted = [one for one in chunk if one.newest_end != one.ends_at]
    verdicts = mailbox.accept([_assumed(one) for one in wanted], now=now)
    waiting = {
        one.period for one, verdict in zip(wanted, verdicts, strict=True) if verdict is mailbox.Verdict.BACKLOG_FULL
    }
    forming.forget([one for one in chunk if one.period not in waiting])
    accepted = verdicts.count(mailbox.Verdict.ACCEPTED)
    counts["assumed"] += accepted
    counts["known"] += len(chunk) - accepted - len(waiting)
    return {period.symbol_id for period in waiting}


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
    newer = {
        one.period: one.values
        for one in bars
        if one.values != one.stored and one.stored.sent_at <= now - STORE_EVERY and one.period not in over
    }
    forming.store(newer)
    return len(newer)
