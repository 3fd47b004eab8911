from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from scanner_app import mailbox
from scanner_app.alerts import silences
from scanner_app.detectors import Direction, Finding
from scanner_app.domain.enums import BarStatus, NotificationState
from scanner_app.engine import ingest, retention
from scanner_app.models import (
    Bar,
    BarRevision,
    Gap,
    Notification,
    ProcessingFailure,
    QuarantinedBar,
    Rule,
    RuleFailure,
    Signal,
    Silence,
    SymbolEvent,
)
from tests.conftest import DAY, T0, accept_days, fail_head, make_symbol, new_bar, raw_bar, row_of, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_memory(settings, monkeypatch):
    settings.SCANNER_DETECTORS = []
    settings.SCANNER_KEEP_BARS_DAYS = 30
    settings.SCANNER_KEEP_RECORDS_DAYS = 30
    monkeypatch.setattr(retention, "SPARE_BARS", 3)


def prune_all(now):
    while retention.prune(now):
        pass


def process(symbol, bars):
    for _ in range(bars):
        mailbox.complete(start_head(symbol), [Finding("d", "p", Direction.NEUTRAL, 1.0)], now=T0)


def kept(symbol):
    return list(Bar.objects.filter(symbol=symbol).order_by("sequence").values_list("sequence", flat=True))


def test_processed_bars_that_are_too_old_go_with_their_signals(symbol):
    accept_days("TSLA", 10)
    process(symbol, 10)
    # The bars are of 1 to 10 January: from the seventh on they are young enough.
    prune_all(T0.replace(month=2, day=6, hour=0, minute=0))

    assert kept(symbol) == [7, 8, 9, 10]
    assert set(Signal.objects.values_list("bar__sequence", flat=True)) <= {7, 8, 9, 10}


def test_the_newest_of_a_series_stay_whatever_their_age_for_they_make_the_window(symbol):
    accept_days("TSLA", 10)
    process(symbol, 10)

    prune_all(T0 + 1000 * DAY)

    assert kept(symbol) == [8, 9, 10]


def test_only_series_that_there_are_cost_a_query(symbol, django_assert_num_queries, settings):
    settings.SCANNER_KEEP_RECORDS_DAYS = 0
    accept_days("TSLA", 1)
    mailbox.accept([new_bar("TSLA", timeframe="8h")], now=T0)
    make_symbol("IDLE")

    with django_assert_num_queries(2 + 2):
        assert retention.prune(T0) == {}


def test_a_longer_window_keeps_more(symbol, monkeypatch):
    monkeypatch.setattr(retention, "bars_needed", lambda: 5)
    accept_days("TSLA", 10)
    process(symbol, 10)

    prune_all(T0 + 1000 * DAY)

    assert kept(symbol) == [6, 7, 8, 9, 10]


def test_bars_that_wait_or_are_in_quarantine_stay_and_do_not_count_for_the_window(symbol):
    accept_days("TSLA", 12)
    mailbox.skip(symbol, by="tom", now=T0)
    process(symbol, 7)  # 2 to 8; 9 to 12 wait

    prune_all(T0 + 1000 * DAY)

    assert kept(symbol) == [1, 6, 7, 8, 9, 10, 11, 12]
    assert Bar.objects.get(symbol=symbol, sequence=1).status == BarStatus.QUARANTINED
    row = row_of(symbol)
    assert (row.head, row.cursor, row.last_sequence) == (9, 8, 12)


def test_other_symbols_and_timeframes_are_counted_for_themselves(symbol):
    other = make_symbol("AAPL")
    accept_days("TSLA", 5)
    accept_days("AAPL", 2)
    process(symbol, 5)
    process(other, 2)

    prune_all(T0 + 1000 * DAY)

    assert (kept(symbol), kept(other)) == ([3, 4, 5], [1, 2])


def test_nothing_goes_without_the_settings(symbol, settings):
    settings.SCANNER_KEEP_BARS_DAYS = settings.SCANNER_KEEP_RECORDS_DAYS = 0
    accept_days("TSLA", 5)
    process(symbol, 5)

    assert retention.prune(T0 + 1000 * DAY) == {}
    assert kept(symbol) == [1, 2, 3, 4, 5]


def test_a_bar_older_than_what_is_kept_is_refused_and_one_that_is_just_young_enough_is_not(symbol):
    now = T0.replace(month=1, day=31, hour=0, minute=0)

    report = ingest.accept([raw_bar(day=0, timestamp="2023-12-31T00:00:00Z"), raw_bar(day=0)], now=now)

    assert report.accepted == 1
    assert [(one.index, one.field, one.reason) for one in report.rejected] == [(0, "timestamp", "too_old")]
    assert "SCANNER_KEEP_BARS_DAYS" in report.rejected[0].message


