"""The life of an alert as values: no Django, no clock, no I/O.

none --holds--> pending --holds for for_s--> firing --holds no more--> recovering --clear for clear_s--> resolved
pending --holds no more--> none
recovering --holds again--> firing

Each look takes one step, or two where the time for the second is 0. What is told of it is another question, which
`telling` answers: that it fires, once; again at an interval; and that it is over, to whom it was told.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scanner_app.domain.enums import AlertState, NotificationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A rule's times."""

    for_: timedelta  # holds for so long before it fires
    clear: timedelta  # is clear for so long before it is over
    renew: timedelta  # told again at this interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far an alert has come."""

    state: AlertState
    began_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What decides on whether anything is told of an alert."""

    told_at: datetime | None = None  # that it fires; None: nobody was told
    acknowledged: bool = False  # somebody knows: no renewals
    silenced: bool = False  # nothing at all
    muted: bool = False  # a stronger alert fires: nothing but that it is over, to whom it was told


def advance(standing: Standing | None, *, holds: bool, timing: Timing, now: datetime) -> Standing | None:
    """The standing after a look at the time `now`; None: there is no alert, or none any more."""
    if standing is not None:
        standing = _up_to(standing, now)
    if standing is None:
        standing = Standing(state=AlertState.PENDING, began_at=now) if holds else None
    elif standing.state is AlertState.PENDING and not holds:
        return None
    elif standing.state is AlertState.FIRING and not holds:
        standing = replace(standing, state=AlertState.RECOVERING, clear_since=now)
    elif standing.state is AlertState.RECOVERING and holds:
        return replace(standing, state=AlertState.FIRING, clear_since=None)
    if standing is None:
        return None
    if standing.state is AlertState.PENDING and now - standing.began_at >= timing.for_:
        return replace(standing, state=AlertState.FIRING, fired_at=now)
    if (
        standing.state is AlertState.RECOVERING
        and standing.clear_since is not None
        and now - standing.clear_since >= timing.clear
    ):
        return replace(standing, state=AlertState.RESOLVED, cleared_at=now)
    return standing


def _up_to(standing: Standing, now: datetime) -> Standing:
    """With no time that is yet to come: the clock was set back, and an hour must not pass before anything follows."""
    return replace(
        standing,
        began_at=min(standing.began_at, now),
        fired_at=standing.fired_at and min(standing.fired_at, now),
        clear_since=standing.clear_since and min(standing.clear_since, now),
    )


def telling(state: AlertState, voice: Voice, *, timing: Timing, now: datetime) -> NotificationKind | None:
    """What is to be told of an alert that has just come to `state`, or stays there; None: nothing.

    One that fires while it is silenced or muted is told when that ends, if it still fires. One of which nobody
    was told is not told to be over either.
    """
    if voice.silenced:
        return None
    if state is AlertState.RESOLVED:
        return None if voice.told_at is None else NotificationKind.CLEARED
    if state is not AlertState.FIRING or voice.muted:
        return None
    if voice.told_at is None:
        return NotificationKind.FIRED
    if not voice.acknowledged and now - voice.told_at >= timing.renew:
        return NotificationKind.RENEWED
    return None
