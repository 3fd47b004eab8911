"""Re-runs under bars that kill their worker, revisions that never stop, and values that no detector takes."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.detectors import Signal as Seen
from scanner_app.engine import detection, reruns
from scanner_app.engine.window import load_window
from scanner_app.mailbox import Verdict
from scanner_app.mailbox import reruns as mailbox_reruns
from scanner_app.models import Bar, QuarantinedBar, Rerun, Signal, Symbol, SymbolEvent
from tests.conftest import DAY, T0, live_message, new_bar, row_of, start_head
from tests.engine.test_reruns import feed, look_again, process_all, valid, walk

pytestmark = pytest.mark.django_db

LEASE = timedelta(minutes=1)
DEADLY: set[float] = set()
"""Closes at which a detector takes its process with it."""

UNUSABLE: set[float] = set()
"""Closes that `Fragile` calls unusable."""


class Died(BaseException):
    """In place of the end of the process: nothing that comes after it is done."""


def run_or_die(chosen, window):
    """What a detector raises is caught, whatever it is; the end of its process is not."""
    if float(window.close[-1]) in DEADLY:
        raise Died
    return RUN(chosen, window)


RUN = detection.run


class Fragile:
    """Sees the mean of the last three closes."""

    name, bars_needed = "fragile", 3

    def detect(self, window):
        if float(window.close[-1]) in UNUSABLE:
            raise BarUnusable("no such price")
        yield Seen("MEAN", "neutral", round(float(window.close.mean()), 6))


@pytest.fixture(autouse=True)
def detectors(settings, monkeypatch):
    settings.SCANNER_DETECTORS = [f"{__name__}.Fragile"]
    monkeypatch.setattr(detection, "run", run_or_die)
    DEADLY.clear()
    UNUSABLE.clear()
    yield
    detection.chosen_detectors.cache_clear()


def work(now):
    """What beat triggers, until nothing is due; returns the number of workers that died."""
    deaths = 0
    while mailbox_reruns.due(now):
        try:
            reruns.run(lambda: now)
        except Died:
            deaths += 1
    return deaths


def revised(bar_day, close):
    feed([new_bar(day=bar_day, close=close)], revising=True)


def scene(count=60, *, ticker="TSLA"):
    feed(walk(count, ticker=ticker))
    return process_all(ticker)


# A bar that kills the worker.


def test_a_bar_that_kills_the_worker_is_found_after_two_deaths_and_does_not_keep_the_others():
    scene()
    before = valid("TSLA")
    bars = [new_bar(day=day, close=10 + day / 64) for day in range(60)]
    deadly = bars[40]
    DEADLY.add(deadly.close)
    feed(bars, revising=True)

    assert work(T0) == 1
    assert Rerun.objects.get().next_bar_at == bars[25].timestamp, "the chunk before is stored"
    assert work(T0 + LEASE) == 1
    assert work(T0 + 2 * LEASE) == 0

    span = Rerun.objects.get()
    assert (span.first, span.last, span.failures) == (deadly.timestamp, deadly.timestamp, 1)
    assert span.last_error == reruns.KILLED
    assert [one for one in valid("TSLA") if one[0] == deadly.timestamp] == [
        one for one in before if one[0] == deadly.timestamp
    ]
    assert Signal.objects.filter(revised=True, withdrawn_at=None).count() == 59
    told = list(SymbolEvent.objects.filter(kind="rerun", reason__contains="keeps its signals"))
    assert [one.reason for one in told] == [
        f"1d bar of 2024-02-10 keeps its signals and is looked at again later: {reruns.KILLED}"
    ]


def test_a_bar_that_kills_the_worker_is_tried_again_after_growing_pauses_and_told_once():
    scene(3)
    DEADLY.add(11.5)
    revised(1, 11.5)
    work(T0)
    work(T0 + LEASE)
    work(T0 + 2 * LEASE)

    now, pauses = T0 + 2 * LEASE, []
    for _ in range(4):
        again = Rerun.objects.get().next_attempt_at
        assert again is not None
        pauses.append(again - now)
        assert work(again - timedelta(seconds=1)) == 0, "not before its time"
        now = again
        assert work(now) == 1, "one death each time, since it is looked at alone"
        now += LEASE
        assert work(now) == 0

    assert [pause / timedelta(minutes=1) for pause in pauses] == [10, 20, 40, 60]
    assert SymbolEvent.objects.filter(kind="rerun", reason__contains="keeps its signals").count() == 1
    assert SymbolEvent.objects.filter(kind="rerun", reason__contains="looked at").count() == 2  # that, and the span

    DEADLY.clear()
    assert work(T0 + DAY) == 0
    assert not Rerun.objects.exists()
    assert (new_bar(day=1).timestamp, "fragile", "MEAN") in [one[:3] for one in valid("TSLA")]


def test_a_worker_that_stops_between_two_tasks_blames_no_bar():
    scene(3)
    revised(1, 11.5)
    span = mailbox_reruns.due(T0)
    assert span is not None

    for _ in range(3):
        assert mailbox_reruns.take(span, until=T0 + LEASE)
        mailbox_reruns.give_back(span, now=T0)
        span = mailbox_reruns.due(T0)
        assert span is not None
        assert not span.taken
    look_again()

    assert not Rerun.objects.exists()


def test_a_machine_that_is_switched_off_once_blames_no_bar():
    scene(60)
    feed(walk(60, factor=2.0), revising=True)
    span = mailbox_reruns.due(T0)
    assert span is not None
    mailbox_reruns.take(span, until=T0 + LEASE)

    assert work(T0 + LEASE) == 0

    assert not Rerun.objects.exists()
    assert Signal.objects.filter(revised=True).count() == 60


def test_a_bar_that_joins_while_a_bar_kills_the_worker_is_not_taken_for_it():
    scene(60)
    DEADLY.add(11.5)
    feed([new_bar(day=30, close=11.5)], revising=True)
    work(T0)
    work(T0 + LEASE)
    revised(10, 11.25)

    for minutes in range(2, 6):
        work(T0 + minutes * LEASE)

    span = Rerun.objects.get()
    assert span.first == span.last == new_bar(day=30).timestamp
    assert (new_bar(day=10).timestamp, "fragile") in [
        one[:2] for one in Signal.objects.filter(revised=True).values_list("timestamp", "detector")
    ]


# Revisions that never stop.


def storm(monkeypatch, at_each_look):
    """Call something between the reading and the storing of each look, for the first thousand looks."""
    real, looks = reruns._look, []

    def look(*args):
        seen = real(*args)
        looks.append(seen)
        assert len(looks) < 1_000, "it never gets through"
        at_each_look(len(looks))
        return seen

    monkeypatch.setattr(reruns, "_look", look)
    return looks


def test_revisions_of_other_bars_at_each_look_do_not_keep_a_span(monkeypatch):
    scene(60)
    feed([new_bar(timeframe="1h")])
    process_all()
    feed(walk(60, factor=2.0), revising=True)
    storm(monkeypatch, lambda n: feed([new_bar(timeframe="1h", close=10 + n / 1024)], revising=True))
    ticks = iter(range(100_000))

    for _ in range(10):  # a task has time for some twenty bars
        reruns.run(lambda: T0, clock=lambda: next(ticks) / 64)

    assert not Rerun.objects.filter(timeframe="1d").exists()


def test_a_bar_that_is_revised_at_each_look_does_not_keep_the_bars_before_it(monkeypatch):
    scene(60)
    looks = storm(monkeypatch, lambda n: n < 200 and revised(20, 10 + n / 1024))
    feed(walk(60, factor=2.0), revising=True)
    ticks = iter(range(100_000))  # a task has time for some twenty bars

    for _ in range(150):
        span = mailbox_reruns.due(T0)
        assert span is not None
        if len(looks) > 100:
            break
        reruns.run(lambda: T0, clock=lambda: next(ticks) / 64)

    places = [span.next_bar_at for span in Rerun.objects.all()]
    assert new_bar(day=20).timestamp in places, "the nineteen before it are done"


def test_a_long_span_ends_though_its_first_bar_is_revised_again_and_again(monkeypatch):
    scene(200)
    feed(walk(200, factor=2.0), revising=True)
    ticks = iter(range(100_000))  # a task has time for some twenty bars
    for turn in range(40):
        reruns.run(lambda: T0, clock=lambda: next(ticks) / 64)
        revised(0, 10 + turn / 128)

    spans = Rerun.objects.all()
    assert all(span.last < new_bar(day=100).timestamp for span in spans), "only the first bar is left"
    look_again()
    fresh = [*walk(200, ticker="FRESH", factor=2.0)]
    fresh[0] = new_bar("FRESH", close=10 + 39 / 128)
    feed(fresh)
    process_all("FRESH")
    assert valid("TSLA") == valid("FRESH")


# Values that no detector takes.


def test_a_processed_bar_that_a_revision_makes_unusable_ends_in_quarantine_as_on_a_fresh_scanner():
    symbol = scene(60)
    UNUSABLE.add(11.5)
    bars = walk(60, factor=0.25)
    bars[10] = new_bar(day=10, close=11.5)

    feed(bars, revising=True)
    look_again()

    feed([type(bar)(**{**{name: getattr(bar, name) for name in bar.__slots__}, "symbol": "FRESH"}) for bar in bars])
    process_all("FRESH")
    assert valid("TSLA") == valid("FRESH")
    ours, theirs = QuarantinedBar.objects.order_by("id")
    assert (ours.timestamp, ours.error_type, ours.message) == (theirs.timestamp, theirs.error_type, theirs.message)
    assert "no such price" in ours.traceback
    statuses = [
        list(Bar.objects.filter(symbol__ticker=ticker).order_by("timestamp").values_list("timestamp", "status"))
        for ticker in ("TSLA", "FRESH")
    ]
    assert statuses[0] == statuses[1]
    assert row_of(symbol).bars_processed == 59
    assert not Signal.objects.filter(bar=ours.bar_id, withdrawn_at=None).exists()
    assert symbol.breaker.failures == 0, "a re-run touches no breaker"


def test_a_bar_made_unusable_comes_back_with_values_that_are_good():
    scene(30)
    UNUSABLE.add(11.5)
    revised(10, 11.5)
    look_again()

    bars = walk(30)
    assert feed([bars[10]]) == [Verdict.ACCEPTED]
    process_all()
    look_again()

    feed(walk(30, ticker="FRESH"))
    process_all("FRESH")
    assert valid("TSLA") == valid("FRESH")


def test_a_bar_made_unusable_while_the_next_one_runs_is_in_no_window():
    symbol = scene(30)
    UNUSABLE.add(11.5)
    revised(29, 11.5)
    feed(walk(1, first=30))
    message = live_message(symbol)
    ticket = start_head(symbol)
    findings = detection.detect(ticket, load_window(ticket))
    look_again()
    mailbox.complete(ticket, findings, now=T0)
    assert message.sequence == 31
    look_again()

    bars = walk(31, ticker="FRESH")
    bars[29] = new_bar("FRESH", day=29, close=11.5)
    feed(bars)
    process_all("FRESH")
    assert valid("TSLA") == valid("FRESH")


class Strict:
    """Takes no bar that is far above the one before it: whether a bar is usable depends on its window."""

    name, bars_needed = "strict", 2

    def detect(self, window):
        if len(window) > 1 and window.close[-1] > 2 * window.close[-2]:
            raise BarUnusable("a jump")
        yield Seen("STEP", "neutral", round(float(window.close[-1] / window.close[0]), 6))


def test_a_bar_after_the_revised_one_may_become_unusable_too(settings):
    settings.SCANNER_DETECTORS = [f"{__name__}.Strict", f"{__name__}.Fragile"]
    detection.chosen_detectors.cache_clear()
    closes = [100.0, 100.0, 100.0, 100.0, 260.0, 270.0, 150.0, 160.0, 170.0]

    def series(ticker, closes):
        return [new_bar(ticker, day, open=9, low=1, high=400, close=close) for day, close in enumerate(closes)]

    feed(series("TSLA", [100.0, 100.0, 100.0, 150.0, *closes[4:]]))
    process_all()
    feed([series("TSLA", closes)[3]], revising=True)
    look_again()

    feed(series("FRESH", closes))
    process_all("FRESH")
    assert valid("TSLA") == valid("FRESH")
    assert Symbol.objects.get(ticker="TSLA").quarantine.count() == Symbol.objects.get(ticker="FRESH").quarantine.count()


def test_a_symbol_whose_rows_are_all_removed_during_a_look_ends_no_task(monkeypatch):
    scene(3)
    revised(1, 11.5)
    look = reruns._look

    def removed_meanwhile(span, *args):
        found = look(span, *args)
        symbol = Symbol.objects.get(ticker="TSLA")
        mailbox.delete(symbol, by="alice", now=T0, force=True)
        while mailbox.remove_rows(symbol.pk):
            pass
        return found

    monkeypatch.setattr(reruns, "_look", removed_meanwhile)

    reruns.run(lambda: T0, clock=lambda: 0.0)

    assert (Symbol.objects.count(), Rerun.objects.count(), Signal.objects.count()) == (0, 0, 0)
