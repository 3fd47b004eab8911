"""A detector that an incident has switched off is tried at bars where it had failed."""

from datetime import timedelta
from functools import partial

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from scanner_app.domain.errors import BarFailed
from scanner_app.engine import detection, detector_switches, probing, runs
from scanner_app.models import DetectorEvent, DetectorSwitch, ProcessingFailure, Signal, Symbol
from tests.conftest import T0, accept_days, live_message
from tests.engine.broken import BROKEN, First

pytestmark = pytest.mark.django_db

TICKERS = [f"SYM{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def off_after_failures(breakable_detectors):
    """`first` has failed on seven symbols, and is off for half a minute."""
    BROKEN["first"] = KeyError
    for ticker in TICKERS:
        accept_days(ticker, 1)
        with pytest.raises(BarFailed):
            runs.process_head(live_message(Symbol.objects.get(ticker=ticker)))
    detector_switches.switch_off("first", by="scanner", now=T0, recovery=timedelta(seconds=30))


def probe(second):
    return probing.run(lambda: T0 + timedelta(seconds=second), timer=lambda: 0.0)


def switch():
    return DetectorSwitch.objects.get()


def test_it_is_not_tried_before_its_recovery_time_is_over():
    assert probe(29) == 0


def test_five_symbols_at_which_it_succeeds_switch_it_on(monkeypatch):
    BROKEN.clear()
    tried = []
    real = First.detect

    def detect(self, window):
        tried.append(window.symbol)
        return real(self, window)

    monkeypatch.setattr(First, "detect", detect)

    assert probe(30) == 1

    assert tried == TICKERS[:1:-1]
    assert (switch().state, switch().by, switch().probe_at) == ("on", "scanner", None)
    assert not Signal.objects.exists(), "what a probe finds is thrown away"
    assert DetectorEvent.objects.latest("id").kind == "on"
    assert probe(1_000) == 0


def test_a_failure_doubles_its_recovery_time():
    probe(30)
    assert (switch().state, switch().returns, switch().probe_at) == ("off", 1, T0 + timedelta(seconds=30 + 60))

    probe(90)
    assert (switch().returns, switch().probe_at) == (2, T0 + timedelta(seconds=90 + 120))
    line = DetectorEvent.objects.latest("id")
    assert (line.kind, line.reason) == ("returned", "a probe at SYM6 failed: KeyError: 'no good'")


def test_a_probe_that_did_not_come_back_counts_as_a_failure():
    assert detector_switches.begin_probe(switch(), until=T0 + timedelta(seconds=60))

    assert probe(59) == 0
    assert probe(60) == 1

    assert (switch().state, switch().returns) == ("off", 1)


def test_an_operators_switch_is_not_overruled_by_a_probe():
    BROKEN.clear()
    detector_switches.switch_off("first", by="olga", now=T0)

    assert probe(1_000) == 0
    assert switch().state == "off"


def test_an_operators_switch_during_a_probe_counts():
    assert detector_switches.begin_probe(switch(), until=T0 + timedelta(seconds=60))

    detector_switches.switch_off("first", by="olga", now=T0)

    assert not detector_switches.switch_on("first", by="scanner", now=T0, probed=True)
    assert (switch().state, switch().by) == ("off", "olga")


def test_one_whose_failures_are_forgotten_is_switched_on():
    ProcessingFailure.objects.all().delete()

    probe(30)

    assert switch().state == "on"


def test_a_slow_detector_does_not_use_up_the_time_of_anothers_probe(monkeypatch, settings):
    BROKEN.clear()
    detector_switches.switch_off("second", by="scanner", now=T0, recovery=timedelta(seconds=31))
    ProcessingFailure.objects.filter(symbol__ticker="SYM0").update(detector="second")
    used_s = [0.0]

    def slow(detectors, window):
        used_s[0] += 0.9 * settings.SCANNER_SOFT_LIMIT_S
        if used_s[0] > settings.SCANNER_SOFT_LIMIT_S:
            raise SoftTimeLimitExceeded

    monkeypatch.setattr(detection, "run", slow)
    for second in (40, 45):  # two tasks, each with a limit of its own
        used_s[0] = 0.0
        probing.run(partial(lambda later: T0 + timedelta(seconds=later), second), timer=lambda: used_s[0])

    assert {row.name: row.state for row in DetectorSwitch.objects.all()} == {"first": "on", "second": "on"}
