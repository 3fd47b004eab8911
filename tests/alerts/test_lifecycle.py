"""The life of an alert, as values."""

from datetime import timedelta

import pytest

from scanner_app.alerts import lifecycle
from scanner_app.alerts.lifecycle import NotifyContext, Progress, Timing
from scanner_app.domain.enums import AlertState, NotificationKind
from tests.conftest import T0

TIMING = Timing(for_=timedelta(seconds=20), clear=timedelta(seconds=30), renew=timedelta(minutes=10))
AT_ONCE = Timing(for_=timedelta(0), clear=timedelta(0), renew=timedelta(minutes=10))

PENDING = Progress(state=AlertState.PENDING, began_at=T0)
FIRING = Progress(state=AlertState.FIRING, began_at=T0, fired_at=T0 + timedelta(seconds=20))


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def recovering(since_s):
    return Progress(state=AlertState.RECOVERING, began_at=T0, fired_at=at(20), clear_since=at(since_s))


@pytest.mark.parametrize(
    ("before", "holds", "now_s", "after"),
    [
        pytest.param(None, False, 0, None, id="nothing is wrong"),
        pytest.param(None, True, 0, PENDING, id="it begins to hold"),
        pytest.param(PENDING, True, 19.999, PENDING, id="not long enough yet"),
        pytest.param(PENDING, True, 20, FIRING, id="for the rule's time"),
        pytest.param(PENDING, False, 19, None, id="pending vanishes"),
        pytest.param(FIRING, True, 5_000, FIRING, id="goes on firing"),
        pytest.param(FIRING, False, 40, recovering(40), id="no longer holds"),
        pytest.param(recovering(40), False, 69.999, recovering(40), id="not clear for long enough"),
        pytest.param(recovering(40), True, 69, FIRING, id="holds again: the same alert goes on"),
        pytest.param(
            PENDING,
            True,
            -3_600,
            Progress(state=AlertState.PENDING, began_at=at(-3_600)),
            id="set back: counts from now",
        ),
        pytest.param(
            recovering(40),
            False,
            -3_600,
            Progress(state=AlertState.RECOVERING, began_at=at(-3_600), fired_at=at(-3_600), clear_since=at(-3_600)),
            id="set back while recovering: counts from now",
        ),
    ],
)
def test_each_step_of_an_alert(before, holds, now_s, after):
    assert lifecycle.advance(before, holds=holds, timing=TIMING, now=at(now_s)) == after


def test_after_a_time_in_which_nobody_looked_only_a_pending_alert_begins_anew():
    def after(before):
        return lifecycle.advance(before, holds=True, timing=TIMING, now=at(400), unwatched=True)

    assert after(PENDING) == Progress(state=AlertState.PENDING, began_at=at(400))
    assert after(FIRING) == FIRING


def test_an_alert_is_resolved_once_its_rule_was_clear_for_long_enough():
    over = lifecycle.advance(recovering(40), holds=False, timing=TIMING, now=at(70))

    assert over is not None
    assert (over.state, over.fired_at, over.clear_since, over.cleared_at) == ("resolved", at(20), at(40), at(70))


def test_with_times_of_zero_one_evaluation_is_enough():
    fires = lifecycle.advance(None, holds=True, timing=AT_ONCE, now=T0)
    assert fires is not None
    over = lifecycle.advance(fires, holds=False, timing=AT_ONCE, now=at(5))

    assert (fires.state, fires.fired_at) == ("firing", T0)
    assert over is not None
    assert (over.state, over.cleared_at) == ("resolved", at(5))


NOTIFIED = NotifyContext(notified_at=T0)


@pytest.mark.parametrize(
    ("state", "context", "now_s", "due"),
    [
        pytest.param(AlertState.PENDING, NotifyContext(), 0, None, id="pending: none"),
        pytest.param(AlertState.FIRING, NotifyContext(), 0, NotificationKind.FIRED, id="it fires"),
        pytest.param(AlertState.FIRING, NOTIFIED, 599.999, None, id="it fires once"),
        pytest.param(AlertState.FIRING, NOTIFIED, 600, NotificationKind.RENEWED, id="a reminder at the interval"),
        pytest.param(
            AlertState.FIRING, NotifyContext(notified_at=T0, acknowledged=True), 9_999, None, id="acknowledged"
        ),
        pytest.param(
            AlertState.FIRING,
            NotifyContext(acknowledged=True),
            0,
            NotificationKind.FIRED,
            id="acknowledged early",
        ),
        pytest.param(AlertState.FIRING, NotifyContext(silenced=True), 0, None, id="fires silenced"),
        pytest.param(AlertState.FIRING, NotifyContext(notified_at=T0, silenced=True), 9_999, None, id="silenced later"),
        pytest.param(AlertState.FIRING, NotifyContext(muted=True), 0, None, id="fires muted"),
        pytest.param(AlertState.FIRING, NotifyContext(notified_at=T0, muted=True), 9_999, None, id="muted later"),
        pytest.param(AlertState.RECOVERING, NotifyContext(), 0, None, id="recovering, beginning not notified"),
        pytest.param(AlertState.RECOVERING, NOTIFIED, 9_999, None, id="recovering: no reminder"),
        pytest.param(AlertState.RESOLVED, NOTIFIED, 1, NotificationKind.CLEARED, id="it is over"),
        pytest.param(AlertState.RESOLVED, NotifyContext(), 1, None, id="over, beginning not notified"),
        pytest.param(
            AlertState.RESOLVED,
            NotifyContext(notified_at=T0, acknowledged=True),
            1,
            NotificationKind.CLEARED,
            id="over, acknowledged",
        ),
        pytest.param(
            AlertState.RESOLVED, NotifyContext(notified_at=T0, silenced=True), 1, None, id="over while silenced"
        ),
        pytest.param(
            AlertState.RESOLVED,
            NotifyContext(notified_at=T0, muted=True),
            1,
            NotificationKind.CLEARED,
            id="notified, then muted: over",
        ),
    ],
)
def test_which_notification_is_due(state, context, now_s, due):
    assert lifecycle.notification_due(state, context, timing=TIMING, now=at(now_s)) is due
