"""The life of an alert as values: no Django, no clock, no I/O.

none --holds--> pending --holds for for_s--> firing --holds no more--> recovering --clear for clear_s--> resolved
pending --holds no more--> none
recovering --holds again--> firing

Each evaluation takes one step, or two where the second needs no time. `notification_due` decides separately what is
sent: once when the alert fires, again at an interval, and at its end if anything was sent before.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scanner_app.domain.enums import AlertState, NotificationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A rule's times."""

    for_: timedelta  # how long the rule must hold before its alert fires
    clear: timedelta  # how long the rule must not hold before the alert is resolved
    renew: timedelta  # from one reminder to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an alert has come."""

    state: AlertState
    began_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyContext:
    """What decides whether a notification about an alert is due, beside its state."""

    notified_at: datetime | None = None  # the last notification that it fires; None: none yet
    acknowledged: bool = False  # somebody knows: no reminders
    silenced: bool = False  # no notification at all
    muted: bool = False  # a stronger alert fires: only the end is notified, if the beginning was


def advance(
    progress: Progress | None, *, holds: bool, timing: Timing, now: datetime, unwatched: bool = False
) -> Progress | None:
    """The progress after an evaluation at the time `now`; None: there is no alert, or no longer one.

    `holds`: whether the rule's condition holds now. `unwatched`: nobody evaluated the rules just before, so a pending
    alert begins anew: whether its rule held all that time is not known.
    """
    if progress is not None:
        progress = _without_future_times(progress, now)
        if unwatched and progress.state is AlertState.PENDING:
            progress = replace(progress, began_at=now)
    if progress is None:
        progress = Progress(state=AlertState.PENDING, began_at=now) if holds else None
    elif progress.state is AlertState.PENDING and not holds:
        return None
    elif progress.state is AlertState.FIRING and not holds:
        progress = replace(progress, state=AlertState.RECOVERING, clear_since=now)
    elif progress.state is AlertState.RECOVERING and holds:
        return replace(progress, state=AlertState.FIRING, clear_since=None)
    if progress is None:
        return None
    if progress.state is AlertState.PENDING and now - progress.began_at >= timing.for_:
        return replace(progress, state=AlertState.FIRING, fired_at=now)
    if (
        progress.state is AlertState.RECOVERING
        and progress.clear_since is not None
        and now - progress.clear_since >= timing.clear
    ):
        return replace(progress, state=AlertState.RESOLVED, cleared_at=now)
    return progress


def _without_future_times(progress: Progress, now: datetime) -> Progress:
    """With times after `now` replaced by it. After a clock was set back by an hour, nothing must wait for that hour."""
    return replace(
        progress,
        began_at=min(progress.began_at, now),
        fired_at=progress.fired_at and min(progress.fired_at, now),
        clear_since=progress.clear_since and min(progress.clear_since, now),
    )


def notification_due(
    state: AlertState, context: NotifyContext, *, timing: Timing, now: datetime
) -> NotificationKind | None:
    """Which notification is due for an alert that has just reached `state`, or stays in it; None: none.

    An alert that fires while silenced or muted is notified when that ends, if it still fires. The end of an alert is
    notified only if its beginning was.
    """
    if context.silenced:
        return None
    if state is AlertState.RESOLVED:
        return None if context.notified_at is None else NotificationKind.CLEARED
    if state is not AlertState.FIRING or context.muted:
        return None
    if context.notified_at is None:
        return NotificationKind.FIRED
    if not context.acknowledged and now - context.notified_at >= timing.renew:
        return NotificationKind.RENEWED
    return None
