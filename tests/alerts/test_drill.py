"""A drill on the real machinery, step by step: what workers do is called by the test."""

import logging
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scanner_app import mailbox
from scanner_app.alerts import drill
from scanner_app.domain.drill import Step, StepState
from scanner_app.domain.tickers import CANARY, normalise
from scanner_app.engine import ingest, removal, runs
from scanner_app.mailbox import canary
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, Drill, Notification, Signal, Symbol, SymbolStatus
from scanner_app.notifications import delivery
from scanner_app.reading import board, drills, log_proof, status
from scanner_app.reading.metrics import gauges
from scanner_app.telemetry import counters
from tests.alerts.drilling import clock_with_mail, run_canary
from tests.conftest import T0, accept_days, fail_head, live_message, make_symbol, raw_bar, row_of, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch, settings):
    return clock_with_mail(monkeypatch, settings)


def go_on(row, clock, *, workers=True, notify=True, most_s=300):
    """Let time pass, second by second, until the drill is over."""
    for _ in range(most_s):
        results = drill.advance(row, clock.now)
        if all(one.state is not StepState.WAITING for one in results):
            return results
        clock.now += timedelta(seconds=1)
        if workers:
            run_canary()
        if notify:
            delivery.run(clock)
    raise AssertionError(results)


def test_a_drill_proves_the_alarm_path_and_leaves_nothing_but_its_record(clock, mailoutbox):
    row = drill.begin(by="olga", now=clock.now)
    results = go_on(row, clock)

    assert {one.step: one.state for one in results} == dict.fromkeys(Step, StepState.OK)
    assert [mail.subject for mail in mailoutbox] == [
        "[Scanner] DRILL: #canary processing failed 3 times",
        "[Scanner] DRILL: #canary recovered",
    ]
    assert all("This is a drill." in mail.body for mail in mailoutbox)
    assert "Severity: info\n" in mailoutbox[0].body
    assert "Severity: error" not in mailoutbox[0].body
    assert not Symbol.objects.exists()
    assert not Bar.objects.exists()
    assert not Notification.objects.exists()
    row.refresh_from_db()
    assert (row.running, row.proven, row.actor, row.failed_step) == (None, True, "olga", "")
    assert drills.alarm_path(clock.now).proven_at == row.ended_at


@pytest.mark.parametrize("threshold", [1, 3, 7, 9])
@pytest.mark.parametrize("delays", [[1.0, 2.0, 4.0, 8.0, 16.0, 30.0], [1.0]])
def test_a_drill_works_with_every_threshold_and_list_of_delays(clock, settings, threshold, delays):
    settings.SCANNER_BREAKER_THRESHOLD, settings.SCANNER_RETRY_DELAYS = threshold, delays

    results = go_on(drill.begin(by="olga", now=clock.now), clock)

    assert {one.step: one.state for one in results} == dict.fromkeys(Step, StepState.OK)


def test_a_bar_of_the_canary_that_goes_to_quarantine_is_not_counted(
    clock, settings, monkeypatch, django_capture_on_commit_callbacks
):
    settings.SCANNER_BREAKER_THRESHOLD, settings.SCANNER_RETRY_DELAYS = 3, [1.0]
    counted = []
    monkeypatch.setattr(counters, "bar_quarantined", lambda: counted.append("quarantined"))

    with django_capture_on_commit_callbacks(execute=True):
        results = go_on(drill.begin(by="olga", now=clock.now), clock)

    assert {one.state for one in results} == {StepState.OK}
    assert not counted


