"""Which messages go out alone, which wait for their like and become one: values, no Django, no clock.

The first four of a minute go out at once. From the fifth on they are collected, until for 15 s none has come
or the minute since the first is over; then one message names them all, the first four included. A burst that
is seen as one (five and more before any was sent) has its first go out at once; the others all wait for the digest.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SINGLES = 4
"""Messages within MINUTE that go out each by itself: the requirement is one message from five on."""

MINUTE = timedelta(minutes=1)
"""The span in which messages are counted, and the longest that one waits for its like."""

QUIET = timedelta(seconds=15)
"""A burst is over when none has come for so long: beyond the second and third retry (2 and 4 s), so that symbols
that fell ill together and open a few seconds apart are still one burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to one channel, of one kind."""

    id: int
    at: datetime  # of what it tells
    named: bool = False  # a digest has it already


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is to be sent now: the message of one notice, or a digest."""

    ids: tuple[int, ...]  # told by this for the first time
    also: tuple[int, ...] = ()  # told before, named again

    @property
    def is_digest(self) -> bool:
        """Whether it names several; else it is the message of its one notice."""
        return len(self.ids) + len(self.also) > 1


def plan(pending: Sequence[Notice], told: Sequence[Notice], now: datetime) -> list[Mail]:
    """What is to be sent now of `pending`; the others wait.

    `pending` are those that nobody has tried to send. `told` are the others of the minute before the first of
    them or later: sent, being sent, or in a digest. Both are of one channel and one kind.
    """
    waiting = sorted(pending, key=_order)
    everybody = sorted([*told, *pending], key=_order)
    crowded = {
        notice.id
        for fourth_before, notice in zip(everybody, everybody[SINGLES:], strict=False)
        if notice.at - fourth_before.at < MINUTE
    }
    times = [notice.at for notice in waiting if notice.id in crowded]

    def joins(notice: Notice) -> bool:
        """Whether a collected one came with it or within a minute after it."""
        place = bisect_left(times, notice.at)
        return place < len(times) and times[place] - notice.at < MINUTE

    collected = [notice for notice in waiting if joins(notice)]
    mails = [Mail(ids=(notice.id,)) for notice in waiting if not joins(notice)]
    if not collected:
        return mails
    known = [notice for notice in told if joins(notice)]
    also = sorted((notice for notice in known if not notice.named), key=_order)
    first = min([collected[0], *also], key=_order)
    if now >= min(first.at + MINUTE, times[-1] + QUIET):
        return [*mails, Mail(ids=_ids(collected), also=_ids(also))]
    if not known and collected[0].id not in crowded:
        mails.append(Mail(ids=(collected[0].id,)))  # nobody has been told anything yet
    return mails


def _order(notice: Notice) -> tuple[datetime, int]:
    return notice.at, notice.id


def _ids(notices: Sequence[Notice]) -> tuple[int, ...]:
    return tuple(notice.id for notice in notices)
