"""The admin's list of hooks: of all users, and without what could be used."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app.feeds.hooks import store
from scanner_app.models import Hook
from tests.admin.conftest import messages_of

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/hook/"


@pytest.fixture
def hook():
    return store.make(User.objects.create_user("fred"), name="charts", mapping="tradingview", now=timezone.now())


def test_an_operator_sees_hooks_of_others_but_never_a_secret_and_can_add_or_change_none(browser, hook):
    row, secret = hook

    pages = [browser.get(LIST), browser.get(f"{LIST}{row.pk}/change/")]

    for answer in pages:
        assert answer.status_code == 200
        assert row.hint in answer.content.decode()
        assert secret not in answer.content.decode()
        assert row.digest not in answer.content.decode()
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{row.pk}/change/", {"name": "other"}).status_code == 403


def test_the_action_removes_it(browser, hook):
    answer = browser.post(LIST, {"action": "remove", "_selected_action": [hook[0].pk], "index": 0}, follow=True)

    assert messages_of(answer) == [("success", "Removed 1 hook.")]
    assert store.find(hook[1]) is None
    assert not Hook.objects.exists()