@pytest.mark.django_db(transaction=True)  # verify reads in a snapshot of its own
def test_the_canary_is_in_no_count_list_rule_alert_or_average(clock, three, settings, monkeypatch):
    counted = []
    for name in ("bar_processed", "bar_failed", "bars_accepted", "bar_deferred", "bar_superseded"):
        monkeypatch.setattr(counters, name, lambda *_, name=name, **__: counted.append(name))
    before = status.overview(clock.now)
    known = {one.pk: snapshot(one) for one in Symbol.objects.all()}
    row = drill.begin(by="olga", now=clock.now)
    drill.advance(row, clock.now)
    run_canary()
    drill.advance(row, clock.now)
    for _ in range(3):
        clock.now += timedelta(seconds=5)
        run_canary()
    assert row_of(Symbol.objects.get(ticker=CANARY)).attempts == 3  # its breaker is open

    clock.now = T0
    after = status.overview(clock.now)
    shown = board.Board().read(clock.now)
    metrics = "".join(str(one.samples) for one in gauges.StateCollector(clock.now).collect())

    assert after == before
    assert after.bars_per_second == 0
    assert {one["symbol"] for one in shown["symbols"]} == {"OPEN", "PAUSED", "FINE"}
    assert CANARY not in str(shown)
    assert CANARY not in metrics
    assert not counted
    assert not Signal.objects.exists()
    assert {one.symbol for one in log_proof.prove(Symbol.objects.all(), clock.now)} == {"OPEN", "PAUSED", "FINE"}
    assert {pk: snapshot(Symbol.objects.get(pk=pk)) for pk in known} == known


def test_the_canary_is_not_taken_for_a_deleted_symbol_whose_rows_are_to_go(clock):
    drill.begin(by="olga", now=clock.now)

    assert removal.remove_some_rows() == 0
    assert Symbol.objects.filter(ticker=CANARY).exists()


def test_the_sweeper_redelivers_a_canary_that_was_lost(clock):
    drill.begin(by="olga", now=clock.now)

    assert [row.symbol.ticker for row, _ in mailbox.due_heads(clock.now)] == [CANARY]


@pytest.mark.parametrize("ticker", ["#canary", "#CANARY", "#Canary"])
def test_nobody_can_send_bars_of_the_canary(ticker, clock):
    drill.begin(by="olga", now=clock.now)

    report = ingest.accept([raw_bar(ticker)], now=T0)

    assert report.accepted == 0
    assert "drills are held on it" in report.rejected[0].message
    with pytest.raises(ValueError, match="scanner's own"):
        normalise(ticker)
    assert Bar.objects.count() == 1


def test_with_as_many_symbols_as_are_allowed_the_canary_takes_nobodys_place(clock):
    make_symbol("TSLA")
    drill.begin(by="olga", now=clock.now)

    created = create_symbols(["AAPL"], at_most=2, now=T0).created

    assert created == {"AAPL"}


def test_without_a_worker_the_drill_says_so_and_leaves_nothing(clock):
    row = drill.begin(by="olga", now=clock.now)
    message = live_message(Symbol.objects.get(ticker=CANARY))

    results = go_on(row, clock, workers=False)

    row.refresh_from_db()
    assert (row.proven, row.failed_step) == (False, "run")
    assert "no worker has run" in row.detail
    assert {one.state for one in results[1:]} == {StepState.NOT_REACHED}
    assert not Symbol.objects.exists()
    assert runs.process_head(message) == "superseded"
    assert drills.alarm_path(clock.now).failed_step == "run"


def test_without_a_notify_worker_the_drill_goes_on_and_says_that_nobody_was_told(clock):
    row = drill.begin(by="olga", now=clock.now)

    results = go_on(row, clock, notify=False)

    failed = [one.step for one in results if one.state is StepState.FAILED]
    assert failed == [Step.NOTICE, Step.ALL_CLEAR]
    assert {one.state for one in results} == {StepState.OK, StepState.FAILED}
    assert "the notify worker has not tried it" in results[3].detail
    assert not Notification.objects.exists()


def test_without_a_channel_the_drill_fails_at_the_notice(clock, settings):
    settings.ADMINS = []

    go_on(drill.begin(by="olga", now=clock.now), clock)

    assert "no channel" in Drill.objects.get().detail


def test_a_drills_message_joins_no_digest_of_real_ones(clock, mailoutbox, settings):
    for number in range(5):
        accept_days(f"S{number}", 1)
        fail_head(Symbol.objects.get(ticker=f"S{number}"), 3)
    clock.now = T0 + timedelta(seconds=10)
    row = drill.begin(by="olga", now=clock.now)
    go_on(row, clock)

    drills_mails = [mail for mail in mailoutbox if "DRILL" in mail.subject]
    others = [mail for mail in mailoutbox if "DRILL" not in mail.subject]
    assert len(drills_mails) == 2
    assert not any(CANARY in mail.subject + mail.body for mail in others)


