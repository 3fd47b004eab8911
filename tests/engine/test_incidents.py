"""A detector that fails on many symbols is one incident: told once, and by setting switched off."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.engine import broken_detectors, detector_switches, incidents
from scanner_app.models import DetectorSwitch, FailureIncident, Notification, ProcessingFailure, Silence, Symbol
from scanner_app.notifications.links import links_of
from tests.conftest import T0, accept_days, row_of, start_head

pytestmark = pytest.mark.django_db

TICKERS = ["AAPL", "IBM", "MSFT", "ORCL", "TSLA"]


@pytest.fixture(autouse=True)
def told(settings):
    settings.ADMINS = [("chief", "chief@example.com")]
    yield
    detector_switches.forget()


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def error_of(detector="trend", error=KeyError):
    raised = error("no good")
    raised.__dict__["scanner_detector"] = (detector, "1")
    try:
        raise raised
    except error as exc:
        return exc


def fail(ticker, *, second=0.0, times=1, error=None):
    """Let a symbol's first bar fail at this second."""
    if not Symbol.objects.filter(ticker=ticker).exists():
        accept_days(ticker, 1)
    symbol = Symbol.objects.get(ticker=ticker)
    for _ in range(times):
        now = max(at(second), row_of(symbol).next_attempt_at or T0)
        mailbox.fail(start_head(symbol, now=now), error or error_of(), now=now)


def judge(second):
    return incidents.judge(at(second))


def messages(kind):
    return list(Notification.objects.filter(kind=kind).order_by("id"))


def test_four_symbols_are_each_told_as_ever():
    for ticker in TICKERS[:4]:
        fail(ticker, times=3)

    assert judge(4) == {"began": 0, "told": 0, "ended": 0}

    assert [row.state for row in messages("opened")] == ["pending"] * 4


def test_five_are_told_once_in_a_message_with_a_line_for_each():
    for ticker in TICKERS:
        fail(ticker)
    assert judge(0.5)["began"] == 1
    for ticker in TICKERS:
        fail(ticker, times=2)

    done = [judge(second)["told"] for second in (4, 14, 16, 18, 70)]

    assert done == [0, 0, 1, 0, 0]
    assert [row.state for row in messages("opened")] == ["skipped"] * 5
    (row,) = messages("incident")
    assert (row.subject, row.severity, row.state) == ("Detector trend fails on 5 symbols", "error", "pending")
    for ticker in TICKERS:
        assert f"- {ticker} processing failed 3 times, the last at 2024-05-31 14:30:03 UTC" in row.body
    assert links_of(row).startswith("http")
    assert "/detectors/" in links_of(row)


def test_openings_that_nobody_was_told_of_before_it_was_known_are_held_back():
    for ticker in TICKERS:
        fail(ticker, times=3)
    Notification.objects.filter(symbol__ticker="AAPL").update(state="sent", attempts=1, next_try_at=None)

    judge(4)

    assert [row.state for row in messages("opened")] == ["sent"] + ["skipped"] * 4


def test_symbols_that_fail_later_are_told_in_one_message_more():
    for ticker in TICKERS:
        fail(ticker)
    judge(16)
    fail("LATE", second=40)
    fail("LATER", second=41)

    assert [judge(second)["told"] for second in (42, 57, 59)] == [0, 1, 0]

    row = messages("incident")[-1]
    assert row.subject == "Detector trend fails on 2 more symbols"
    assert "LATE processing failed 1 time," in row.body
    assert "AAPL" not in row.body


def test_recoveries_are_told_with_the_incidents_end():
    for ticker in TICKERS:
        fail(ticker)
    judge(1)
    for ticker in TICKERS:
        fail(ticker, times=2)
    judge(20)
    for ticker in TICKERS:
        symbol = Symbol.objects.get(ticker=ticker)
        mailbox.complete(start_head(symbol, now=at(60)), [], now=at(60))

    assert [judge(second)["ended"] for second in (122, 124, 126)] == [0, 1, 0]

    assert [row.state for row in messages("recovered")] == ["skipped"] * 5
    over = messages("incident")[-1]
    assert (over.subject, over.severity) == ("over: detector trend fails on many symbols", "info")
    assert FailureIncident.objects.get().ended_at == at(124)


def test_different_errors_and_failures_of_no_detector_are_not_counted_together():
    for place, ticker in enumerate(TICKERS):
        fail(ticker, error=error_of(error=KeyError if place % 2 else ValueError))
        fail(f"{ticker}.X", error=OSError("disk full"))

    assert judge(1)["began"] == 0


def test_a_small_share_of_the_active_symbols_is_no_incident():
    for number in range(21):
        accept_days(f"GOOD{number}", 1)
        mailbox.complete(start_head(Symbol.objects.get(ticker=f"GOOD{number}")), [], now=T0)
    for ticker in TICKERS:
        fail(ticker)

    assert judge(1)["began"] == 0


def test_silenced_symbols_are_left_out():
    for ticker in TICKERS:
        fail(ticker)
    Silence.objects.create(
        symbol=Symbol.objects.get(ticker="IBM"), until=at(600), created_at=T0, created_by="olga", reason=""
    )

    judge(1)
    judge(16)

    (row,) = messages("incident")
    assert "IBM" not in row.body
    assert row.subject == "Detector trend fails on 4 symbols"


def test_by_default_it_is_not_switched_off():
    for ticker in TICKERS:
        fail(ticker)

    judge(1)

    assert not DetectorSwitch.objects.exists()


def test_with_the_setting_it_is_switched_off_and_its_symbols_go_on(settings):
    settings.SCANNER_DETECTOR_AUTO_OFF = True
    for ticker in TICKERS:
        fail(ticker)

    broken_detectors.run(lambda: at(1))
    done = broken_detectors.run(lambda: at(5))

    switch = DetectorSwitch.objects.get()
    assert (switch.state, switch.by, switch.probe_at) == ("off", "scanner", at(31))
    assert switch.reason.startswith("it failed on 5 symbols with KeyError at tests.engine.test_incidents:")
    assert done["cleared"] == 5
    assert {row_of(symbol).attempts for symbol in Symbol.objects.all()} == {0}
    judge(16)
    (row,) = messages("incident")
    assert "It was switched off by itself" in row.body


def test_what_it_did_before_an_operator_switched_it_on_is_forgiven(settings):
    settings.SCANNER_DETECTOR_AUTO_OFF = True
    for ticker in TICKERS:
        fail(ticker)
    judge(1)
    detector_switches.switch_on("trend", by="olga", now=at(5))

    judge(6)
    assert DetectorSwitch.objects.get().state == "on"

    for ticker in TICKERS:
        fail(ticker, second=7)
    judge(8)
    assert (DetectorSwitch.objects.get().state, DetectorSwitch.objects.get().returns) == ("off", 0)


def test_one_that_comes_back_broken_is_off_for_twice_as_long(settings):
    settings.SCANNER_DETECTOR_AUTO_OFF = True
    for ticker in TICKERS:
        fail(ticker)
    judge(1)
    detector_switches.switch_on("trend", by="scanner", now=at(5))
    for ticker in TICKERS:
        fail(ticker, second=7)

    judge(8)

    switch = DetectorSwitch.objects.get()
    assert (switch.returns, switch.probe_at) == (1, at(8 + 60))


def test_failures_of_deleted_symbols_do_not_count():
    for ticker in TICKERS:
        fail(ticker)
    Symbol.objects.filter(ticker="IBM").update(deleted_at=T0)

    assert judge(1)["began"] == 0
    assert ProcessingFailure.objects.count() == 5
