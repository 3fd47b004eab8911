"""`symbols/{symbol}/reset`, `skip`, `enable`, `disable`: operators' acts."""

import json

import pytest

from scanner_app import mailbox
from scanner_app.models import QuarantinedBar, SymbolEvent
from tests.api.conftest import API
from tests.conftest import T0, fail_head, row_of, snapshot

SYMBOLS = f"{API}/symbols"

ACTS = ["reset", "skip", "enable", "disable"]


def test_reset_closes_the_breaker_and_runs_the_head_now(
    operator, dispatched_head, published, django_capture_on_commit_callbacks
):
    symbol, ticket = dispatched_head(waiting=1)
    fail_head(symbol, 3, now=T0)
    published.clear()

    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(f"{SYMBOLS}/tsla/reset", {"reason": "fixed the feed"}, format="json")

    assert answer.status_code == 200
    assert [(message.sequence, message.epoch, due) for message, _, due in published] == [
        (1, ticket.message.epoch + 1, None)
    ]
    body = answer.json()
    assert (body["state"], body["circuit_state"], body["consecutive_failures"]) == ("processing", "closed", 0)
    assert body["next_attempt_at"] is None
    assert body["backlog"] == 2, "the head is still to be run"
    event = SymbolEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("reset", "olga", "fixed the feed")


def test_skip_sets_the_head_aside_and_the_next_is_the_head(operator, dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, now=T0)

    answer = operator.post(f"{SYMBOLS}/TSLA/skip", {"reason": "bad print"}, format="json")

    assert (answer.status_code, answer.json()["backlog"]) == (200, 1)
    assert row_of(symbol).head == 2
    assert "olga: bad print" in QuarantinedBar.objects.get().reason


def test_skip_without_a_head_is_a_conflict_and_changes_nothing(operator, symbol):
    before = snapshot(symbol)

    answer = operator.post(f"{SYMBOLS}/TSLA/skip")

    assert (answer.status_code, answer.json()) == (409, {"detail": "TSLA has no bar in flight to skip"})
    assert snapshot(symbol) == before


def test_disable_pauses_and_enable_goes_on(operator, dispatched_head):
    symbol, _ = dispatched_head()

    off = operator.post(f"{SYMBOLS}/TSLA/disable", {"reason": "holiday"}, format="json").json()
    on = operator.post(f"{SYMBOLS}/TSLA/enable").json()

    assert (off["state"], off["enabled"]) == ("paused", False)
    assert (on["state"], on["enabled"], on["backlog"]) == ("processing", True, 1)
    events = SymbolEvent.objects.filter(symbol=symbol, actor="olga").order_by("id")
    assert [(event.kind, event.reason) for event in events] == [("disabled", "holiday"), ("enabled", "")]


def test_disabling_twice_is_no_error_and_leaves_one_event(operator, symbol):
    answers = [operator.post(f"{SYMBOLS}/TSLA/disable") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert SymbolEvent.objects.filter(kind="disabled").count() == 1


@pytest.mark.parametrize("reason", [None, ["x"], {}, "x" * 1_001, "a\0b", "\ud800"])
@pytest.mark.parametrize("act", ACTS)
def test_a_reason_that_can_not_be_kept_is_refused_and_nothing_done(operator, dispatched_head, act, reason):
    symbol, _ = dispatched_head()
    before = snapshot(symbol)

    body = json.dumps({"reason": reason})  # not by the client, which can't send half of a surrogate pair
    answer = operator.post(f"{SYMBOLS}/TSLA/{act}", body, content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, ["reason"])
    assert snapshot(symbol) == before


@pytest.mark.parametrize("act", ACTS)
def test_a_long_reason_is_kept_whole(operator, dispatched_head, act):
    symbol, _ = dispatched_head()
    if act == "enable":
        mailbox.disable(symbol, by="olga", now=T0)

    answer = operator.post(f"{SYMBOLS}/TSLA/{act}", {"reason": "x" * 1_000}, format="json")

    assert answer.status_code == 200
    assert SymbolEvent.objects.latest("id").reason == "x" * 1_000


@pytest.mark.parametrize("act", ACTS)
def test_acts_are_posts(operator, symbol, act):
    before = snapshot(symbol)

    assert operator.get(f"{SYMBOLS}/TSLA/{act}").status_code == 405
    assert operator.delete(f"{SYMBOLS}/TSLA/{act}").status_code == 405
    assert snapshot(symbol) == before
