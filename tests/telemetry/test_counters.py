"""What is counted, by its real causes."""

import pytest

from scanner_app import mailbox
from scanner_app.domain import enums
from scanner_app.engine import ingest, runs
from scanner_app.telemetry import counters
from tests.conftest import T0, TODAY, accept_days, live_message, raw_bar, row_of
from tests.test_tasks import detector  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_bars_that_come_are_counted_by_what_became_of_them(growth):
    ingest.accept([raw_bar(day=0), raw_bar(day=1), raw_bar(day=1, close=9.5), raw_bar(day=2, close=-1)], now=T0)
    ingest.accept([raw_bar(day=0)], now=T0)

    assert growth("scanner_bars_accepted_total") == 2
    refused = {
        reason: growth("scanner_bars_refused_total", reason=reason) for reason in ("duplicate", "conflict", "invalid")
    }
    assert refused == {"duplicate": 1, "conflict": 1, "invalid": 1}


def test_a_processed_bar_is_counted_with_its_latency_and_its_copy_as_superseded(growth, symbol, detector):  # noqa: F811
    detector([])
    accept_days("TSLA", 1, first=TODAY)
    message = live_message(symbol)

    for _ in range(2):
        runs.through_outages(message, runs.process_head)

    assert growth("scanner_bars_processed_total") == 1
    assert growth("scanner_bars_superseded_total") == 1
    assert growth("scanner_bar_latency_seconds_count") == 1
    whole, parts = (
        growth("scanner_bar_latency_seconds_sum"),
        (growth("scanner_bar_waiting_seconds_sum") + growth("scanner_bar_running_seconds_sum")),
    )
    assert whole == pytest.approx(parts)


def test_a_bar_held_by_a_pause_is_counted_but_its_latency_is_not(growth):
    counters.bar_processed(latency_s=500, run_s=0.1, counts=False)

    assert growth("scanner_bars_processed_total") == 1
    assert growth("scanner_bar_latency_seconds_count") == 0


def test_a_failed_attempt_is_counted_once_however_often_it_is_reported(growth, dispatched_head):
    _, ticket = dispatched_head()

    outcomes = [mailbox.fail(ticket, ValueError("no good"), now=T0) for _ in range(2)]

    assert outcomes == [enums.Outcome.RETRYING, enums.Outcome.SUPERSEDED]
    assert growth("scanner_bars_failed_total") == 1
    assert growth("scanner_bars_quarantined_total") == 0


def test_a_skipped_bar_is_counted_as_quarantined(growth, dispatched_head):
    symbol, _ = dispatched_head(waiting=1)

    mailbox.skip(symbol, by="olga", now=T0)

    assert growth("scanner_bars_quarantined_total") == 1
    assert growth("scanner_bars_failed_total") == 0


def test_a_delivery_before_its_time_is_counted_as_deferred(growth, dispatched_head, monkeypatch):
    symbol, ticket = dispatched_head()
    mailbox.fail(ticket, ValueError("no good"), now=T0)
    monkeypatch.setattr("scanner_app.tasks.timezone.now", lambda: T0)

    runs.through_outages(live_message(symbol), runs.process_head)

    assert row_of(symbol).deferrals == 1
    assert growth("scanner_bars_deferred_total") == 1


def test_the_sweepers_actions_are_counted_by_kind(growth):
    counters.swept({"heads": 9, "lost": 3, "idle": 0, "published": 2, "failed": 1})

    assert growth("scanner_sweeps_total") == 1
    kinds = {
        kind: growth("scanner_sweeper_actions_total", kind=kind) for kind in ("lost", "idle", "published", "failed")
    }
    assert kinds == {"lost": 3, "idle": 0, "published": 2, "failed": 1}
    assert growth("scanner_sweeper_actions_total", kind="heads") == 0


def test_deliveries_are_counted_by_what_became_of_them(growth):
    counters.deliveries({"made": 3, "sent": 2, "expired": 1, "removed": 500})

    assert growth("scanner_deliveries_total", what="made") == 3
    assert growth("scanner_deliveries_total", what="expired") == 1
    assert growth("scanner_deliveries_total", what="removed") == 0
