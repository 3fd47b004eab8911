"""When failures of many symbols are one incident."""

from datetime import timedelta

import pytest

from scanner_app.domain import incidents
from tests.conftest import T0

HALF_A_MINUTE = timedelta(seconds=30)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("symbols", "active", "is_one"),
    [
        pytest.param(4, 4, False, id="four are each their own trouble, even if there are no others"),
        pytest.param(5, 25, True, id="a fifth is enough"),
        pytest.param(5, 26, False, id="less than a fifth is not"),
        pytest.param(1_000, 5_000, True, id="a fifth of many"),
    ],
)
def test_an_incident_takes_five_symbols_and_a_fifth_of_the_active_ones(symbols, active, is_one):
    assert incidents.is_one(symbols, active) is is_one


@pytest.mark.parametrize(
    ("untold", "now", "due"),
    [
        pytest.param([], 100, False, id="nothing to tell"),
        pytest.param([0, 4], 18.9, False, id="a further symbol may come"),
        pytest.param([0, 4], 19, True, id="none has come for a quarter of a minute"),
        pytest.param([0, 50], 59, False, id="they still come"),
        pytest.param([0, 50], 60, True, id="they come, but the first has waited a minute"),
    ],
)
def test_it_is_told_when_no_further_symbol_comes_or_after_a_minute(untold, now, due):
    assert incidents.must_tell([at(one) for one in untold], at(now)) is due


@pytest.mark.parametrize(
    ("recovery_s", "after_s"),
    [
        pytest.param(30, 120, id="two minutes without a failure"),
        pytest.param(300, 600, id="symbols on hold fail once in a recovery time"),
    ],
)
def test_it_is_over_when_nothing_fails_any_more(recovery_s, after_s):
    over = [
        incidents.is_over(T0, recovery=timedelta(seconds=recovery_s), now=at(seconds))
        for seconds in (after_s - 0.1, after_s)
    ]

    assert over == [False, True]


def test_the_recovery_time_doubles_with_each_return_up_to_an_hour():
    assert [incidents.recovery_of(HALF_A_MINUTE, returns).total_seconds() for returns in (0, 1, 2, 6, 7, 10**9)] == [
        30,
        60,
        120,
        1920,
        3600,
        3600,
    ]
    assert incidents.recovery_of(timedelta(hours=2), 3) == timedelta(hours=2)


def test_one_that_has_run_for_an_hour_begins_with_a_short_recovery_time_again():
    assert incidents.returns_of(3, switched_on_at=T0, now=at(3599)) == 4
    assert incidents.returns_of(3, switched_on_at=T0, now=at(3600)) == 0
    assert incidents.returns_of(3, switched_on_at=None, now=at(1)) == 0
