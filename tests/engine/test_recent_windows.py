"""A window that is continued from the one before it equals the window that is read as a whole."""

import random
from typing import Any

import numpy as np
import pytest

from scanner_app import mailbox
from scanner_app.detectors import Window
from scanner_app.domain.bars import VALUES
from scanner_app.engine import recent_windows, window
from scanner_app.mailbox import Ticket
from scanner_app.models import Bar, QuarantinedBar, Symbol, SymbolStatus
from tests.conftest import T0, make_symbol, new_bar, start_head

pytestmark = pytest.mark.django_db

NEEDED = 4


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of four bars are worth remembering."""
    monkeypatch.setattr(recent_windows, "LONG", 1)
    for module in (recent_windows, window):
        monkeypatch.setattr(module, "bars_needed", lambda: NEEDED)


@pytest.fixture
def read_whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sequences of the bars whose windows were read as a whole."""
    read: list[int] = []

    def load_window(ticket: Ticket, **options: Any) -> Window:
        read.append(ticket.message.sequence)
        return window.load_window(ticket, **options)

    monkeypatch.setattr(recent_windows, "load_window", load_window)
    return read


@pytest.fixture(autouse=True)
def tsla(db: None) -> Symbol:
    return make_symbol("TSLA")


def accept(*days: int, revising: bool = False, **values: Any) -> None:
    bars = [new_bar(day=day, **{"close": 10.5 + day / 100, **values}) for day in days]
    mailbox.accept(bars, now=T0, revising=revising)


def run(*, complete: bool = True, at_least: int = 1) -> Ticket:
    """Process the head. Its window must be the one that is read as a whole."""
    ticket = start_head(Symbol.objects.get(ticker="TSLA"))
    seen = recent_windows.load(ticket, at_least=at_least)
    whole = window.load_window(ticket, at_least=at_least)
    assert (seen.symbol, seen.timeframe) == (whole.symbol, whole.timeframe)
    for name in ("timestamps", *VALUES):
        np.testing.assert_array_equal(getattr(seen, name), getattr(whole, name))
    if complete:
        mailbox.complete(ticket, [], now=T0)
    return ticket


def run_days(*days: int) -> None:
    accept(*days)
    for _ in days:
        run()


def set_aside(ticket: Ticket) -> QuarantinedBar:
    """The head goes to quarantine."""
    mailbox.quarantine_head(ticket, ValueError("no good"), now=T0)
    return QuarantinedBar.objects.get(bar_id=ticket.bar_id, resolution="")


def test_only_the_first_window_of_a_series_is_read_as_a_whole(read_whole: list[int]) -> None:
    run_days(*range(10))

    assert read_whole == [1]


def test_a_short_window_is_read_as_a_whole(read_whole: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_windows, "LONG", NEEDED + 1)

    run_days(0, 1, 2)

    assert read_whole == [1, 2, 3]


def test_the_start_of_a_series_is_not_remembered(read_whole: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_windows, "LONG", NEEDED)

    run_days(*range(NEEDED + 2))

    assert read_whole == list(range(1, NEEDED + 1))


def test_another_attempt_at_a_bar_reads_anew(read_whole: list[int]) -> None:
    run_days(0, 1)
    accept(2)

    run(complete=False)
    run()

    assert read_whole == [1, 3]


def test_bars_that_another_process_ran_meanwhile_are_read(read_whole: list[int]) -> None:
    run_days(0, 1)
    accept(2, 3, 4)
    for _ in range(2):
        mailbox.complete(start_head(Symbol.objects.get()), [], now=T0)

    run()

    assert read_whole == [1]


def test_a_bar_that_came_late_is_in_the_windows_after_it(read_whole: list[int]) -> None:
    run_days(0, 1, 3, 2, 4, 5)

    assert read_whole == [1, 4, 5]  # that of the late one itself, and the next


def test_a_revised_bar_has_its_new_values(read_whole: list[int]) -> None:
    run_days(0, 1, 2)
    accept(1, close=9.5, revising=True)

    run_days(3, 4)

    assert read_whole == [1, 4]


def test_a_bar_in_quarantine_is_in_no_window_until_it_is_replayed(read_whole: list[int]) -> None:
    run_days(0, 1)
    accept(2)
    entry = set_aside(run(complete=False))
    run_days(3)

    mailbox.replay(entry, by="test", now=T0)
    run()
    run_days(4, 5)

    assert read_whole == [1, 4, 5, 6]  # 3 went, 5 is the replay


