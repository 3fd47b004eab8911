"""The situation, from rows that real transitions wrote."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.domain.enums import AlertState, Severity
from scanner_app.domain.explanation.situation import MessageLocation
from scanner_app.engine import ingest, removal
from scanner_app.models import Alert, Bar, QuarantinedBar, Symbol
from scanner_app.reading import explanation
from tests.conftest import T0, accept_days, fail_head, live_message, make_symbol, raw_bar, row_of, start_head

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


def known(symbol, now=T0):
    return explanation.situation_of(explanation.symbols().get(pk=symbol.pk), now)


def said(symbol, now=T0):
    return explanation.explain(explanation.symbols().get(pk=symbol.pk), now)


@pytest.fixture
def holding(symbol, broker):
    """A symbol that holds: its second bar failed seven times, and so did the control run."""
    accept_days("TSLA", 3)
    mailbox.complete(start_head(symbol), [], now=T0)
    failed_at = fail_head(symbol, 7)
    mailbox.control_failed(live_message(symbol), reason="the control run failed too: OSError: no file", now=failed_at)
    return symbol, failed_at


def test_a_new_symbol_never_had_a_bar(symbol, broker):
    assert said(symbol).code == "empty"


def test_a_symbol_whose_bars_are_done_is_idle(dispatched_head, broker):
    symbol, ticket = dispatched_head()
    mailbox.complete(ticket, [], now=T0)

    assert said(symbol).summary == "Idle: all its bars are finished, the last at 14:30:00 UTC."


def test_a_bar_that_was_just_accepted_is_taken_to_be_with_a_worker(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=2)

    explained = said(symbol, T0 + 2 * SECOND)

    assert explained.code == "running"
    assert explained.waiting == 3
    assert explained.since == T0


def test_a_bar_is_where_the_broker_and_the_workers_say(dispatched_head, broker):
    symbol, _ = dispatched_head()
    identity = live_message(symbol).identity
    later = T0 + 10 * SECOND

    assert known(symbol, later).head.location is MessageLocation.NOWHERE
    broker.held = {identity}
    assert known(symbol, later).head.location is MessageLocation.WORKER
    broker.queued = {identity}
    assert known(symbol, later).head.location is MessageLocation.QUEUED
    broker.lanes = ["slow", "upkeep"]
    assert known(symbol, later).head.location is MessageLocation.NO_WORKER
    broker.away = True
    assert known(symbol, later).head.location is MessageLocation.UNKNOWN
    assert set(broker.asked) == {"symbol.TSLA"}


def test_a_bar_is_overdue_when_the_alert_says_so_too(dispatched_head, broker, settings):
    symbol, _ = dispatched_head()
    settings.SCANNER_ALERT_STUCK_S = 100

    acts = [[one.name for one in said(symbol, T0 + seconds * SECOND).actions] for seconds in (100, 101)]

    assert acts == [["disable"], ["reset", "skip", "disable"]]


def test_a_retry_is_due_since_its_own_time_not_since_its_acceptance(dispatched_head, broker):
    symbol, _ = dispatched_head()
    fail_head(symbol, 1)

    head = known(symbol, T0 + 9 * SECOND).head

    assert (head.due_since, head.failing_since) == (T0 + SECOND, T0)
    assert head.location is MessageLocation.NOWHERE


def test_a_bar_that_was_waiting_for_an_operator_is_due_since_the_act(dispatched_head, broker):
    symbol, _ = dispatched_head()
    mailbox.disable(symbol, by="olga", now=T0 + SECOND)
    mailbox.enable(symbol, by="olga", now=T0 + 3600 * SECOND)

    head = known(symbol, T0 + 3601 * SECOND).head

    assert head.due_since == T0 + 3600 * SECOND
    assert head.location is MessageLocation.WORKER


def test_a_paused_symbol_says_since_when_what_failed_and_when_it_is_tried_again(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=11)
    fail_head(symbol, 2)

    explained = said(symbol, T0 + 1.6 * SECOND)

    assert explained.summary == (
        "Paused since 14:30:00 UTC: failure 2 of 3 on the 1d bar of 2024-01-01, next try in 1.4 s, 12 bars wait "
        "(how long it takes to catch up is unknown)."
    )
    assert explained.cause == "ValueError: no good."
    assert explained.next_attempt_at == T0 + 3 * SECOND
    assert broker.asked == [], "it is not due, so nobody need be asked where it is"


def test_the_broker_is_not_needed_to_say_why_a_symbol_waits(dispatched_head, broker):
    broker.away = True
    symbol, _ = dispatched_head()
    third = fail_head(symbol, 3)

    explained = said(symbol, third)

    assert (explained.code, explained.since) == ("open", third)


def test_failures_of_an_earlier_life_say_nothing_of_this_one(dispatched_head, broker):
    symbol, _ = dispatched_head()
    fail_head(symbol, 2, error=KeyError("old"))
    mailbox.reset(symbol, by="olga", now=T0 + 60 * SECOND)
    fail_head(symbol, 1, now=T0 + 61 * SECOND, error=ValueError("new"))

    head = known(symbol, T0 + 61 * SECOND).head

    assert (head.failing_since, head.error.type, head.attempts) == (T0 + 61 * SECOND, "ValueError", 1)


def test_a_breaker_that_unusable_bars_opened_waits_for_the_next_bar(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=2)
    for _ in range(3):
        mailbox.quarantine_head(start_head(symbol), BarUnusable("no volume"), now=T0)

    opened = said(symbol, T0 + SECOND)
    half_open = said(symbol, T0 + 30 * SECOND)

    assert (opened.code, half_open.code) == ("open", "probe")
    assert opened.cause == "The last error was BarUnusable: no volume."
    assert "3 of its bars are in quarantine" in opened.notes[0]


def test_the_control_run_is_where_its_own_message_is(symbol, broker):
    accept_days("TSLA", 2)
    mailbox.complete(start_head(symbol), [], now=T0)
    failed_at = fail_head(symbol, 7)
    broker.queued = {live_message(symbol).identity}

    explained = said(symbol, failed_at + 4 * SECOND)

    assert explained.code == "control"
    assert "its control run has waited in its queue for 4 s" in explained.summary
    assert explained.since == T0, "the first of its seven failures"


def test_a_hold_says_what_the_control_run_said(holding):
    symbol, failed_at = holding
    fail_head(symbol, 2, now=failed_at)

    explained = said(symbol, failed_at + 70 * SECOND)

    assert (explained.code, explained.since) == ("hold", failed_at)
    assert explained.cause == (
        "The bar is not at fault: the control run failed too: OSError: no file. ValueError: no good."
    )
    assert "on hold after 9 failed attempts" in explained.summary
    assert "next try in 20 s" in explained.summary
    assert known(symbol, failed_at + 70 * SECOND).head.failing_since == T0


def test_a_second_hold_began_with_its_own_first_failure(holding):
    symbol, failed_at = holding
    mailbox.reset(symbol, by="olga", now=failed_at + SECOND)
    last = fail_head(symbol, 7, now=failed_at + 2 * SECOND)
    mailbox.control_failed(live_message(symbol), reason="no file", now=last)
    last = fail_head(symbol, 5, now=last)

    assert known(symbol, last).head.failing_since == failed_at + 2 * SECOND


def test_a_disabled_symbol_says_who_did_it_and_why(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=1)
    mailbox.disable(symbol, by="ada", reason="too early", now=T0)
    mailbox.enable(symbol, by="ada", now=T0)
    mailbox.disable(symbol, by="olga", reason="feed is down", now=T0 + SECOND)

    explained = said(symbol, T0 + 60 * SECOND)

    assert explained.cause == "olga disabled the symbol: feed is down."
    assert explained.since == T0 + SECOND
    assert "may still finish" not in explained.summary


def test_a_run_that_began_before_its_symbol_was_disabled_is_mentioned(dispatched_head, broker):
    symbol, _ = dispatched_head()
    broker.held = {live_message(symbol).identity}
    mailbox.disable(symbol, by="olga", now=T0)

    assert "a run that has already started may still finish" in said(symbol).summary


def test_a_run_of_another_symbol_with_a_like_name_is_not_mentioned(dispatched_head, broker):
    symbol, _ = dispatched_head("A")
    other, _ = dispatched_head("A-1")
    broker.held = {live_message(other).identity}
    mailbox.disable(symbol, by="olga", now=T0)

    assert "may still finish" not in said(symbol).summary


def test_a_symbol_that_is_being_deleted_says_by_whom(dispatched_head, broker):
    symbol, _ = dispatched_head()
    removal.delete(symbol, by="olga", now=T0, force=True, reason="delisted")

    explained = said(symbol, T0 + SECOND)

    assert (explained.code, explained.since) == ("deleted", T0)
    assert explained.cause == "olga deleted the symbol: delisted."


def test_the_slow_lane_says_why(dispatched_head, broker):
    symbol, ticket = dispatched_head(waiting=2)
    mailbox.complete(ticket, [], now=T0, run_s=1.5)
    mailbox.complete(start_head(symbol), [], now=T0, run_s=0.1)

    explained = said(symbol)

    (note,) = explained.notes
    assert note == (
        "It is in the slow lane since 14:30:00 UTC: its run took 1.5 s. "
        "It returns to the main lane after 20 quick bars in a row; so far 1."
    )
    broker.queued = {live_message(symbol).identity}
    broker.lanes = ["main"]
    assert known(symbol, T0 + 9 * SECOND).head.location is MessageLocation.NO_WORKER
    assert broker.asked[-1] == "slow.symbol.TSLA"


def test_a_replay_is_described_as_one(dispatched_head, broker):
    symbol, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0)
    mailbox.reset(symbol, by="olga", now=T0)
    mailbox.replay(QuarantinedBar.objects.get(), by="olga", now=T0)

    explained = said(symbol)

    assert explained.summary == "Processing: the replayed 1d bar of 2024-01-01 is with a worker."
    assert explained.notes == ("The current bar is a replay from quarantine: it has one attempt.",)


def test_lost_heads_are_mentioned(dispatched_head, broker):
    symbol, _ = dispatched_head()
    symbol.status.losses = 2
    symbol.status.save(update_fields=["losses"])

    assert said(symbol).notes[0].startswith("Its worker was lost 2 times in a row")


def test_the_catching_up_after_a_pause_comes_with_an_estimate_from_the_last_bars(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=30)
    now = T0
    for _ in range(10):
        now += SECOND / 4
        mailbox.complete(start_head(symbol, now=now), [], now=now)
    fail_head(symbol, 1, now=now)
    now += SECOND
    mailbox.complete(start_head(symbol, now=now), [], now=now)

    explained = said(symbol, now)

    assert explained.code == "catching_up"
    assert explained.summary.endswith("19 bars wait behind it (about 5 s to catch up).")
    assert explained.catch_up_s == pytest.approx(5)


def test_a_head_whose_bar_was_removed_by_hand_breaks_nothing(dispatched_head, broker):
    symbol, _ = dispatched_head(waiting=1)
    Bar.objects.filter(sequence=1).delete()

    assert said(symbol).code == "idle"


def test_its_firing_alerts_are_listed_the_worst_first_and_no_others(symbol, broker):
    other = make_symbol("AAPL")
    for rule, severity, state, of in (
        ("slow_symbol", Severity.WARNING, AlertState.FIRING, symbol),
        ("stuck_head", Severity.ERROR, AlertState.FIRING, symbol),
        ("stale_symbol", Severity.WARNING, AlertState.FIRING, symbol),  # staleness has sentences of its own
        ("backlog", Severity.WARNING, AlertState.RECOVERING, symbol),
        ("backlog", Severity.WARNING, AlertState.FIRING, other),
    ):
        Alert.objects.create(rule=rule, severity=severity, state=state, symbol=of, message=rule, began_at=T0)

    assert [one.rule for one in known(symbol).alerts] == ["stuck_head", "slow_symbol"]


def test_what_forms_is_looked_up_for_a_symbol_without_bars(db):
    bar = raw_bar(timeframe="1h", timestamp="2024-05-31T14:30:00Z")
    ingest.accept([bar], now=T0)
    symbol = explanation.symbols().get()

    forming = explanation.situation_of(symbol, T0).forming

    assert forming is not None
    assert (forming.timeframe, forming.timestamp, forming.ends_at) == ("1h", T0, T0 + 3600 * SECOND)
    accept_days("TSLA", 1)
    assert explanation.situation_of(explanation.symbols().get(), T0).forming is None


def test_it_costs_a_fixed_number_of_queries(holding):
    symbol, failed_at = holding
    found = explanation.symbols().get(pk=symbol.pk)
    fail_head(symbol, 30, now=failed_at)

    with CaptureQueriesContext(connection) as few:
        explanation.situation_of(found, failed_at)

    accept_days("TSLA", 200, first=10)
    found = explanation.symbols().get(pk=symbol.pk)
    with CaptureQueriesContext(connection) as many:
        explanation.situation_of(found, failed_at + 3600 * SECOND)

    assert len(few) <= len(many) <= 9
    assert row_of(symbol).backlog > 200
    assert Symbol.objects.count() == 1
