"""Numbering and storing."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.mailbox import Verdict
from scanner_app.models import Bar, QuarantinedBar
from tests.conftest import T0, accept_days, fail_head, make_symbol, new_bar, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)


def test_numbers_are_dense_and_each_symbols_own():
    make_symbol("AAPL")
    make_symbol("TSLA")

    mailbox.accept([new_bar("TSLA", 0), new_bar("AAPL", 0), new_bar("TSLA", 1)], now=T0)

    numbers = Bar.objects.order_by("symbol__ticker", "sequence").values_list("symbol__ticker", "sequence")
    assert list(numbers) == [("AAPL", 1), ("TSLA", 1), ("TSLA", 2)]


def test_a_rejected_bar_takes_no_number(symbol):
    verdicts = mailbox.accept([new_bar(day=0), new_bar(day=0, close=9.5), new_bar(day=1)], now=T0)

    assert verdicts == [Verdict.ACCEPTED, Verdict.CONFLICT, Verdict.ACCEPTED]
    assert list(Bar.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]


def test_a_symbol_that_nobody_created_is_unknown():
    assert mailbox.accept([new_bar()], now=T0) == [Verdict.UNKNOWN_SYMBOL]


def test_a_symbol_that_is_being_deleted_takes_no_bars(symbol):
    symbol.deleted_at = T0
    symbol.save()

    assert mailbox.accept([new_bar()], now=T0) == [Verdict.DELETED]
    assert row_of(symbol).last_sequence == 0


def test_a_first_bar_on_an_open_breaker_is_due_at_the_half_open_moment(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=2)
    for _ in range(3):
        mailbox.quarantine_head(start_head(symbol), BarUnusable("bad"), now=T0)
    assert row_of(symbol).head is None
    del published[:]

    accept_days("TSLA", 1, first=10, now=T0 + timedelta(seconds=10))

    assert [(m.sequence, due) for m, _, due in published] == [(4, T0 + timedelta(seconds=30))]
    assert row_of(symbol).catching_up is True  # it waits for the breaker, not for the engine


def test_new_values_for_a_quarantined_bar_replace_it_and_are_accepted_again(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)

    verdicts = mailbox.accept([new_bar(day=0, close=10.5)], now=T0)

    assert verdicts == [Verdict.ACCEPTED]
    bar = Bar.objects.get(timestamp=ticket.timestamp)
    assert (bar.sequence, bar.status, bar.close, bar.late, bar.attempts) == (3, "waiting", 10.5, True, 0)
    assert QuarantinedBar.objects.get().resolution == "replaced"
    assert row_of(symbol).last_sequence == 3
    assert symbol.events.filter(kind="replaced", bar=bar).count() == 1


def test_a_corrected_bar_has_all_its_retries(dispatched_head):
    symbol, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)
    mailbox.accept([new_bar(day=0, close=10.5)], now=T0)

    fail_head(symbol, 1)

    assert row_of(symbol).attempts == 1
    assert row_of(symbol).head == 2


def test_the_same_values_for_a_quarantined_bar_are_a_duplicate(dispatched_head):
    _, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)

    assert mailbox.accept([new_bar(day=0)], now=T0) == [Verdict.DUPLICATE]
    assert QuarantinedBar.objects.get().resolution == ""


@pytest.mark.parametrize("in_quarantine", [True, False])
def test_what_was_assumed_replaces_no_bar_that_is_known(dispatched_head, in_quarantine):
    symbol, ticket = dispatched_head()
    if in_quarantine:
        mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)
    before = snapshot(symbol)

    assert mailbox.accept([new_bar(day=0, close=9.5, assumed=True)], now=T0) == [Verdict.DUPLICATE]

    assert snapshot(symbol) == before


def test_a_broker_that_is_down_fails_no_acceptance(symbol, monkeypatch):
    tried = []

    def broken(deliveries):
        tried.append(deliveries)
        raise ConnectionError("the broker is away")

    monkeypatch.setattr("scanner_app.messaging.publisher._send", broken)
    make_symbol("AAPL")

    verdicts = mailbox.accept([new_bar("AAPL"), new_bar("TSLA")], now=T0)

    assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED]
    assert Bar.objects.count() == 2
    assert len(tried) == 1  # one try for all


def test_more_than_a_chunk_is_refused(symbol):
    with pytest.raises(ValueError, match="500"):
        mailbox.accept([new_bar()] * 501, now=T0)
