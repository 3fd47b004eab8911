"""After a revision the valid signals are those of a scanner that had the final values from the start."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from scanner_app import detectors as detectors_
from scanner_app import mailbox
from scanner_app.detectors import Signal as Seen
from scanner_app.domain.enums import RerunCause
from scanner_app.engine import detection, reruns, retention, runs
from scanner_app.mailbox import NewBar, Verdict, rerun_spans
from scanner_app.mailbox import reruns as mailbox_reruns
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, BarRevision, QuarantinedBar, Rerun, Signal, Symbol, SymbolEvent, SymbolStatus
from tests.conftest import T0, live_message, new_bar, row_of, start_head

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
ANCIENT = datetime(1, 1, 2, tzinfo=UTC)


class Higher:
    """A bar that closed above the mean of its window, by how much."""

    name, bars_needed = "higher", 5

    def detect(self, window):
        above = float(window.close[-1] - window.close.mean())
        if above > 0:
            yield Seen("HIGHER", "bullish", round(above, 6))


class Short:
    """A bar of a small range; needs no other."""

    name, bars_needed = "short", 1

    def detect(self, window):
        if window.high[-1] - window.low[-1] < 3:
            yield Seen("SHORT", "neutral", 1.0)


BROKEN: set[float] = set()
"""Closes at which `Broken` fails."""


class Broken:
    """Sees every bar, but fails at some."""

    name, bars_needed = "broken", 2

    def detect(self, window):
        if float(window.close[-1]) in BROKEN:
            raise ZeroDivisionError("no good")
        yield Seen("SEEN", "neutral", float(window.close[-1]))


@pytest.fixture(autouse=True)
def detectors(settings):
    settings.SCANNER_DETECTORS = [f"{__name__}.{one.__name__}" for one in (Higher, Short, Broken)]
    BROKEN.clear()
    yield
    detection.chosen_detectors.cache_clear()


def walk(count, *, ticker="TSLA", first=0, factor=1.0):
    """Daily bars of a random walk that is the same each time, from day `first`."""
    steps = np.random.default_rng(7).normal(size=first + count).cumsum() + 200
    return [
        new_bar(
            ticker,
            day,
            open=factor * float(steps[day]),
            close=factor * float(steps[day] + np.sin(day)),
            high=factor * float(steps[day] + 2),
            low=factor * float(steps[day] - 2),
        )
        for day in range(first, first + count)
    ]


def feed(bars, *, now=T0, **options):
    create_symbols([bars[0].symbol], at_most=100, now=now)
    return mailbox.accept(bars, now=now, **options)


def process_all(ticker="TSLA"):
    symbol = Symbol.objects.get(ticker=ticker)
    while row_of(symbol).head is not None:
        runs.process_head(live_message(symbol))
    return symbol


def look_again(now=T0):
    while mailbox_reruns.due(now):
        reruns.run(lambda: now)


def valid(ticker):
    rows = Signal.objects.filter(symbol__ticker=ticker, withdrawn_at=None).order_by("timestamp", "detector", "pattern")
    return list(rows.values_list("timestamp", "detector", "pattern", "direction", "strength"))


def test_after_a_split_the_signals_are_those_of_a_fresh_scanner():
    feed(walk(300))
    process_all()
    before = valid("TSLA")

    split = walk(300, factor=0.25)
    for begin in range(0, 300, 100):
        assert set(feed(split[begin : begin + 100], revising=True, source="anna")) == {Verdict.REVISED}
        look_again()
        feed(walk(1, first=300 + begin // 100, factor=0.25))  # a live bar between the chunks
        process_all()
    look_again()
    feed(walk(303, ticker="FRESH", factor=0.25))
    process_all("FRESH")

    assert valid("TSLA") == valid("FRESH") != before
    assert not Rerun.objects.exists()
    assert BarRevision.objects.filter(source="anna").count() == 300
    assert Signal.objects.filter(withdrawn_at__isnull=False).exists(), "withdrawn signals are kept"
    assert Signal.objects.filter(symbol__ticker="TSLA", revised=True).exists()
    assert SymbolStatus.objects.get(symbol__ticker="TSLA").last_sequence == 303, "a revision takes no number"


def test_bars_whose_windows_do_not_reach_the_revised_one_are_not_looked_at():
    feed(walk(40))
    process_all()

    feed([new_bar(day=20, close=11.5)], revising=True)
    looked_at = reruns.run(lambda: T0, clock=lambda: 0.0)

    assert looked_at == 1 + Higher.bars_needed - 1
    reason = SymbolEvent.objects.get(kind="rerun").reason
    assert reason == "the detectors looked at 5 1d bars again"


def test_a_waiting_bar_needs_no_second_look():
    feed(walk(3))

    assert feed([new_bar(day=2, close=11.5)], revising=True) == [Verdict.REVISED]

    assert not Rerun.objects.exists()
    process_all()
    assert Bar.objects.get(sequence=3).close == 11.5
    assert Bar.objects.get(sequence=3).revised


def test_a_run_that_read_old_values_is_taken_and_its_bar_looked_at_again():
    feed(walk(2))
    symbol = Symbol.objects.get(ticker="TSLA")
    ticket = start_head(symbol)
    feed([new_bar(day=0, close=11.5)], revising=True)

    mailbox.complete(ticket, [], now=T0)

    span = Rerun.objects.get()
    assert (span.first, span.last) == (ticket.timestamp, ticket.timestamp)
    process_all()
    look_again()
    assert [pattern for _, _, pattern, *_ in valid("TSLA")].count("SEEN") == 2


def test_a_look_with_old_windows_is_done_again(monkeypatch):
    feed(walk(3))
    process_all()
    feed([new_bar(day=1, close=11.5)], revising=True)
    real = reruns._look
    calls: list[mailbox_reruns.Look] = []

    def look(*args):
        seen = real(*args)
        if not calls:
            feed([new_bar(day=1, close=11.0)], revising=True)
        calls.append(seen)
        return seen

    monkeypatch.setattr(reruns, "_look", look)
    look_again()

    assert len(calls) == 3, "done again, now one bar after the other"
    assert (T0.replace(year=2024, month=1, day=2, hour=0, minute=0), "broken", "SEEN", "neutral", 11.0) in valid("TSLA")


def test_a_detector_that_fails_keeps_the_old_signals_and_the_span_is_tried_later():
    feed(walk(10))
    process_all()
    before = valid("TSLA")
    BROKEN.add(11.5)

    feed([new_bar(day=4, close=11.5)], revising=True)
    look_again()

    day = new_bar(day=4).timestamp
    span = Rerun.objects.get()
    assert (span.first, span.last, span.failures) == (day, day, 1)
    assert span.last_error == "ZeroDivisionError: no good"
    assert [one for one in valid("TSLA") if one[0] == day] == [one for one in before if one[0] == day]
    assert row_of(Symbol.objects.get()).head is None, "live bars are not held"

    look_again()
    assert Rerun.objects.get().failures == 1, "it is not due yet"
    look_again(T0 + timedelta(seconds=30))
    assert Rerun.objects.get().failures == 2
    BROKEN.clear()
    look_again(T0 + timedelta(seconds=90))

    assert not Rerun.objects.exists()
    assert (day, "broken", "SEEN", "neutral", 11.5) in valid("TSLA")


def test_a_detector_that_fails_at_every_bar_leaves_one_span():
    feed(walk(250))
    process_all()
    revised = walk(250, factor=2.0)
    BROKEN.update(bar.close for bar in revised)

    feed(revised, revising=True)
    look_again()

    assert Rerun.objects.count() == 1
    span = Rerun.objects.get()
    assert (span.first, span.last) == (revised[0].timestamp, revised[-1].timestamp)


def test_a_span_of_one_detector_leaves_the_others_signals_alone():
    feed(walk(5))
    process_all()
    others = [one for one in valid("TSLA") if one[1] != "short"]
    Signal.objects.filter(detector="short").delete()
    bars = walk(5)

    rerun_spans.widen(
        Symbol.objects.get().pk,
        "1d",
        bars[0].timestamp,
        bars[-1].timestamp,
        cause=RerunCause.DETECTOR,
        now=T0,
        detector="short",
    )
    Signal.objects.filter(detector="higher").update(strength=1.0)
    look_again()

    assert [one for one in valid("TSLA") if one[1] == "broken"] == [one for one in others if one[1] == "broken"]
    assert {one[4] for one in valid("TSLA") if one[1] == "higher"} <= {1.0}


def test_bars_whose_window_retention_has_cut_are_left_alone(monkeypatch):
    monkeypatch.setattr(retention, "SPARE_BARS", 10)
    feed(walk(20))
    process_all()
    before = valid("TSLA")
    Bar.objects.filter(sequence__lte=10).delete()

    feed([bar for bar in walk(20, factor=3.0) if bar.timestamp >= new_bar(day=10).timestamp], revising=True)
    look_again()

    days = [new_bar(day=day).timestamp for day in range(10, 14)]
    assert [one for one in valid("TSLA") if one[0] in days] == [one for one in before if one[0] in days]
    assert (new_bar(day=14).timestamp, "broken") in [one[:2] for one in valid("TSLA")]


def test_the_spans_of_a_deleted_symbol_go_with_it():
    feed(walk(3))
    symbol = process_all()
    feed([new_bar(day=1, close=11.5)], revising=True)
    mailbox.delete(symbol, by="anna", now=T0)

    assert reruns.run(lambda: T0) == 0
    while mailbox.remove_rows(symbol.pk):
        pass
    assert not Rerun.objects.exists()


def test_two_looks_at_one_time_exclude_each_other():
    feed(walk(3))
    process_all()
    feed([new_bar(day=1, close=11.5)], revising=True)
    span = mailbox_reruns.due(T0)
    assert span is not None

    assert mailbox_reruns.take(span, until=T0 + timedelta(seconds=30))
    assert not mailbox_reruns.take(span, until=T0 + timedelta(seconds=30))
    assert mailbox_reruns.due(T0) is None
    assert mailbox_reruns.due(T0 + timedelta(seconds=30)) is not None, "its holder was killed"


def test_spans_far_apart_stay_apart():
    days = [0, 1, 2, 1_000, 1_001]
    create_symbols(["TSLA"], at_most=10, now=T0)
    mailbox.accept([new_bar(day=day) for day in days], now=T0 + timedelta(days=2_000))
    process_all()

    feed([new_bar(day=day, close=10.5) for day in (0, 1_001)], revising=True)
    assert Rerun.objects.count() == 1, "one call is one span"
    look_again()
    feed([new_bar(day=0, close=10.6)], revising=True)
    feed([new_bar(day=1_001, close=10.6)], revising=True)
    assert Rerun.objects.count() == 2
    feed([new_bar(day=2, close=10.6)], revising=True)
    assert Rerun.objects.count() == 2


def test_an_assumed_bar_is_revised_by_the_closed_one_and_confirmed_by_its_like():
    assumed = NewBar(**{**vars_of(new_bar(day=0)), "assumed": True})
    other = NewBar(**{**vars_of(new_bar(day=1)), "assumed": True})
    feed([assumed, other])
    process_all()

    assert feed([new_bar(day=0), new_bar(day=1, close=11.5)]) == [Verdict.DUPLICATE, Verdict.REVISED]

    assert list(Bar.objects.order_by("sequence").values_list("assumed", "revised", "close")) == [
        (False, False, 11.0),
        (False, True, 11.5),
    ]
    assert BarRevision.objects.get().assumed


def test_many_bars_that_fail_for_ever_do_not_keep_the_bars_after_them(monkeypatch):
    monkeypatch.setattr(reruns, "CHUNK", 3)
    feed(walk(30))
    process_all()
    bars = [new_bar(day=day, close=10 + day / 64) for day in range(30)]
    BROKEN.update(bar.close for bar in bars)
    feed(bars, revising=True)
    look_again()
    BROKEN.discard(bars[25].close)

    most = 0
    for hours in range(1, 40):
        look_again(T0 + timedelta(hours=hours))
        most = max(most, Rerun.objects.count())

    assert (bars[25].timestamp, "broken", "SEEN", "neutral", bars[25].close) in valid("TSLA")
    assert most <= 3
    BROKEN.clear()
    for hours in range(40, 80):
        look_again(T0 + timedelta(hours=hours))
    assert not Rerun.objects.exists()


def test_a_bar_that_fails_for_ever_does_not_keep_the_bars_after_it():
    feed(walk(10))
    process_all()
    BROKEN.update({11.5, 11.25})
    feed([new_bar(day=2, close=11.5), new_bar(day=6, close=11.25)], revising=True)
    look_again()
    BROKEN.discard(11.25)
    for hours in range(1, 50):
        look_again(T0 + timedelta(hours=hours))
    assert (new_bar(day=6).timestamp, "broken", "SEEN", "neutral", 11.25) in valid("TSLA")


def test_a_bar_put_off_while_its_span_is_looked_at_is_not_lost():
    feed(walk(30))
    process_all()
    BROKEN.update({11.5, 11.25})
    feed([new_bar(day=2, close=11.5)], revising=True)
    look_again()
    BROKEN.discard(11.5)
    feed([new_bar(day=20, close=11.25)], revising=True)
    later = T0 + timedelta(hours=1)
    put_off = Rerun.objects.select_related("symbol__status").get(failures=1)
    look = reruns._look(put_off)
    look_again()  # another worker, at the normal span
    mailbox_reruns.store(put_off, look, retry_at=later, now=later)
    BROKEN.clear()
    look_again(T0 + timedelta(hours=9))
    assert (new_bar(day=20).timestamp, "broken", "SEEN", "neutral", 11.25) in valid("TSLA")


def test_retention_that_cut_one_series_only(monkeypatch):
    monkeypatch.setattr(retention, "SPARE_BARS", 10)
    create_symbols(["TSLA"], at_most=9, now=T0)
    mailbox.accept([new_bar(day=0, timeframe="1w")], now=T0)
    feed(walk(20))
    process_all()
    before = valid("TSLA")
    Bar.objects.filter(timeframe="1d", sequence__lte=11).delete()
    feed([bar for bar in walk(20, factor=3.0) if bar.timestamp >= new_bar(day=10).timestamp], revising=True)
    look_again()
    days = [new_bar(day=day).timestamp for day in range(10, 14)]
    assert [one for one in valid("TSLA") if one[0] in days and one[1] == "higher"] == [
        one for one in before if one[0] in days and one[1] == "higher"
    ]


def test_a_replayed_first_bar_is_no_retention(settings):
    settings.SCANNER_KEEP_BARS_DAYS = 10_000
    feed(walk(1))
    symbol = Symbol.objects.get()
    mailbox.skip(symbol, by="anna", now=T0)
    mailbox.replay(QuarantinedBar.objects.get(), by="anna", now=T0)
    process_all()
    feed(walk(10, first=1)[0:9])
    process_all()
    feed([new_bar(day=1, close=11.5)], revising=True)
    look_again()
    assert (new_bar(day=1).timestamp, "broken", "SEEN", "neutral", 11.5) in valid("TSLA")


def test_a_slow_detector_is_not_run_on_a_whole_chunk_within_one_limit(monkeypatch):
    feed(walk(60))
    process_all()
    feed(walk(60, factor=2.0), revising=True)
    seconds = [0.0]
    real = detectors_.run

    def slow(*args):
        seconds[0] += 0.5
        return real(*args)

    monkeypatch.setattr(detectors_, "run", slow)
    reruns.run(lambda: T0, clock=lambda: seconds[0])
    assert seconds[0] <= 2, "a task's soft limit is a bar's, and a second"


def test_many_short_spans_do_not_take_a_task_each():
    tickers = [f"S{n}" for n in range(20)]
    create_symbols(tickers, at_most=100, now=T0)
    for ticker in tickers:
        mailbox.accept([new_bar(ticker)], now=T0)
        process_all(ticker)
    for ticker in tickers:
        mailbox.accept([new_bar(ticker, close=11.5)], now=T0, revising=True)
    for _ in range(4):
        reruns.run(lambda: T0, clock=lambda: 0.0)  # no task runs out of time, however slow the machine
    assert not Rerun.objects.exists()


def test_a_small_span_does_not_wait_for_a_long_one(monkeypatch):
    feed(walk(450))
    process_all()
    create_symbols(["B"], at_most=100, now=T0)
    mailbox.accept([new_bar("B")], now=T0)
    process_all("B")
    feed(walk(450, factor=2.0), revising=True)
    mailbox.accept([new_bar("B", close=11.5)], now=T0, revising=True)
    ticks = iter(range(10_000))
    for _ in range(2):
        reruns.run(lambda: T0, clock=lambda: float(next(ticks)))
    assert [one.symbol.ticker for one in Rerun.objects.all()] == ["TSLA"]


def test_a_revision_of_an_ancient_bar():
    assert feed([new_bar(timestamp=ANCIENT)]) == [Verdict.ACCEPTED]
    process_all()
    assert feed([new_bar(timestamp=ANCIENT, close=11.5)], revising=True) == [Verdict.REVISED]


def test_a_revision_of_many_symbols_takes_as_many_queries_as_one_of_few(django_assert_max_num_queries):
    tickers = [f"S{number}" for number in range(30)]
    create_symbols(tickers, at_most=100, now=T0)
    mailbox.accept([new_bar(ticker) for ticker in tickers], now=T0)
    for ticker in tickers:
        process_all(ticker)

    with django_assert_max_num_queries(14):
        mailbox.accept([new_bar(ticker, close=11.5) for ticker in tickers], now=T0, revising=True)
    with django_assert_max_num_queries(14):
        mailbox.accept([new_bar(ticker, close=11.6) for ticker in tickers], now=T0, revising=True)

    assert Rerun.objects.count() == 30


def test_after_a_split_bars_see_the_one_that_was_in_quarantine():
    bars = walk(30)
    bars[10] = new_bar(day=10)
    feed(bars[:11])
    symbol = Symbol.objects.get()
    while Bar.objects.filter(status="processed").count() < 10:
        runs.process_head(live_message(symbol))
    mailbox.skip(symbol, by="anna", now=T0)
    feed(bars[11:])
    process_all()

    feed(walk(30, factor=0.25), revising=True)
    look_again()
    process_all()
    look_again()
    feed(walk(30, ticker="FRESH", factor=0.25))
    process_all("FRESH")

    assert valid("TSLA") == valid("FRESH")


def vars_of(bar):
    names = ("symbol", "timeframe", "timestamp", "open", "high", "low", "close", "volume")
    return {name: getattr(bar, name) for name in names}
