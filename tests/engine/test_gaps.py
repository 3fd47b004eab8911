"""Bars that are missing: found by the calendar, listed, counted, and closed by a late bar."""

from datetime import datetime, timedelta

import pytest

from scanner_app import mailbox
from scanner_app.engine import gaps
from scanner_app.models import Symbol, SymbolStatus
from tests.calendars.conftest import always, new_york  # noqa: F401 - fixtures
from tests.conftest import make_symbol, new_bar, row_of
from tests.domain.test_trading_hours import at

NOW = at("2026-03-10 12:00")


def series(*times: str) -> list[tuple[datetime, int]]:
    return [(at(time), number) for number, time in enumerate(times, start=1)]


def test_gaps_are_where_neighbours_leave_room_for_bars(new_york):  # noqa: F811
    found = gaps.find(
        series("2026-03-03 15:00", "2026-03-03 15:01", "2026-03-03 15:04", "2026-03-03 20:59", "2026-03-04 14:30"),
        "1m",
        new_york,
    )

    assert [(gap.id, gap.start, gap.end, gap.missing) for gap in found] == [
        (3, at("2026-03-03 15:02"), at("2026-03-03 15:04"), 2),
        (4, at("2026-03-03 15:05"), at("2026-03-03 20:59"), 354),
    ]


@pytest.mark.parametrize("times", [(), ("2026-03-03 15:00",)])
def test_a_series_of_no_bar_or_one_has_no_gap(new_york, times):  # noqa: F811
    assert gaps.find(series(*times), "1m", new_york) == []


def accept(*times: str, ticker: str = "TSLA", timeframe: str = "1m") -> None:
    bars = [new_bar(ticker, timeframe=timeframe, timestamp=at(time)) for time in times]
    assert set(mailbox.accept(bars, now=NOW)) == {mailbox.Verdict.ACCEPTED}


@pytest.mark.django_db(transaction=True)
def test_gaps_are_counted_where_bars_have_come_since_and_nowhere_else():
    for ticker in ("TSLA", "BTC/USD", "IDLE"):
        make_symbol(ticker)
    accept("2026-03-06 20:59", "2026-03-09 13:31")
    accept("2026-03-06 20:59", "2026-03-09 13:31", ticker="BTC/USD")

    counted = [gaps.count(lambda: NOW) for _ in range(2)]
    accept("2026-03-09 13:30")
    counted.append(gaps.count(lambda: NOW))

    assert counted == [2, 0, 1]
    by_ticker = dict(SymbolStatus.objects.values_list("symbol__ticker", "gaps"))
    assert by_ticker == {"TSLA": 0, "BTC/USD": 1, "IDLE": 0}


@pytest.mark.django_db(transaction=True)
def test_another_calendar_has_them_counted_anew(symbol):
    accept("2026-03-06 20:59", "2026-03-09 13:30")
    gaps.count(lambda: NOW)
    before = row_of(symbol).gaps

    mailbox.set_calendar(symbol, "24/7", by="olga", now=NOW)
    gaps.count(lambda: NOW)

    assert (before, row_of(symbol).gaps) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_counting_that_takes_long_leaves_the_rest_to_the_next_and_takes_the_most_news_first():
    for ticker, bars in (("A", 1), ("B", 3), ("C", 2)):
        make_symbol(ticker)
        accept(*(f"2026-03-03 15:0{minute}" for minute in range(bars)), ticker=ticker)
    ticks = iter(range(0, 1000, 3))

    done = gaps.count(lambda: NOW + timedelta(seconds=next(ticks)))

    assert done == 1
    assert set(SymbolStatus.objects.filter(gaps_sequence=0).values_list("symbol__ticker", flat=True)) == {"A", "C"}
    assert gaps.count(lambda: NOW) == 2


@pytest.mark.django_db(transaction=True)
def test_a_bar_that_comes_while_its_symbol_is_counted_is_counted_the_next_time(symbol, monkeypatch):
    accept("2026-03-03 15:00")
    find = gaps.find

    def meanwhile(*args):
        monkeypatch.setattr(gaps, "find", find)
        accept("2026-03-03 15:02")
        return find(*args)

    monkeypatch.setattr(gaps, "find", meanwhile)
    gaps.count(lambda: NOW)

    assert row_of(symbol).gaps == 0
    assert gaps.count(lambda: NOW) == 1
    assert Symbol.objects.get().status.gaps == 1
