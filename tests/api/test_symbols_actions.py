"""`symbols/{symbol}/reset`, `skip`, `enable` and `disable`: operators' actions."""

import json

import pytest

from scanner_app import mailbox
from scanner_app.models import QuarantinedBar, SymbolEvent
from tests.api.conftest import API
from tests.conftest import T0, fail_head, row_of, snapshot

SYMBOLS = f"{API}/symbols"

ACTIONS = ["reset", "skip", "enable", "disable"]


def test_reset_closes_the_breaker_and_publishes_the_head_at_once(
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
    assert body["backlog"] == 2, "the head has not run yet"
    event = SymbolEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("reset", "olga", "fixed the feed")


def test_skip_sends_the_head_to_quarantine_and_the_next_bar_becomes_the_head(operator, dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, now=T0)

    answer = operator.post(f"{SYMBOLS}/TSLA/skip", {"reason": "bad print"}, format="json")

    assert (answer.status_code, answer.json()["backlog"]) == (200, 1)
    assert row_of(symbol).head == 2
    assert "olga: bad print" in QuarantinedBar.objects.get().reason


def test_skip_without_a_head_is_a_409_and_changes_nothing(operator, symbol):
    before = snapshot(symbol)

    answer = operator.post(f"{SYMBOLS}/TSLA/skip")

    assert (answer.status_code, answer.json()) == (409, {"detail": "TSLA has no bar in flight to skip"})
    assert snapshot(symbol) == before


def test_disable_pauses_a_symbol_and_enable_resumes_it(operator, dispatched_head):
    symbol, _ = dispatched_head()

    off = operator.post(f"{SYMBOLS}/TSLA/disable", {"reason": "holiday"}, format="json").json()
    on = operator.post(f"{SYMBOLS}/TSLA/enable").json()

    assert (off["state"], off["enabled"]) == ("paused", False)
    assert (on["state"], on["enabled"], on["backlog"]) == ("processing", True, 1)
    events = SymbolEvent.objects.filter(symbol=symbol, actor="olga").order_by("id")
    assert [(event.kind, event.reason) for event in events] == [("disabled", "holiday"), ("enabled", "")]


def test_disabling_twice_leaves_one_event(operator, symbol):
    answers = [operator.post(f"{SYMBOLS}/TSLA/disable") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert SymbolEvent.objects.filter(kind="disabled").count() == 1


@pytest.mark.parametrize("reason", [None, ["x"], {}, "x" * 1_001, "a\0b", "\ud800"])
@pytest.mark.parametrize("action", ACTIONS)
def test_an_invalid_reason_is_a_400_and_changes_nothing(operator, dispatched_head, action, reason):
    symbol, _ = dispatched_head()
    before = snapshot(symbol)

    body = json.dumps({"reason": reason})  # encoded here, because the client can't encode half of a surrogate pair
    answer = operator.post(f"{SYMBOLS}/TSLA/{action}", body, content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, ["reason"])
    assert snapshot(symbol) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_a_reason_of_1000_characters_is_stored_whole(operator, dispatched_head, action):
    symbol, _ = dispatched_head()
    if action == "enable":
        mailbox.disable(symbol, by="olga", now=T0)

    answer = operator.post(f"{SYMBOLS}/TSLA/{action}", {"reason": "x" * 1_000}, format="json")

    assert answer.status_code == 200
    assert SymbolEvent.objects.latest("id").reason == "x" * 1_000


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_allow_only_post(operator, symbol, action):
    before = snapshot(symbol)

    assert operator.get(f"{SYMBOLS}/TSLA/{action}").status_code == 405
    assert operator.delete(f"{SYMBOLS}/TSLA/{action}").status_code == 405
    assert snapshot(symbol) == before
