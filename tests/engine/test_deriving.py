"""Derived bars: live, from a file or with late bars, the rows are those that the whole series amounts to."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.calendars import hours_of
from scanner_app.domain.aggregation import aggregate
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import BarStatus, RerunCause
from scanner_app.domain.log_proof import faults
from scanner_app.domain.trading_hours import Hours
from scanner_app.engine import base_bars, deriving, detection, ingest, reruns, runs
from scanner_app.mailbox import Verdict, quarantine
from scanner_app.mailbox import derived as mailbox_derived
from scanner_app.mailbox import reruns as mailbox_reruns
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, DerivedSeries, Rerun, Signal, Symbol, SymbolEvent
from scanner_app.reading import log_proof
from tests.conftest import fail_head, live_message, new_bar, row_of, start_head

pytestmark = pytest.mark.django_db

DERIVED = ("15m", "1h", "1d")

NOW = datetime(2026, 3, 14, tzinfo=UTC)
"""After all bars of these stories."""

LATER = NOW + timedelta(hours=1)


class Last:
    """Sees the close of each bar, and how many bars its window has."""

    name, bars_needed = "last", 3

    def detect(self, window):
        from scanner_app.detectors import Signal as Seen

        yield Seen(f"SEEN {len(window.close)}", "neutral", float(window.close.sum()))


@pytest.fixture(autouse=True)
def derive(settings, monkeypatch):
    settings.SCANNER_DERIVE = {"5m": DERIVED}
    settings.SCANNER_DETECTORS = [f"{__name__}.Last"]
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    yield
    detection.chosen_detectors.cache_clear()


def walk(first="2026-03-05 00:00", last="2026-03-10 12:00", *, ticker="AAPL", seed=1, holes=0.0):
    """Bars of 5 minutes of a random walk, through sessions and nights."""
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
    count = int((end - begin) / timedelta(minutes=5))
    steps = np.random.default_rng(seed).normal(size=count).cumsum() + 500
    bars = [
        new_bar(
            ticker,
            timeframe="5m",
            timestamp=begin + place * timedelta(minutes=5),
            open=float(step),
            close=float(step + np.sin(place)),
            high=float(step + 2),
            low=float(step - 2),
            volume=round(abs(float(step)) * 1.1, 3),
        )
        for place, step in enumerate(steps)
    ]
    keep = random.Random(seed)  # noqa: S311 - no secret
    return [bar for bar in bars if keep.random() >= holes]


def feed(bars, *, now=NOW, **options):
    create_symbols(sorted({bar.symbol for bar in bars}), at_most=100, now=now)
    return [
        verdict
        for begin in range(0, len(bars), 500)
        for verdict in mailbox.accept(bars[begin : begin + 500], now=now, **options)
    ]


def process_all(ticker="AAPL"):
    symbol = Symbol.objects.get(ticker=ticker)
    while row_of(symbol).head is not None:
        runs.process_head(live_message(symbol))
    return symbol


def settle(now=LATER):
    """Whatever is to be done again, is."""
    for _ in range(100):
        while mailbox_reruns.due(now):
            reruns.run(lambda: now)
        for symbol in Symbol.objects.all():
            process_all(symbol.ticker)
        if not Rerun.objects.exists():
            return
    raise AssertionError(list(Rerun.objects.values()))


def rows_of(ticker="AAPL", **filters):
    rows = Bar.objects.filter(symbol__ticker=ticker, derived=True, **filters).order_by("timeframe", "timestamp")
    return list(rows.values_list("timeframe", "timestamp", *VALUES))


def expected(bars, calendar="XNYS", *, timeframes=DERIVED):
    """The rows that the base bars amount to."""
    base = [(bar.timestamp, *values_of(bar).values()) for bar in sorted(bars, key=lambda bar: bar.timestamp)]
    return [
        (timeframe, one.period.timestamp, one.open, one.high, one.low, one.close, one.volume)
        for timeframe in sorted(timeframes)
        for one in aggregate(base, base="5m", timeframe=timeframe, hours=hours_of(calendar, NOW))
    ]


def signals_of(ticker="AAPL"):
    rows = Signal.objects.filter(symbol__ticker=ticker, withdrawn_at=None)
    return sorted(rows.values_list("timeframe", "timestamp", "pattern", "strength"))


def check_log():
    """What `manage.py verify` proves, without its snapshot: a test is in a transaction already."""
    for symbol in Symbol.objects.all():
        figures = log_proof._figures(symbol.pk)
        assert figures is not None
        assert list(faults(figures, forgets=False)) == []


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in ("XHKG", "CMES", "24/5", "24/7")]


@pytest.mark.parametrize("calendar", ["XNYS", *OTHERS])
def test_live_from_a_file_and_in_any_order_the_rows_are_the_same(calendar):
    series = {ticker: walk(ticker=ticker, last="2026-03-07 00:00", holes=0.1) for ticker in ("LIVE", "FILE", "MIXED")}
    create_symbols(sorted(series), at_most=100, now=NOW)
    Symbol.objects.update(calendar=calendar)

    for bar in series["LIVE"]:
        feed([bar])
        process_all("LIVE")
    feed(series["FILE"])
    process_all("FILE")
    mixed = list(series["MIXED"])
    random.Random(3).shuffle(mixed)  # noqa: S311 - no secret
    for begin in range(0, len(mixed), 50):
        feed(mixed[begin : begin + 50])
        process_all("MIXED")
        settle()
    deriving.run(LATER)
    settle()

    wanted = expected(series["LIVE"], calendar)
    assert rows_of("LIVE") == wanted
    assert rows_of("FILE") == wanted
    assert rows_of("MIXED") == wanted
    assert signals_of("LIVE") == signals_of("FILE")
    assert not Bar.objects.exclude(status=BarStatus.PROCESSED).exists()
    check_log()


def session(ticker="AAPL", *, minutes=390, day="2026-03-05", **values):
    """The bars of a New York session in winter, from 14:30 UTC, or its first minutes."""
    begin = datetime.fromisoformat(f"{day} 14:30").replace(tzinfo=UTC)
    end = begin + timedelta(minutes=minutes)
    return [
        bar for bar in walk(f"{day} 00:00", f"{day} 23:55", ticker=ticker, **values) if begin <= bar.timestamp < end
    ]


def order(ticker="AAPL"):
    """Timeframe and time of the symbol's bars, as they were accepted."""
    rows = Bar.objects.filter(symbol__ticker=ticker).order_by("sequence").values_list("timeframe", "timestamp")
    return [f"{timeframe} {timestamp:%H:%M}" for timeframe, timestamp in rows]


