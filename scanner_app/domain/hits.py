"""When a trader's rule hits: no Django, no clock, no I/O.

A hit is a change from not true to true. What a rule says of a bar is compared with what it said last of the same
series. That is kept as its state; the first answer after a rule was saved makes the state and is no hit. Where a
condition is not known, nothing changes.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from scanner_app.domain import staleness
from scanner_app.domain.timeframes import TIMEFRAMES


class State(NamedTuple):
    """What a rule said last of a series. It is stored as a list, in this order."""

    revision: int  # of the rule; what an earlier revision said does not count
    held: bool | None  # None: it failed, and is off for this series until it is changed
    hit_at: int | None = None  # opening of the bar of its last hit (unix s)


def following(
    state: State | None, *, revision: int, held: bool | None, bar_at: int, cooldown_s: int, tells: Callable[[], bool]
) -> tuple[State | None, bool]:
    """The state after a bar, and whether it is a hit.

    `held` is what the rule says of the bar (None: not known), `bar_at` the bar's opening (unix s). `tells` says whether
    the bar is young enough for a hit; if it is not, the state moves all the same. It is asked only when the rule has
    become true.
    """
    if state is not None and state.revision != revision:
        state = None
    if held is None or (state is not None and state.held in {held, None}):
        return state, False
    if state is None or not held:
        return State(revision, held, None if state is None else state.hit_at), False
    hits = tells() and (state.hit_at is None or bar_at - state.hit_at >= cooldown_s)
    return State(revision, True, bar_at if hits else state.hit_at), hits


def is_told(timeframe: str, timestamp: datetime, tell_within_s: int | None, now: datetime) -> bool:
    """Whether a bar is young enough for a hit: an import of history, or a bar that was held for hours, is silent.

    `tell_within_s`: seconds after the end of its timeframe; None: as long as a bar is fresh.
    """
    if tell_within_s is None:
        return staleness.is_fresh(timeframe, timestamp, now)
    return now <= timestamp + TIMEFRAMES[timeframe] + timedelta(seconds=tell_within_s)
