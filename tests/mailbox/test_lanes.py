"""Lanes: who moves, and back."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.domain.enums import Outcome
from scanner_app.domain.lanes import Place, after_run
from tests.conftest import T0, fail_head, live_message, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("place", "run_s", "result"),
    [
        pytest.param(("main", 0), 0.1, ("main", 0), id="quick and in the main lane: nothing to do"),
        pytest.param(("main", 0), 1.0, ("slow", 0), id="slow: off to the slow lane"),
        pytest.param(("slow", 2), 0.1, ("slow", 3), id="a quick bar counts"),
        pytest.param(("slow", 4), 0.1, ("main", 0), id="the fifth brings it back"),
        pytest.param(("slow", 4), 1.5, ("slow", 0), id="a slow one starts the count again"),
    ],
)
def test_the_place_after_a_run(place, run_s, result):
    assert after_run(Place(*place), run_s, slow_run_s=1, quick_bars=5) == result


def test_a_slow_run_moves_the_next_head_to_the_slow_lane(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=1)
    del published[:]

    mailbox.complete(ticket, [], now=T0, run_s=1.5)

    assert [(message.sequence, lane) for message, lane, _ in published] == [(2, "slow")]
    assert row_of(symbol).lane == "slow"
    event = symbol.events.order_by("-id")[0]
    assert (event.kind, event.reason) == ("lane", "to the slow lane: its run took 1.5 s")


def test_quick_bars_bring_it_back_and_only_the_moves_are_events(dispatched_head, published, settings):
    settings.SCANNER_QUICK_BARS = 3
    symbol, ticket = dispatched_head(waiting=4)
    mailbox.complete(ticket, [], now=T0, run_s=1.5)
    del published[:]

    for _ in range(3):
        mailbox.complete(start_head(symbol), [], now=T0, run_s=0.01)

    assert [lane for _, lane, _ in published] == ["slow", "slow", "main"]
    assert symbol.events.order_by("-id")[0].reason == "to the main lane: it has had 3 quick bars in a row"
    assert symbol.events.filter(kind="lane").count() == 2


def test_a_hung_run_moves_its_retry_to_the_slow_lane(dispatched_head):
    symbol, ticket = dispatched_head()

    mailbox.fail(ticket, TimeoutError("soft limit"), now=T0, hung=True)

    assert row_of(symbol).lane == "slow"
    assert mailbox.next_run_of(live_message(symbol))[0] == "slow.symbol.TSLA"


def test_a_killed_run_is_a_failure_whose_retry_the_mailbox_publishes(dispatched_head, published):
    symbol, ticket = dispatched_head()
    del published[:]

    outcome = mailbox.killed(ticket.message, "its process died: signal 9", now=T0)

    assert outcome is Outcome.RETRYING
    assert [(m.retries, lane, due) for m, lane, due in published] == [(1, "slow", T0 + timedelta(seconds=1))]
    assert row_of(symbol).last_error == "RunKilled: its process died: signal 9"


def test_a_death_told_twice_counts_once(dispatched_head):
    symbol, ticket = dispatched_head()
    mailbox.killed(ticket.message, "its process died", now=T0)
    before = snapshot(symbol)

    assert mailbox.killed(ticket.message, "its process died", now=T0) is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_a_death_told_after_the_success_changes_nothing(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.complete(ticket, [], now=T0)
    before = snapshot(symbol)

    assert mailbox.killed(ticket.message, "its process died", now=T0) is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_a_killed_control_run_has_failed(dispatched_head):
    symbol, _ = dispatched_head()
    at = fail_head(symbol, 7)

    assert mailbox.killed(live_message(symbol), "its process died", now=at) is Outcome.HOLDING