def feed_live(bars):
    for bar in bars:
        feed([bar])
        process_all(bar.symbol)


def test_a_derived_bar_follows_the_base_bar_that_ends_its_period():
    feed_live(session(minutes=20))

    assert order() == ["5m 14:30", "5m 14:35", "5m 14:40", "15m 14:30", "5m 14:45"]


def test_of_periods_that_end_together_the_shorter_comes_first():
    feed_live(session())

    assert order()[-4:] == ["5m 20:55", "15m 20:45", "1h 20:30", "1d 00:00"]


def test_a_period_whose_last_base_bar_is_missing_is_done_with_a_later_one():
    bars = session(minutes=30)
    feed_live([*bars[:2], *bars[3:]])

    assert order() == ["5m 14:30", "5m 14:35", "5m 14:45", "15m 14:30", "5m 14:50", "5m 14:55", "15m 14:45"]


def test_without_a_later_one_it_is_done_some_time_after_its_period():
    bars = session(minutes=25)
    feed_live(bars)
    end = bars[3].timestamp + timedelta(minutes=15)
    Symbol.objects.get().status.__class__.objects.update(last_processed_at=end)

    assert deriving.run(end + timedelta(seconds=89)) == 0
    assert deriving.run(end + timedelta(seconds=90)) == 1
    assert deriving.run(end + timedelta(seconds=90)) == 0

    process_all()
    assert rows_of(timeframe="15m") == expected(bars, timeframes=["15m"])
    check_log()


