"""Which notifications are sent alone, and which are combined in a digest: values, no Django, no clock.

The first four within a minute are sent at once. From the fifth on they wait, until none has come for 15 s or a minute
has passed since the first. Then one digest names them all, the first four included. If five or more are already
waiting before any was sent, the first is sent at once, and all others wait for the digest.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SINGLES = 4
"""Notifications within MINUTE that are sent alone: the requirements want one message from five on."""

MINUTE = timedelta(minutes=1)
"""The time in which notifications are counted, and the longest that one waits for a digest."""

QUIET = timedelta(seconds=15)
"""A burst is over when no notification has come for so long. Longer than the second and third retry (2 and 4 s), so
that symbols with the same trouble, whose breakers open a few seconds apart, are still one burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A notification, of one kind and to one channel, that may go into a digest."""

    id: int
    at: datetime  # when it happened
    in_digest: bool = False  # a digest names it already


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """A message to send now: one notification, or a digest."""

    ids: tuple[int, ...]  # notifications that have not been sent yet
    also: tuple[int, ...] = ()  # sent before, named again by the digest

    @property
    def is_digest(self) -> bool:
        """Whether it names several notifications."""
        return len(self.ids) + len(self.also) > 1


def plan(pending: Sequence[Candidate], earlier: Sequence[Candidate], now: datetime) -> list[PlannedMessage]:
    """The messages to send now for `pending`; those that are in none of them wait.

    `pending` are notifications that no worker has tried to send. `earlier` are the others since a minute before the
    first pending one: sent, being sent, or in a digest. All are of one channel and one kind.
    """
    waiting = sorted(pending, key=_order)
    everything = sorted([*earlier, *pending], key=_order)
    # A notification is crowded if it is at least the fifth within a minute.
    crowded = {
        candidate.id
        for fourth_before, candidate in zip(everything, everything[SINGLES:], strict=False)
        if candidate.at - fourth_before.at < MINUTE
    }
    crowded_times = [candidate.at for candidate in waiting if candidate.id in crowded]

    def joins(candidate: Candidate) -> bool:
        """Whether it belongs into the digest: a crowded one came at the same time or less than a minute later."""
        place = bisect_left(crowded_times, candidate.at)
        return place < len(crowded_times) and crowded_times[place] - candidate.at < MINUTE

    collected = [candidate for candidate in waiting if joins(candidate)]
    messages = [PlannedMessage(ids=(candidate.id,)) for candidate in waiting if not joins(candidate)]
    if not collected:
        return messages
    known = [candidate for candidate in earlier if joins(candidate)]
    also = sorted((candidate for candidate in known if not candidate.in_digest), key=_order)
    first = min([collected[0], *also], key=_order)
    if now >= min(first.at + MINUTE, crowded_times[-1] + QUIET):
        return [*messages, PlannedMessage(ids=_ids(collected), also=_ids(also))]
    if not known and collected[0].id not in crowded:
        messages.append(PlannedMessage(ids=(collected[0].id,)))  # nothing of this burst has been sent yet
    return messages


def _order(candidate: Candidate) -> tuple[datetime, int]:
    return candidate.at, candidate.id


def _ids(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    return tuple(candidate.id for candidate in candidates)
