"""What other settings of the breaker would have done with the failures that there were. No Django, no clock, no I/O.

A streak is a symbol's failures in a row. It is run again in thought, once with each setting: the first failure is the
real one; of what follows, a run fails while the fault lasts. When a fault ended is not known, only that it was after
the last failure and not after the run that followed; so each streak is run twice, with a fault as short and as long as
can be. Runs in thought come at the moment when they are due and take no time. What the real ones came later is taken
out of the record, or the present setting would not do in thought what it did.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from scanner_app.domain import breaker
from scanner_app.domain.breaker import Breaker, Rules

MOST_RUNS = 100_000
"""Runs of one streak that are gone through: more than a month of probes, one every 30 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The settings that decide when a failed bar runs again."""

    rules: Rules
    delays_s: Sequence[float]  # SCANNER_RETRY_DELAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """The failures in a row of one symbol, as they were."""

    symbol: str
    began_at: datetime  # the first failure
    fault_from: datetime  # the earliest end that its fault can have had; began_at: there was none but bad bars
    fault_until: datetime  # the latest; both as if no run had been late
    ended_at: datetime  # the success, as it was
    bad_bars: Sequence[
        int | None
    ] = ()  # of each bar that went to quarantine, how often it fails; None: at each attempt
    bars: Sequence[datetime] = ()  # when the bars were accepted that waited, in order; the head among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a streak goes with a setting."""

    runs: int  # failed ones
    openings: int  # 0 or 1: after that the breaker only reopens
    ended_at: datetime  # the success


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What another setting would have changed, summed up over streaks."""

    streaks: int = 0
    openings: int = 0  # with the present setting
    openings_if: int = 0  # with the other
    failed_runs: int = 0
    failed_runs_if: int = 0
    bars_later: int = 0  # bars that would have been done later than with the present setting
    bars_sooner: int = 0
    longest_later_s: float = 0.0
    longest_sooner_s: float = 0.0


def course(streak: Streak, fault_until: datetime, setting: Setting) -> Course:
    """How the streak goes if runs before `fault_until` fail, and all runs of its bad bars.

    Of one with more than MOST_RUNS runs the rest is left out, and the success is taken to follow the fault's end.
    """
    value, now = Breaker(), streak.began_at
    runs = openings = attempts = 0
    all_attempts = len(setting.delays_s) + 1
    bad_bars = [min(one or all_attempts, all_attempts) for one in streak.bad_bars]
    while runs < MOST_RUNS:
        if runs and not bad_bars and now >= fault_until:
            break  # this run succeeds; the first one failed, as it did
        before, value = value, breaker.failure(value, setting.rules, now)
        runs, attempts = runs + 1, attempts + 1
        openings += before.opened_at is None and value.opened_at is not None
        if bad_bars and attempts == bad_bars[0]:  # to quarantine, and the next bar runs at once
            bad_bars, attempts, own = bad_bars[1:], 0, now
        elif attempts < all_attempts:
            own = now + timedelta(seconds=setting.delays_s[attempts - 1])
        else:  # a hold: probed at the recovery time
            own = now + setting.rules.recovery
        now = breaker.due(value, setting.rules, now, own=own) or now
    return Course(runs=runs, openings=openings, ended_at=max(now, fault_until) if runs == MOST_RUNS else now)


def compare(streaks: Iterable[Streak], present: Setting, other: Setting, *, longest: bool) -> Difference:
    """What `other` would have changed, if each fault was as short, or as long (`longest`), as it can have been."""
    found = Difference()
    for one in streaks:
        until = one.fault_until if longest else one.fault_from
        before, after = course(one, until, present), course(one, until, other)
        moved_s = (after.ended_at - before.ended_at).total_seconds()
        waiting = sum(accepted < one.ended_at + timedelta(seconds=max(moved_s, 0)) for accepted in one.bars)
        found = replace(
            found,
            streaks=found.streaks + 1,
            openings=found.openings + before.openings,
            openings_if=found.openings_if + after.openings,
            failed_runs=found.failed_runs + before.runs,
            failed_runs_if=found.failed_runs_if + after.runs,
            bars_later=found.bars_later + (waiting if moved_s > 0 else 0),
            bars_sooner=found.bars_sooner + (waiting if moved_s < 0 else 0),
            longest_later_s=max(found.longest_later_s, moved_s),
            longest_sooner_s=max(found.longest_sooner_s, -moved_s),
        )
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """A failure, a bar's way into quarantine, or the end of a streak."""

    at: datetime
    what: str  # "failure", "quarantined", "used up" (quarantined after all attempts) or "success"
    bar: int = 0  # of a failure or quarantine, its id
    due: datetime | None = None  # of a failure, when the next run was due; None: not known
    held: timedelta = timedelta(0)  # of a hold's failures, which share a row with the time of the last: since the first


def streaks_of(symbol: str, moments: Sequence[Moment]) -> list[Streak]:
    """The streaks that have ended, of one symbol's moments in the order of their time."""
    found: list[Streak] = []
    streak: list[Moment] = []
    for one in moments:
        if one.what == "failure" or streak:
            streak.append(one)
        if one.what == "success" and streak:
            found.append(_streak(symbol, streak))
            streak = []
    return found


def _streak(symbol: str, moments: Sequence[Moment]) -> Streak:
    """One streak: its moments from the first failure to the success."""
    bad_bars = {one.bar: one.what for one in moments if one.what in ("quarantined", "used up")}
    runs = [one for one in moments if one.what in ("failure", "success")]
    times = _as_if_never_late(runs)
    fault_from = fault_until = runs[0].at
    for place, one in enumerate(runs[:-1]):
        if one.bar not in bad_bars:
            fault_from = times[place] + timedelta(microseconds=1)
            fault_until = max(fault_from, times[place + 1])
    failures = Counter(one.bar for one in runs[:-1])
    return Streak(
        symbol=symbol,
        began_at=runs[0].at,
        fault_from=fault_from,
        fault_until=fault_until,
        ended_at=runs[-1].at,
        bad_bars=tuple(None if what == "used up" else failures[bar] for bar, what in bad_bars.items() if failures[bar]),
    )


def _as_if_never_late(runs: Sequence[Moment]) -> list[datetime]:
    """When each run would have been, had each come at the moment when it was due and taken no time."""
    late = timedelta(0)
    times = [runs[0].at]
    for before, one in pairwise(runs):
        if before.due is not None:
            late += max(timedelta(0), one.at - one.held - before.due)
        times.append(one.at - late)
    return times
