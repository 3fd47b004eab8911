"""A detector that is off runs at no bar; the bars that it missed are made up for when it is on again."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.domain.enums import Outcome, Stage
from scanner_app.domain.errors import BarFailed
from scanner_app.engine import broken_detectors, detector_switches, reruns, runs
from scanner_app.models import (
    Bar,
    CircuitBreaker,
    DetectorEvent,
    DetectorSwitch,
    ProcessingFailure,
    QuarantinedBar,
    Rerun,
    Signal,
    Symbol,
    SymbolEvent,
    SymbolStatus,
)
from tests.conftest import T0, accept_days, live_message, new_bar, row_of
from tests.engine.broken import BROKEN

pytestmark = pytest.mark.django_db

LATER = T0 + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def switches_are_read_at_every_bar(breakable_detectors, monkeypatch):
    monkeypatch.setattr(detector_switches, "REFRESH_S", -1.0)


def process(ticker="TSLA"):
    symbol = Symbol.objects.get(ticker=ticker)
    while row_of(symbol).head is not None:
        assert runs.process_head(live_message(symbol)) == Outcome.COMPLETED
    return symbol


def fail_once(symbol):
    with pytest.raises(BarFailed):
        runs.process_head(live_message(symbol))


def seen(detector):
    rows = Signal.objects.filter(detector=detector, withdrawn_at=None).order_by("timestamp")
    return list(rows.values_list("bar__sequence", "strength"))


def look_again():
    while reruns.run(lambda: LATER):
        pass


def off(name="first", *, now=T0, **more):
    assert detector_switches.switch_off(name, by="olga", now=now, **more)


def on(name="first", *, now=T0):
    assert detector_switches.switch_on(name, by="olga", now=now)


def test_bars_are_completed_without_it_and_made_up_for_when_it_is_on_again():
    accept_days("TSLA", 2)
    process()
    off()
    accept_days("TSLA", 3, first=2)
    process()

    assert [bar for bar, _ in seen("first")] == [1, 2]
    assert [bar for bar, _ in seen("second")] == [1, 2, 3, 4, 5]
    span = Rerun.objects.get()
    assert (span.detector, span.cause) == ("first", "detector")
    look_again()
    assert [bar for bar, _ in seen("first")] == [1, 2], "while it is off, nothing is made up for"

    on()
    accept_days("TSLA", 1, first=5)
    process()
    look_again()

    assert seen("first") == seen("second")
    assert not Rerun.objects.exists()


def test_one_that_fails_again_keeps_its_bars_waiting():
    accept_days("TSLA", 1)
    off()
    process()
    on()
    BROKEN["first"] = KeyError

    look_again()

    assert Rerun.objects.get().detector == "first"
    assert seen("first") == []


def test_a_revision_while_it_is_off_leaves_its_signals_for_later():
    accept_days("TSLA", 4)
    process()
    off()

    mailbox.accept([new_bar(day=1, close=11.5)], now=T0, revising=True)
    look_again()

    assert seen("second")[1] == (2, 22.5)
    assert seen("first")[1] == (2, 22.0)
    assert {span.detector for span in Rerun.objects.all()} == {"first"}
    on()
    look_again()
    assert seen("first") == seen("second")


def test_the_run_of_a_bar_costs_no_statement_more_while_all_are_on(monkeypatch):
    monkeypatch.setattr(detector_switches, "REFRESH_S", 1_000.0)
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get(ticker="TSLA")
    runs.process_head(live_message(symbol))
    message = live_message(symbol)

    with CaptureQueriesContext(connection) as captured:
        runs.process_head(message)

    assert not [query["sql"] for query in captured if "detectorswitch" in query["sql"] or "rerun" in query["sql"]]


def test_a_worker_hears_of_a_switch_after_two_seconds(monkeypatch):
    monkeypatch.setattr(detector_switches, "REFRESH_S", 2.0)
    detector_switches.forget()
    assert detector_switches.switched_off(lambda: 100) == frozenset()
    DetectorSwitch.objects.create(name="first", state="off", changed_at=T0, by="olga")  # in another process

    assert detector_switches.switched_off(lambda: 101.9) == frozenset()
    assert detector_switches.switched_off(lambda: 102) == {"first"}


def test_switching_twice_changes_nothing_and_is_recorded_once():
    off(reason="a bad deploy")

    assert not detector_switches.switch_off("first", by="otto", now=LATER)
    on(now=LATER)
    assert not detector_switches.switch_on("first", by="otto", now=LATER)

    lines = list(DetectorEvent.objects.order_by("id").values_list("detector", "kind", "actor", "reason", "at"))
    assert lines == [("first", "off", "olga", "a bad deploy", T0), ("first", "on", "olga", "", LATER)]


def test_an_operator_makes_an_incidents_switch_final():
    detector_switches.switch_off("first", by="scanner", now=T0, recovery=timedelta(seconds=30))

    assert detector_switches.switch_off("first", by="olga", now=LATER, reason="looking at it")

    assert DetectorSwitch.objects.get().probe_at is None


def test_a_symbol_that_it_stopped_is_cleared_breaker_included(published):
    accept_days("TSLA", 2)
    accept_days("IBM", 1)
    symbol, other = Symbol.objects.get(ticker="TSLA"), Symbol.objects.get(ticker="IBM")
    BROKEN["first"] = KeyError
    fail_once(symbol)
    BROKEN.clear()
    BROKEN["second"] = KeyError
    fail_once(other)
    CircuitBreaker.objects.update(failures=3, opened_at=T0, incident_at=T0)
    BROKEN["first"] = KeyError
    off(reason="a bad deploy")

    assert broken_detectors.run(lambda: T0)["cleared"] == 0, "not every worker knows yet"
    assert broken_detectors.run(lambda: LATER)["cleared"] == 1
    assert broken_detectors.run(lambda: LATER)["cleared"] == 0

    row = row_of(symbol)
    assert (row.attempts, row.stage, row.next_attempt_at) == (0, Stage.RUN, None)
    assert CircuitBreaker.objects.get(symbol=symbol).opened_at is None
    assert CircuitBreaker.objects.get(symbol=other).opened_at == T0
    event = SymbolEvent.objects.filter(symbol=symbol).latest("id")
    assert (event.kind, event.actor, event.reason) == ("reset", "olga", "detector first is off: a bad deploy")
    assert event.detail is not None
    assert event.detail["before"]["failures"] == 3
    BROKEN.pop("second")
    process()
    assert [bar for bar, _ in seen("second")] == [1, 2]


def test_the_control_run_uses_the_detectors_that_failed():
    symbol = at_its_control_run("first")
    BROKEN.clear()
    BROKEN["second"] = KeyError

    assert runs.control_run(live_message(symbol)) == Outcome.QUARANTINED


def test_the_control_run_fails_if_the_detector_still_does():
    symbol = at_its_control_run("first")

    assert runs.control_run(live_message(symbol)) == Outcome.HOLDING


def test_a_head_that_failed_because_of_detectors_that_are_off_runs_again_instead_of_the_control_run():
    symbol = at_its_control_run("first")
    off()

    assert runs.control_run(live_message(symbol)) == Outcome.DEFERRED

    assert not QuarantinedBar.objects.exists()
    assert (row_of(symbol).stage, row_of(symbol).attempts) == (Stage.RUN, 0)
    process()
    assert Bar.objects.get(sequence=2).status == "processed"


def at_its_control_run(broken):
    accept_days("TSLA", 1)
    symbol = process()
    accept_days("TSLA", 1, first=1)
    BROKEN[broken] = KeyError
    fail_once(symbol)
    SymbolStatus.objects.filter(symbol=symbol).update(stage=Stage.CONTROL, next_attempt_at=None)
    CircuitBreaker.objects.update(opened_at=None)
    return symbol


def test_a_failure_says_where_it_came_from():
    accept_days("TSLA", 1)
    BROKEN["second"] = KeyError

    fail_once(Symbol.objects.get(ticker="TSLA"))

    failure = ProcessingFailure.objects.get()
    assert (failure.detector, failure.detector_version, failure.error_type) == ("second", "1", "KeyError")
    assert re.fullmatch(r"tests\.engine\.broken:\d+ detect", failure.place or "")


def process_by_one_that_has_not_heard(monkeypatch):
    """Another worker's: for it the detector is still off."""
    with monkeypatch.context() as stale:
        stale.setattr(detector_switches, "switched_off", lambda: frozenset({"first"}))
        process()


