"""Alerts in the admin: the list, and the actions."""

import pytest
from django.contrib.auth.models import User

from scanner_app.models import Alert
from tests.admin.conftest import messages_of, sent_from
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/alert/"


def alert(rule="stuck_head", state="firing", **values):
    return Alert.objects.create(
        rule=rule, state=state, **{"severity": "error", "message": "It is <b>so.", "began_at": T0, **values}
    )


def choose(browser, action, *alerts, **more):
    values = {"action": action, "_selected_action": [one.pk for one in alerts], "index": 0, **more}
    return browser.post(LIST, values, follow=True)


def confirm(browser, page, **more):
    return browser.post(LIST, {**sent_from(page), **more}, follow=True)


def test_the_list_shows_rule_symbol_state_and_the_sentence(browser):
    alert(symbol=make_symbol("TSLA"), muted_by="no_worker")
    alert("no_worker", subject="main lane", acknowledged_at=T0, acknowledged_by="olga")

    page = browser.get(LIST).content.decode()

    for text in ("TSLA", "main lane", "It is &lt;b&gt;so.", "muted by no_worker", "acknowledged by olga"):
        assert text in page
    assert 'badge-bad">firing' in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("?state=firing", "A"), ("?state=resolved", "B"), ("?severity=info", "B"), ("?rule=backlog", "B"), ("?q=a", "A")],
)
def test_the_filters(browser, query, shown):
    alert(symbol=make_symbol("A"))
    alert("backlog", "resolved", severity="info", symbol=make_symbol("B"))

    (row,) = browser.get(LIST + query).context["cl"].result_list

    assert row.symbol.ticker == shown


def test_its_page_says_everything(browser):
    row = alert(
        symbol=make_symbol("TSLA"),
        acknowledged_at=T0,
        acknowledged_by="olga",
        acknowledge_reason="on it",
        silenced_until=T0,
        silenced_by="bo",
        silence_reason="known",
    )

    page = browser.get(f"{LIST}{row.pk}/change/").content.decode()

    for text in (
        '<a href="/runbook/stuck_head/">docs/runbook/stuck_head.md</a>',
        "by olga, 2024-05-31 14:30:00 UTC: on it",
        "by bo until 2024-05-31 14:30:00 UTC: known",
    ):
        assert text in page


@pytest.mark.parametrize("act", ["acknowledge", "silence"])
def test_an_act_asks_first_and_names_the_alerts(browser, act):
    rows = [alert(symbol=make_symbol("TSLA")), alert("beat_late"), alert("backlog", "resolved")]
    before = list(Alert.objects.values())

    page = choose(browser, act, *rows).content.decode()

    assert f"{act.title()} 2 alerts?" in page
    assert "<dd>stuck_head TSLA, beat_late</dd>" in page
    assert ("Minutes:" in page) is (act == "silence")
    assert list(Alert.objects.values()) == before


def test_acknowledged_it_says_by_whom_and_why(browser):
    row, other = alert(), alert("beat_late")

    answer = confirm(browser, choose(browser, "acknowledge", row), reason="on it")

    assert messages_of(answer) == [("success", "Acknowledged 1 alert.")]
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.acknowledged_by, row.acknowledge_reason) == ("olga", "on it")
    assert other.acknowledged_at is None


def test_silenced_it_is_for_the_minutes_asked_for(browser, monkeypatch):
    monkeypatch.setattr("scanner_app.admin.alerts.timezone.now", lambda: T0)
    row = alert()

    answer = confirm(browser, choose(browser, "silence", row, reason="known"), minutes="90")

    assert messages_of(answer) == [("success", "Silenced 1 alert.")]
    row.refresh_from_db()
    assert (row.silenced_until - T0).total_seconds() == 90 * 60
    assert (row.silenced_by, row.silence_reason) == ("olga", "known")


@pytest.mark.parametrize("minutes", ["", "x", "-5", "9" * 30, "0" * 8 + "1" * 5_000])
def test_minutes_that_make_no_sense_silence_nothing(browser, minutes):
    row = alert()

    answer = confirm(browser, choose(browser, "silence", row), minutes=minutes)

    assert messages_of(answer)[0][0] == "error"
    row.refresh_from_db()
    assert row.silenced_until is None


def test_what_is_over_meanwhile_is_not_counted(browser):
    row, other = alert(), alert("beat_late")
    page = choose(browser, "acknowledge", row, other)
    Alert.objects.filter(pk=row.pk).update(state="resolved")

    assert messages_of(confirm(browser, page)) == [("success", "Acknowledged 1 alert.")]


def test_what_is_over_is_not_asked_about(browser):
    assert messages_of(choose(browser, "silence", alert(state="resolved"))) == [("warning", "These alerts are over.")]


def test_the_acts_are_for_staff(client):
    client.force_login(User.objects.create_user("rita"))
    row = alert()

    assert client.post(LIST, {"action": "acknowledge", "_selected_action": [row.pk], "index": 0}).status_code == 302
    row.refresh_from_db()
    assert row.acknowledged_at is None


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_the_same_queries_whatever_its_length(queries_of, count):
    for number in range(count):
        alert(symbol=make_symbol(f"S{number}"))

    assert len([one for one in queries_of(LIST) if "alert" in one]) == 2, "a count and the page"