def test_the_last_bar_went_to_quarantine_and_was_replayed(read_whole: list[int]) -> None:
    run_days(0, 1)
    accept(2)
    entry = set_aside(run(complete=False))

    mailbox.replay(entry, by="test", now=T0)
    run()
    run_days(3)

    assert read_whole == [1, 4]  # 4 is the replay: the same bar again


def test_other_bars_under_the_same_numbers_are_seen(tsla: Symbol, read_whole: list[int]) -> None:
    run_days(0, 1)
    Bar.objects.filter(symbol=tsla, sequence=2).update(close=9.25)  # as after a database was put back

    run_days(2)

    assert read_whole == [1, 3]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_a_symbols_bars_each_window_is_the_one_that_is_read_as_a_whole(
    seed: int, read_whole: list[int]
) -> None:
    dice = random.Random(seed)  # noqa: S311 - chance that can be repeated, nothing secret
    newest, runs = 0, 0
    for _ in range(80):
        act = dice.choices(
            ["next", "late", "revise", "quarantine", "replay", "discard", "correct"], [9, 2, 1, 2, 1, 1, 1]
        )[0]
        entries = list(QuarantinedBar.objects.filter(resolution=""))
        if act == "next":
            newest += dice.randint(1, 3)
            accept(newest)
        elif act == "late":
            accept(dice.randint(0, newest))  # a duplicate, if it is there
        elif act == "revise":
            accept(dice.randint(0, newest), revising=True, close=dice.uniform(9.5, 11.5))
        elif act == "replay" and entries:
            mailbox.replay(dice.choice(entries), by="test", now=T0)
        elif act == "discard" and entries:
            mailbox.discard(dice.choice(entries), by="test", now=T0)
        elif act == "correct" and entries:
            bar = dice.choice(entries).bar
            mailbox.accept([new_bar(timestamp=bar.timestamp, close=dice.uniform(9.5, 11.5))], now=T0)
        while SymbolStatus.objects.filter(head__isnull=False).exists() and dice.random() < 0.8:
            runs += 1
            fails = act == "quarantine" and dice.random() < 0.5
            ticket = run(complete=not fails, at_least=dice.choice([1, 1, 1, NEEDED + 2]))
            if fails:
                mailbox.quarantine_head(ticket, ValueError("no good"), now=T0)
    assert 0 < len(read_whole) < runs  # both ways were taken


def test_each_timeframe_has_a_window_of_its_own(read_whole: list[int]) -> None:
    for hour in range(3):
        run_days(hour)
        accept(hour, timeframe="1h", open=9.5)
        run()

    assert read_whole == [1, 2]


def test_a_rule_that_needs_more_bars_gets_them(read_whole: list[int]) -> None:
    run_days(*range(8))
    accept(8, 9)

    run(at_least=7)
    run(at_least=7)

    assert read_whole == [1, 9]


def test_a_window_longer_than_what_is_remembered_of_a_short_series(read_whole: list[int]) -> None:
    run_days(0, 1)

    for day in range(2, 9):
        accept(day)
        run(at_least=6)

    assert read_whole == [1, 3]


def test_after_more_bars_than_a_window_has_it_is_read_as_a_whole(read_whole: list[int]) -> None:
    run_days(0)
    accept(*range(1, 8))
    for _ in range(6):
        mailbox.complete(start_head(Symbol.objects.get()), [], now=T0)

    run()

    assert read_whole == [1, 8]


def test_the_series_that_was_used_longest_ago_is_forgotten_first() -> None:
    memory = recent_windows.Memory(max_bars=7)
    kept = {name: remembered(3) for name in "abc"}

    memory.keep((1, "1d"), kept["a"])
    memory.keep((2, "1d"), kept["b"])
    memory.keep((1, "1d"), kept["a"])  # used again
    memory.keep((3, "1d"), kept["c"])

    assert [memory.take((number, "1d")) for number in (1, 2, 3)] == [kept["a"], None, kept["c"]]


def test_a_window_that_is_longer_than_all_memory_is_not_kept() -> None:
    memory = recent_windows.Memory(max_bars=2)

    memory.keep((1, "1d"), remembered(3))

    assert memory.take((1, "1d")) is None
    memory.keep((2, "1d"), one := remembered(2))  # what went is not counted any more
    assert memory.take((2, "1d")) is one


def remembered(bars: int) -> recent_windows.Remembered:
    times = np.datetime64("2024-01-01", "us") + np.arange(bars) * np.timedelta64(1, "D")
    columns = dict.fromkeys(VALUES, np.ones(bars))
    seen = Window.of(symbol="X", timeframe="1d", timestamps=times, **columns)
    return recent_windows.Remembered(seen, bars, 1, (), 0)