def test_an_error_with_one_symbol_keeps_no_other_from_its_overdue_bars(monkeypatch):
    for ticker in ("AAPL", "MSFT"):
        feed_live(session(ticker, minutes=25))
    first, real = Symbol.objects.get(ticker="AAPL").pk, base_bars.facts_of

    def broken(symbol_id, now):
        if symbol_id == first:
            raise ArithmeticError("boom")
        return real(symbol_id, now)

    monkeypatch.setattr(deriving, "facts_of", broken)

    assert deriving.run(LATER) == len(DERIVED)
    assert set(DerivedSeries.objects.exclude(due_at=None).values_list("symbol", flat=True)) == {first}


def test_a_run_makes_overdue_bars_for_its_budget_and_the_next_goes_on():
    for ticker in ("AAPL", "MSFT"):
        feed_live(session(ticker, minutes=25))
    times = iter([0.0, deriving.BUDGET_S])

    assert deriving.run(LATER, clock=lambda: next(times)) == len(DERIVED)
    assert set(Bar.objects.filter(derived=True, status=BarStatus.WAITING).values_list("symbol__ticker")) == {("AAPL",)}
    assert deriving.run(LATER) == len(DERIVED)


@pytest.mark.parametrize("fault", ["an error", "a calendar that can't be loaded"])
def test_bars_that_cannot_be_made_do_not_keep_later_ones_from_theirs(monkeypatch, fault):
    for ticker in ("AAPL", "MSFT"):
        feed_live(session(ticker, minutes=25))
    monkeypatch.setattr(deriving, "MOST_AT_ONCE", len(DERIVED))
    first, real = Symbol.objects.get(ticker="AAPL").pk, base_bars.facts_of

    def broken(symbol_id, now):
        if symbol_id != first:
            return real(symbol_id, now)
        if fault == "an error":
            raise ArithmeticError("boom")
        facts = real(symbol_id, now)
        assert facts is not None
        return replace(facts, hours=Hours([]))

    with monkeypatch.context() as patched:
        patched.setattr(deriving, "facts_of", broken)
        assert deriving.run(LATER) == 0
        assert deriving.run(LATER + timedelta(seconds=10)) == len(DERIVED)
        assert deriving.run(LATER + timedelta(seconds=20)) == 0

    assert deriving.run(LATER + deriving.AGAIN) == len(DERIVED)  # the calendar is there again


def test_while_bars_wait_nothing_is_overdue():
    bars = session(minutes=30)
    feed_live(bars[:5])
    feed(bars[5:])

    assert deriving.run(LATER) == 0
    process_all()
    assert rows_of(timeframe="15m") == expected(bars, timeframes=["15m"])


def test_a_base_bar_that_comes_after_that_has_the_derived_one_made_again():
    bars = session(minutes=30)
    feed_live(bars[:5])
    assert deriving.run(LATER) == 3
    process_all()

    feed_live(bars[5:])

    assert Rerun.objects.filter(cause=RerunCause.BASE, timeframe="15m").exists()
    settle()
    deriving.run(LATER)
    settle()
    assert rows_of(timeframe="15m") == expected(bars, timeframes=["15m"])
    check_log()


def test_late_base_bars_have_each_derived_bar_made_again_once():
    bars = session()
    late = bars[10:40]
    feed([bar for bar in bars if bar not in late])
    process_all()

    feed(late)
    process_all()
    assert SymbolEvent.objects.filter(kind="rerun").count() == 0, "first they all come"
    settle()

    assert rows_of() == expected(bars)
    assert set(Bar.objects.filter(derived=True, revised=True).values_list("timeframe", flat=True)) == {
        "15m",
        "1h",
        "1d",
    }
    for bar in Bar.objects.filter(derived=True):
        assert bar.revisions.count() <= 1
    check_log()