def test_two_drills_at_once_are_refused_in_a_sentence(clock):
    drill.begin(by="olga", now=clock.now)

    with pytest.raises(drill.DrillRunning, match="a drill runs already since 14:30:00 UTC, by olga"):
        drill.begin(by="otto", now=clock.now)
    assert Drill.objects.count() == 1
    with pytest.raises(CommandError, match="a drill runs already"):
        call_command("drill")


def test_a_drill_whose_process_died_is_ended_and_cleaned_up_by_the_next(clock):
    first = drill.begin(by="olga", now=clock.now)
    drill.advance(first, clock.now)
    run_canary()
    drill.advance(first, clock.now)
    run_canary()
    clock.now += timedelta(minutes=2)

    second = drill.begin(by="otto", now=clock.now)

    ended = Drill.objects.get(pk=first.pk)
    assert (ended.running, ended.proven, ended.failed_step) == (None, False, "breaker")
    assert "its process died" in ended.detail
    assert SymbolStatus.objects.get(symbol__ticker=CANARY).last_sequence == 1
    with pytest.raises(drill.DrillTaken):
        drill.advance(first, clock.now)
    assert go_on(second, clock)[-1].state is StepState.OK


def test_of_two_that_drive_one_drill_on_one_goes_on(clock):
    row = drill.begin(by="olga", now=clock.now)
    other = Drill.objects.get()
    clock.now += timedelta(seconds=1)
    drill.advance(row, clock.now)

    with pytest.raises(drill.DrillTaken):
        drill.advance(other, clock.now)


def test_handing_the_canary_its_bars_twice_changes_nothing(clock):
    drill.begin(by="olga", now=clock.now)
    canary.accept([3, 0], first=1, now=clock.now)
    canary.accept([3, 0], first=1, now=clock.now)

    assert row_of(Symbol.objects.get(ticker=CANARY)).last_sequence == 3


def test_an_interrupted_drill_says_so_and_leaves_nothing(clock):
    row = drill.begin(by="olga", now=clock.now)

    results = drill.stop(row, "the command was interrupted", clock.now)

    assert results[0].detail == "the command was interrupted"
    assert not Symbol.objects.exists()


def test_the_schedule_holds_one_drill_a_day_and_drives_it_to_its_end(clock, settings, caplog):
    caplog.set_level(logging.INFO, logger=drill.__name__)
    settings.SCANNER_DRILL_AT = "14:30"
    done = []
    for _ in range(60):
        done.append(drill.tick(clock.now))
        clock.now += timedelta(seconds=5)
        run_canary()
        delivery.run(clock)

    row = Drill.objects.get()
    assert (row.scheduled, row.actor, row.proven) == (True, "scanner", True)
    assert done[0] == "began"
    assert done[-1] == "idle"
    assert [record.msg["event"] for record in caplog.records if record.name == drill.__name__] == [
        "drill_began",
        "drill_ended",
    ]


def test_without_the_setting_no_drill_begins_by_itself(clock):
    assert drill.tick(clock.now) == "idle"
    assert not Drill.objects.exists()


def test_the_schedule_waits_for_a_drill_by_hand(clock, settings):
    settings.SCANNER_DRILL_AT = "14:30"
    drill.begin(by="olga", now=clock.now)

    assert drill.tick(clock.now) == "another runs"


def test_a_drill_that_begins_while_another_ends_keeps_its_canary(clock, monkeypatch):
    real = canary.remove

    def late(*given):
        """Between the end of the drill and this, another one begins."""
        monkeypatch.setattr(canary, "remove", real)
        drill.begin(by="otto", now=clock.now)
        real(*given)

    row = drill.begin(by="olga", now=clock.now)
    monkeypatch.setattr(canary, "remove", late)
    drill.stop(row, "enough", clock.now)

    run_canary()
    results = drill.advance(Drill.objects.get(running=True), clock.now)

    assert results[0].state is StepState.OK
