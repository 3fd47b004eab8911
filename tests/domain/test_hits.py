"""When a trader's rule hits."""

from datetime import timedelta

import pytest

from scanner_app.domain.hits import State, following, is_told
from tests.conftest import T0

NEW = State(1, True, 100)


def after(state: State | None, held: bool | None, *, bar_at: int = 100, cooldown_s: int = 0, tells: bool = True):
    return following(state, revision=1, held=held, bar_at=bar_at, cooldown_s=cooldown_s, tells=lambda: tells)


@pytest.mark.parametrize(
    ("state", "held", "expected"),
    [
        (None, True, (State(1, True), False)),
        (None, False, (State(1, False), False)),
        (None, None, (None, False)),
        (State(1, False), True, (State(1, True, 100), True)),
        (State(1, True, 40), False, (State(1, False, 40), False)),
        (State(1, True), True, (State(1, True), False)),
        (State(1, True), None, (State(1, True), False)),
        (State(1, False), None, (State(1, False), False)),
        (State(1, None), True, (State(1, None), False)),
        (State(0, False), True, (State(1, True), False)),
        (State(0, None), True, (State(1, True), False)),
        (State(0, False), None, (None, False)),
    ],
)
def test_a_hit_is_a_change_from_not_true_to_true_of_the_same_revision(state, held, expected):
    assert after(state, held) == expected


@pytest.mark.parametrize(("bar_at", "hit"), [(159, False), (160, True)])
def test_in_the_cool_down_a_change_is_no_hit_but_is_remembered(bar_at, hit):
    assert after(State(1, False, 100), True, bar_at=bar_at, cooldown_s=60) == (
        State(1, True, bar_at if hit else 100),
        hit,
    )


def test_a_bar_that_is_too_old_moves_the_state_without_a_hit():
    assert after(State(1, False), True, tells=False) == (State(1, True), False)


@pytest.mark.parametrize(
    ("within_s", "age", "told"),
    [(None, 180, True), (None, 181, False), (30, 90, True), (30, 91, False), (600, 660, True), (600, 661, False)],
)
def test_a_bar_is_told_for_two_timeframes_after_its_end_or_as_long_as_the_rule_says(within_s, age, told):
    assert is_told("1m", T0, within_s, T0 + timedelta(seconds=age)) is told