def test_revised_base_bars_revise_the_derived_ones_and_their_signals():
    feed_live(session())
    final = session(seed=5)

    assert set(feed(final, revising=True)) == {Verdict.REVISED}
    settle()
    feed(session("FRESH", seed=5))
    process_all("FRESH")

    assert rows_of() == expected(final) == rows_of("FRESH")
    assert signals_of() == signals_of("FRESH")
    check_log()


def test_base_bars_revised_while_the_last_of_them_runs_count_with_their_new_values():
    bars = session(minutes=15)
    feed_live(bars[:2])
    feed([bars[2]])
    ticket = start_head(Symbol.objects.get(), now=NOW)
    plan = deriving.plan(ticket, now=NOW)
    final = [bars[0], *session(minutes=15, seed=5)[1:]]
    feed(final[1:], revising=True)
    while mailbox_reruns.due(LATER):  # in vain: the derived bar is not there yet
        reruns.run(lambda: LATER)

    mailbox.complete(ticket, [], now=NOW, derived=plan)
    process_all()
    settle()

    assert rows_of() == expected(final, timeframes=["15m"])


def test_a_base_bar_processed_while_an_overdue_bar_is_made_is_not_forgotten(monkeypatch):
    bars = session(minutes=25)
    feed_live(bars[:4])
    real = mailbox_derived.store_overdue

    def store(*args, **options):
        feed_live(bars[4:])
        return real(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(mailbox_derived, "store_overdue", store)
        assert deriving.run(LATER) == 0
    assert deriving.run(LATER) == 3
    process_all()

    assert rows_of() == expected(bars)


def test_a_late_base_bar_processed_while_its_derived_bar_is_made_again_is_not_forgotten(monkeypatch):
    bars = session(minutes=30)
    feed([bars[0], *bars[4:]])
    process_all()
    feed([bars[1], bars[3]])
    process_all()
    real, once = mailbox_derived.remake, [bars[2]]

    def remake(*args, **options):
        while once:
            feed_live([once.pop()])  # within the span, whose row does not change
        return real(*args, **options)

    monkeypatch.setattr(mailbox_derived, "remake", remake)
    settle()

    assert rows_of() == expected(bars, timeframes=["15m"])


def test_a_second_completion_makes_no_second_derived_bar():
    bars = session(minutes=15)
    feed_live(bars[:2])
    feed([bars[2]])
    ticket = start_head(Symbol.objects.get(), now=NOW)
    plan = deriving.plan(ticket, now=NOW)

    first, second = (mailbox.complete(ticket, [], now=NOW, derived=plan) for _ in range(2))

    assert (first, second) == ("completed", "superseded")
    assert order() == ["5m 14:30", "5m 14:35", "5m 14:40", "15m 14:30"]
    check_log()


def test_a_base_bar_in_quarantine_is_left_out_until_it_is_replayed():
    bars = session(minutes=15)
    feed(bars)
    symbol = Symbol.objects.get()
    runs.process_head(live_message(symbol))
    mailbox.skip(symbol, by="anna", now=NOW)
    process_all()
    assert rows_of() == expected([bars[0], bars[2]], timeframes=["15m"])

    quarantine.replay(symbol.quarantine.get(), by="anna", now=NOW)
    process_all()
    settle()

    assert rows_of() == expected(bars, timeframes=["15m"])
    check_log()


def test_if_the_base_bar_that_ends_the_period_goes_to_quarantine_the_next_one_does_its_work():
    bars = session(minutes=20)
    feed(bars)
    symbol = Symbol.objects.get()
    for _ in range(2):
        runs.process_head(live_message(symbol))
    mailbox.skip(symbol, by="anna", now=NOW)

    process_all()

    assert rows_of() == expected(bars[:2], timeframes=["15m"])


def test_derived_bars_are_taken_whatever_the_backlog(settings):
    settings.SCANNER_MAX_BACKLOG = 3
    bars = session(minutes=30)
    feed(bars[:3])
    runs.process_head(live_message(Symbol.objects.get()))
    runs.process_head(live_message(Symbol.objects.get()))
    assert feed(bars[3:]) == [Verdict.ACCEPTED] * 2 + [Verdict.BACKLOG_FULL]

    process_all()

    assert "15m 14:30" in order()


def test_only_the_smallest_timeframe_that_is_fed_counts():
    feed([new_bar("AAPL", timeframe="1m", timestamp=session()[0].timestamp)])
    feed_live(session())

    assert rows_of() == []
    assert not DerivedSeries.objects.exists()


def test_without_the_setting_nothing_is_made_and_nothing_costs(settings, monkeypatch):
    settings.SCANNER_DERIVE = {}
    monkeypatch.setattr(deriving, "facts_of", None)

    with CaptureQueriesContext(connection) as queries:
        feed_live(session(minutes=20))
        feed([new_bar("AAPL", day=1)])
        process_all()

    assert len(queries) > 0
    assert not [one["sql"] for one in queries if "derivedseries" in one["sql"]]
    assert rows_of() == []
    assert deriving.run(LATER) == 0


def outside(timeframe, timestamp, ticker="AAPL", **values):
    return new_bar(ticker, timeframe=timeframe, timestamp=timestamp, **values)


def test_a_bar_of_the_same_period_from_outside_replaces_the_derived_one_and_ends_its_series():
    bars = session()
    feed_live(bars[:3])
    theirs = outside("15m", bars[0].timestamp)

    assert feed([theirs]) == [Verdict.REVISED]
    feed_live(bars[3:])
    feed([bars[1]], revising=True)
    settle()

    (bar,) = Bar.objects.filter(timeframe="15m")
    assert (bar.derived, bar.revised, values_of(bar)) == (False, True, values_of(theirs))
    assert DerivedSeries.objects.get(timeframe="15m").ended_at == NOW
    assert (
        SymbolEvent.objects.filter(reason="no more 15m bars are made from 5m bars, since one came from outside").count()
        == 1
    )
    assert rows_of() == expected(bars, timeframes=["1h", "1d"]), "the other series go on"
    assert feed([theirs]) == [Verdict.DUPLICATE]
    check_log()


def test_a_bar_from_outside_with_the_same_values_takes_over_too():
    bars = session(minutes=15)
    feed_live(bars)
    (_, timestamp, *values) = rows_of(timeframe="15m")[0]

    assert feed([outside("15m", timestamp, **dict(zip(VALUES, values, strict=True)))]) == [Verdict.DUPLICATE]

    assert rows_of() == []
    assert DerivedSeries.objects.get(timeframe="15m").ended_at == NOW


def test_a_bar_from_outside_that_was_first_stays():
    bars = session(minutes=30)
    feed_live(bars[:1])
    theirs = outside("15m", bars[0].timestamp)
    feed([theirs])

    feed_live(bars[1:])

    assert list(Bar.objects.filter(timeframe="15m").values_list("derived", "close")) == [(False, theirs.close)]


@pytest.mark.parametrize("stamp", ["2026-03-05 00:00", "2026-03-05 05:00", "2026-03-05 14:30", "2026-03-04 21:00"])
@pytest.mark.parametrize("first", ["derived", "outside"])
def test_a_daily_bar_from_outside_is_of_the_same_session_whatever_its_stamp(stamp, first):
    bars = session()
    theirs = outside("1d", datetime.fromisoformat(stamp).replace(tzinfo=UTC))
    feed_live(bars[:5])
    if first == "outside":
        feed([theirs])
    feed_live(bars[5:])
    if first == "derived":
        assert feed([theirs]) == [Verdict.REVISED]
    settle()

    (bar,) = Bar.objects.filter(timeframe="1d")
    assert (bar.derived, values_of(bar)) == (False, values_of(theirs))
    assert feed([theirs]) == [Verdict.DUPLICATE]
    assert DerivedSeries.objects.get(timeframe="1d").ended_at is not None
    again = ingest.accept(
        [{**values_of(theirs), "close": 11.5, "symbol": "AAPL", "timeframe": "1d", "timestamp": theirs.timestamp}],
        now=NOW,
    )
    assert [(one.stored["close"], one.sent["close"]) for one in again.conflicts] == [(11.0, 11.5)]
    check_log()


def test_history_from_outside_does_not_end_what_is_derived_after_it():
    old = [outside("1d", datetime(2026, 3, day, tzinfo=UTC)) for day in (2, 3, 4)]
    feed(old[:1])
    process_all()
    feed_live(session())
    feed(old[1:])
    process_all()

    stamps = Bar.objects.filter(timeframe="1d").order_by("timestamp").values_list("timestamp", flat=True)
    assert [f"{one:%d}" for one in stamps] == ["02", "03", "04", "05"]
    assert rows_of() == expected(session())


def test_what_retention_has_cut_is_not_made_again(settings):
    settings.SCANNER_KEEP_BARS_DAYS = 3
    bars = session(day="2026-03-12")
    feed([bar for bar in bars if bar != bars[20]], now=NOW - timedelta(hours=1))
    process_all()
    before = rows_of()
    Bar.objects.filter(timeframe="5m", timestamp__lt=bars[10].timestamp).delete()
    feed([bars[20]], now=NOW)
    process_all()
    settle(now=NOW + timedelta(days=2))

    assert [row for row in rows_of() if row[0] == "1d"] == [row for row in before if row[0] == "1d"]


def test_while_the_calendar_cannot_be_loaded_bars_go_on_and_derived_ones_come_later(monkeypatch):
    from scanner_app.domain.trading_hours import Hours

    bars = session()
    with monkeypatch.context() as patched:
        patched.setattr(base_bars, "hours_of", lambda *_: Hours([]))
        feed_live(bars[:40])
        assert rows_of() == []
        while mailbox_reruns.due(LATER):
            reruns.run(lambda: LATER)
        assert Rerun.objects.count() == 3
    feed_live(bars[40:])
    settle(LATER + timedelta(minutes=2))

    assert rows_of() == expected(bars)
    check_log()


def test_a_breaker_that_the_base_bar_closes_does_not_hold_the_derived_one():
    bars = session(minutes=15)
    feed(bars)
    symbol = Symbol.objects.get()
    for _ in range(2):
        runs.process_head(live_message(symbol))
    ticket = start_head(symbol, now=NOW)
    now = fail_head(symbol, 3, now=NOW)  # it is open, and another run of the bar is still under way

    mailbox.complete(ticket, [], now=now, derived=deriving.plan(ticket, now=now))

    row = row_of(symbol)
    assert (row.head, row.next_attempt_at, row.catching_up) == (4, None, False)
    assert isinstance(mailbox.start(live_message(symbol), now=now), mailbox.Ticket)


def test_when_derivation_begins_windows_reach_back_before_it(settings):
    settings.SCANNER_DERIVE = {}
    bars = [bar for day in (3, 4, 5) for bar in session(day=f"2026-03-0{day}")]
    feed(bars[: 2 * 78])
    process_all()
    settings.SCANNER_DERIVE = {"5m": DERIVED}

    feed_live(bars[2 * 78 :])
    settle()

    hours = expected(bars, timeframes=["1h"])
    reach = 4 * Last.bars_needed
    assert rows_of(timeframe="1h") == hours[14 - reach - 1 :], "in whole periods"
    assert Bar.objects.get(timeframe="1h", timestamp=hours[7][1]).late
    check_log()


def test_what_was_processed_while_the_setting_was_absent_is_made_up_for(settings):
    bars = [bar for day in (3, 4, 5) for bar in session(day=f"2026-03-0{day}")]
    feed_live(bars[:20])
    settings.SCANNER_DERIVE = {}
    feed(bars[20:200])
    process_all()
    settings.SCANNER_DERIVE = {"5m": DERIVED}

    feed_live(bars[200:])
    settle()

    assert rows_of() == expected(bars)
    check_log()
