"""Each way in which an account does not balance is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.tools.chaos.account import BarRow, Logged, SignalRow, evaluate, longest_stall

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


def logged(number: int, *, accepted: bool = True) -> Logged:
    return Logged(symbol="A", number=number, accepted=accepted)


def bar(number: int, *, sequence: int | None = None, status: str = "processed", done_s: float | None = None) -> BarRow:
    done = None if status == "waiting" else T0 + timedelta(seconds=number if done_s is None else done_s)
    return BarRow(
        symbol="A", number=number, sequence=sequence or number, status=status, accepted_at=T0, finished_at=done
    )


def signal(number: int, *, before: int | None = None) -> SignalRow:
    return SignalRow(symbol="A", number=number, before=number - 1 if before is None else before)


SENT = [logged(1), logged(2), logged(3)]
BARS = [bar(1), bar(2), bar(3)]
SIGNALS = [signal(1), signal(2), signal(3)]


def test_three_bars_done_once_and_in_order_balance():
    account = evaluate(SENT, BARS, SIGNALS, {"A": 3})

    assert account.balances
    assert (account.accepted, account.unanswered, account.processed) == (3, 0, 3)


@pytest.mark.parametrize("known", [True, False])
def test_an_unanswered_bar_may_be_either(known):
    account = evaluate(
        [*SENT, logged(4, accepted=False)],
        [*BARS, *([bar(4)] if known else [])],
        [*SIGNALS, *([signal(4)] if known else [])],
        {"A": 3 + known},
    )

    assert account.balances
    assert account.unanswered == 1


def test_an_unanswered_bar_that_came_late_saw_its_own_past():
    bars = [bar(1), bar(3, sequence=2), bar(2, sequence=3, done_s=9)]
    signals = [signal(1), signal(3, before=1), signal(2)]

    assert evaluate([logged(1), logged(2, accepted=False), logged(3)], bars, signals, {"A": 3}).balances


def test_a_bar_sent_again_counts_once():
    account = evaluate([*SENT, logged(3)], BARS, SIGNALS, {"A": 3})

    assert account.balances
    assert account.accepted == 3


def test_a_quarantined_bar_is_done_and_in_no_window():
    bars = [bar(1), bar(2, status="quarantined"), bar(3)]

    account = evaluate(SENT, bars, [signal(1), signal(3, before=1)], {"A": 2})

    assert account.balances
    assert account.quarantined == 1


def test_a_symbol_that_was_still_at_work_when_it_was_counted_doubled_nothing():
    assert evaluate(SENT, BARS, SIGNALS, {"A": 2}).balances


WRONG = {
    "an accepted bar that is not there is lost": ("lost", BARS[:2], SIGNALS[:2], 2),
    "a waiting bar is stuck": ("stuck", [*BARS[:2], bar(3, status="waiting")], SIGNALS[:2], 2),
    "a bar whose run never ends is stuck": (
        "stuck",
        [*BARS[:2], replace(bar(3), status="processing", finished_at=None)],
        SIGNALS[:2],
        2,
    ),
    "a bar with its signal twice is doubled": ("doubled", BARS, [*SIGNALS, signal(2)], 3),
    "a symbol that counts more bars than it has doubled one": ("doubled", BARS, SIGNALS, 4),
    "a bar processed without its signal": ("unseen", BARS, SIGNALS[:2], 3),
    "a bar that saw another before it than came before it": (
        "out_of_order",
        BARS,
        [signal(1), signal(2), signal(3, before=1)],
        3,
    ),
    "a bar that was done before an earlier one": ("out_of_order", [bar(1), bar(2, done_s=9), bar(3)], SIGNALS, 3),
    "a bar that was numbered before an earlier one": (
        "out_of_order",
        [bar(1), bar(3, sequence=2, done_s=2), bar(2, sequence=3, done_s=3)],
        [signal(1), signal(3, before=1), signal(2)],
        3,
    ),
    "a number that is left out": ("out_of_order", [bar(1), bar(2), bar(3, sequence=4)], SIGNALS, 3),
    "a bar that nobody sent": ("invented", [*BARS, bar(4)], [*SIGNALS, signal(4)], 4),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_does_not_balance_is_found_under_its_name(case):
    name, bars, signals, counted = case

    account = evaluate(SENT, bars, signals, {"A": counted})

    assert not account.balances
    assert getattr(account, name)
    others = {"lost", "stuck", "doubled", "unseen", "out_of_order", "invented"} - {name}
    assert not any(getattr(account, other) for other in others)


def at(accepted_s: float, done_s: float | None) -> BarRow:
    done = None if done_s is None else T0 + timedelta(seconds=done_s)
    return replace(bar(1), accepted_at=T0 + timedelta(seconds=accepted_s), finished_at=done)


@pytest.mark.parametrize(
    ("bars", "stall_s"),
    [
        pytest.param([], None, id="no bar, no figure"),
        pytest.param([at(5, 40)], None, id="a bar of a fault's time does not count"),
        pytest.param([at(20, 21), at(25, 28)], 3, id="the longest of those in a quiet time"),
        pytest.param([at(28, 40)], 2, id="only until the next fault begins"),
        pytest.param([at(12, 24), at(21, 26), at(25, 27)], 2, id="not before what a fault left is worked off"),
        pytest.param([at(12, None), at(21, None)], None, id="a symbol that a fault left stuck is no quiet one"),
        pytest.param([at(20, None)], 10, id="a bar that is never done"),
    ],
)
def test_the_longest_stall_is_that_of_the_quiet_times(bars, stall_s):
    assert longest_stall(bars, [(20, 30)], T0.timestamp()) == stall_s