def test_old_records_go_but_nothing_of_a_symbol_that_is_failing(symbol):
    well = make_symbol("AAPL")
    accept_days("TSLA", 1)
    accept_days("AAPL", 1)
    fail_head(symbol, now=T0)
    fail_head(well, now=T0)
    mailbox.reset(well, by="tom", now=T0)

    prune_all(T0 + timedelta(days=31))

    assert list(ProcessingFailure.objects.values_list("symbol__ticker", flat=True)) == ["TSLA"]
    assert set(SymbolEvent.objects.values_list("symbol__ticker", flat=True)) == {"TSLA"}


def test_a_bar_that_is_still_in_quarantine_keeps_its_entry_and_one_that_was_dealt_with_does_not(symbol):
    accept_days("TSLA", 2)
    for _ in range(2):
        mailbox.skip(symbol, by="tom", now=T0)
    mailbox.discard(QuarantinedBar.objects.order_by("pk")[0], by="tom", now=T0)

    prune_all(T0 + timedelta(days=31))

    assert [entry.bar.sequence for entry in QuarantinedBar.objects.select_related("bar")] == [2]


def test_a_message_that_was_not_sent_yet_stays(symbol):
    for state in (NotificationState.SENT, NotificationState.PENDING):
        Notification.objects.create(
            kind="opened", symbol=symbol, channel="mail", at=T0, subject="s", body="b", message_id=state, state=state
        )

    prune_all(T0 + timedelta(days=31))

    assert list(Notification.objects.values_list("state", flat=True)) == [NotificationState.PENDING]


def test_a_run_ends_with_its_budget_and_the_next_goes_on(symbol, monkeypatch, settings):
    settings.SCANNER_KEEP_RECORDS_DAYS = 0
    monkeypatch.setattr(retention, "BATCH", 2)
    accept_days("TSLA", 10)
    process(symbol, 10)
    times = iter(range(1000))

    first = retention.prune(T0 + 1000 * DAY, clock=lambda: next(times))

    assert sum(first.values()) == 2
    prune_all(T0 + 1000 * DAY)
    assert kept(symbol) == [8, 9, 10]


def test_the_old_values_of_a_bar_are_records_and_their_bar_stays(symbol):
    accept_days("TSLA", 1)
    mailbox.accept([new_bar(close=11.25)], now=T0 - 31 * DAY, revising=True)
    mailbox.accept([new_bar(close=11.5)], now=T0 - 29 * DAY, revising=True)

    assert retention.prune(T0) == {"records": 1}

    assert list(BarRevision.objects.values_list("close", flat=True)) == [11.25]
    assert Bar.objects.get().revised


def test_a_silence_goes_when_it_has_been_over_for_long_and_one_that_lasts_stays(symbol, settings):
    settings.SCANNER_KEEP_RECORDS_DAYS = 7
    for rule, days in (("backlog", 1), ("stuck_head", 30)):
        silences.add(rule, None, until=T0 + days * DAY, by="olga", now=T0)

    prune_all(T0 + 7 * DAY)
    assert Silence.objects.count() == 2

    prune_all(T0 + 9 * DAY)
    assert list(Silence.objects.values_list("rule", flat=True)) == ["stuck_head"]


def test_a_hole_of_a_live_feed_goes_when_it_ended_long_ago_and_an_open_one_stays(symbol):
    about = {
        "symbol": symbol,
        "timeframe": "1m",
        "first": T0,
        "last": T0,
        "missing": 1,
        "found_at": T0,
        "cause": "start",
    }
    Gap.objects.create(**about)
    Gap.objects.create(**about, state="refilled", ended_at=T0)
    Gap.objects.create(**about, state="empty", ended_at=T0 + 2 * DAY)

    prune_all(T0 + 31 * DAY)

    assert list(Gap.objects.order_by("id").values_list("state", flat=True)) == ["open", "empty"]


def test_the_failure_of_a_rule_stays_as_long_as_the_rule_is_off_because_of_it(symbol):
    owner = User.objects.create_user("trader")
    fields = {"owner": owner, "expression": "close > 1", "timeframes": ["1d"], "created_at": T0, "changed_at": T0}
    rules = [Rule.objects.create(name=name, **fields) for name in ("still off", "changed since")]
    for rule in rules:
        RuleFailure.objects.create(
            rule_id=rule.pk, symbol=symbol, timeframe="1d", timestamp=T0, revision=1, error="boom", at=T0
        )
    Rule.objects.filter(name="changed since").update(revision=2)

    prune_all(T0 + timedelta(days=31))

    assert list(RuleFailure.objects.values_list("rule_id", flat=True)) == [rules[0].pk]