def have_one_process_during_the_next_look(monkeypatch):
    real = reruns._look

    def look(*args):
        monkeypatch.setattr(reruns, "_look", real)
        found = real(*args)
        process_by_one_that_has_not_heard(monkeypatch)
        return found

    monkeypatch.setattr(reruns, "_look", look)


def test_a_late_bar_that_is_completed_without_it_while_it_makes_up_for_others_is_made_up_for_too(monkeypatch):
    accept_days("TSLA", 2)
    accept_days("TSLA", 2, first=3)
    off()
    process()
    accept_days("TSLA", 1, first=2)  # late: among the bars that are missed
    on()
    have_one_process_during_the_next_look(monkeypatch)

    for _ in range(5):  # a look that is not stored counts as nothing done
        reruns.run(lambda: LATER)

    assert [bar for bar, _ in seen("first")] == [bar for bar, _ in seen("second")] == [1, 2, 5, 3, 4]


def test_a_late_bar_between_two_chunks_is_made_up_for_too(monkeypatch):
    monkeypatch.setattr(reruns, "CHUNK", 2)
    accept_days("TSLA", 2)
    accept_days("TSLA", 2, first=3)
    off()
    process()
    accept_days("TSLA", 1, first=2)
    on()
    have_one_process_during_the_next_look(monkeypatch)

    for _ in range(5):  # a look that is not stored counts as nothing done
        reruns.run(lambda: LATER)

    assert 5 in [bar for bar, _ in seen("first")]


def test_a_late_bar_completed_without_it_while_a_look_past_one_that_kills_is_stored_is_made_up_for(monkeypatch):
    accept_days("TSLA", 1)
    accept_days("TSLA", 2, first=2)
    off()
    process()
    accept_days("TSLA", 1, first=1)
    on()
    Rerun.objects.update(taken=True, careful=1)  # its first bar has killed a look at it alone
    real = reruns._look_past

    def look_past(span):
        found = real(span)
        process_by_one_that_has_not_heard(monkeypatch)
        return found

    monkeypatch.setattr(reruns, "_look_past", look_past)

    for _ in range(5):  # a look that is not stored counts as nothing done
        reruns.run(lambda: LATER)

    assert 4 in [bar for bar, _ in seen("first")]
