"""The admin's silences: added by a form, ended by an action, never changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from scanner_app.alerts import silences
from scanner_app.models import Alert, Silence
from tests.admin.conftest import messages_of
from tests.conftest import make_symbol

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/silence/"


def in_an_hour():
    return f"{timezone.now() + timedelta(hours=1):%Y-%m-%d %H:%M:%S}"


def test_an_operator_adds_a_silence_by_the_form(browser):
    make_symbol("TSLA")

    answer = browser.post(
        f"{LIST}add/", {"rule": "backlog", "ticker": "tsla", "until": in_an_hour(), "reason": "noon"}, follow=True
    )

    assert answer.status_code == 200
    assert "silence of backlog of TSLA until" in answer.content.decode()
    silence = Silence.objects.get()
    assert silence.symbol is not None
    assert (silence.rule, silence.symbol.ticker, silence.created_by, silence.reason) == (
        ("backlog", "TSLA", "olga", "noon")
    )
    assert "in force" in browser.get(LIST).content.decode()
    assert browser.get(f"{LIST}{silence.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "values",
    [{"ticker": "NOPE"}, {"until": "2024-01-01 00:00"}, {"until": "x"}, {"rule": "nonsense"}],
    ids=["no such symbol", "past", "no time", "no such rule"],
)
def test_what_makes_no_sense_is_said_beside_the_field(browser, values):
    answer = browser.post(f"{LIST}add/", {"rule": "", "ticker": "", "until": in_an_hour(), "reason": "", **values})

    assert (answer.status_code, bool(answer.context["errors"])) == (200, True)
    assert not Silence.objects.exists()


def test_the_action_ends_it(browser):
    silence = silences.add(
        "", None, until=timezone.now() + timedelta(hours=1), by="otto", now=timezone.now(), reason=""
    )

    answer = browser.post(LIST, {"action": "end", "_selected_action": [silence.pk], "index": 0}, follow=True)

    assert messages_of(answer) == [("success", "Ended 1 silence.")]
    silence.refresh_from_db()
    assert silence.ended_by == "olga"


def test_an_alert_says_that_a_silence_covers_it(browser):
    now = timezone.now()
    Alert.objects.create(rule="backlog", severity="warning", state="firing", message="m", began_at=now, fired_at=now)
    assert "silenced until" not in browser.get("/admin/scanner_app/alert/").content.decode()

    silences.add("backlog", None, until=now + timedelta(hours=1), by="otto", now=now)

    assert "silenced until" in browser.get("/admin/scanner_app/alert/").content.decode()
