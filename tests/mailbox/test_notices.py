"""The mailbox notifies the admin: once per incident, in the transition's own transaction."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.models import Notification
from tests.conftest import fail_head, start_head

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch):
    monkeypatch.setattr("scanner_app.notifications.trigger.trigger_delivery", lambda: True)


def notices() -> list[tuple[str, str]]:
    return list(Notification.objects.order_by("id").values_list("kind", "subject"))


def test_nothing_is_told_before_the_breaker_opens(dispatched_head):
    symbol, _ = dispatched_head()

    fail_head(symbol, 2)

    assert notices() == []


def test_an_opening_is_told_once_per_incident_and_so_is_the_recovery(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)

    failed_at = fail_head(symbol, 6)
    then = [subject for _, subject in notices()]
    due = failed_at + timedelta(seconds=60)
    mailbox.complete(start_head(symbol, now=due), [], now=due)

    assert then == ["TSLA processing failed 3 times"]
    assert [kind for kind, _ in notices()] == ["opened", "recovered"]


def test_failures_that_open_nothing_recover_in_silence(dispatched_head):
    symbol, _ = dispatched_head()
    failed_at = fail_head(symbol, 2)

    due = failed_at + timedelta(seconds=5)
    mailbox.complete(start_head(symbol, now=due), [], now=due)

    assert notices() == []


def test_an_operators_reset_ends_the_incident_and_names_them(dispatched_head):
    symbol, _ = dispatched_head()
    failed_at = fail_head(symbol, 3)

    mailbox.reset(symbol, by="alice", now=failed_at)

    assert [kind for kind, _ in notices()] == ["opened", "recovered"]
    assert "alice" in Notification.objects.latest("id").body


def test_a_new_incident_is_reported_again(dispatched_head):
    symbol, _ = dispatched_head()
    failed_at = fail_head(symbol, 3)
    mailbox.reset(symbol, by="alice", now=failed_at)

    fail_head(symbol, 3, now=failed_at)

    assert [kind for kind, _ in notices()] == ["opened", "recovered", "opened"]
