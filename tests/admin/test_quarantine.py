"""Acts on bars in quarantine through the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.models import Bar, QuarantinedBar, Symbol, SymbolEvent
from tests.admin.conftest import messages_of, sent_from
from tests.conftest import T0, snapshot
from tests.mailbox.test_quarantine_bulk import quarantined

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/quarantinedbar/"
ACTS = ["replay", "discard"]
DONE = {"replay": ("replayed", "Replayed"), "discard": ("discarded", "Discarded")}


def choose(browser, action, *entries, query="", **more):
    """Press Go with these rows ticked; the page that asks."""
    values = {"action": action, "_selected_action": [entry.pk for entry in entries], "index": 0, **more}
    return browser.post(LIST + query, values, follow=True)


def confirm(browser, page, query="", **more):
    """Press the button of the page that asks."""
    return browser.post(LIST + query, {**sent_from(page), **more}, follow=True)


def everything():
    return [snapshot(symbol) for symbol in Symbol.objects.order_by("pk")]


def resolutions():
    return list(QuarantinedBar.objects.order_by("pk").values_list("resolution", flat=True))


@pytest.mark.parametrize("act", ACTS)
def test_an_act_asks_first_showing_how_many_bars_of_which_symbols(browser, act):
    tsla, aapl = quarantined("TSLA", 2), quarantined("AAPL")
    before = everything()

    page = choose(browser, act, *tsla, *aapl, reason=' "mended" ').content.decode()

    assert f"{act.title()} 3 bars?" in page
    assert "<dd>AAPL (1), TSLA (2)</dd>" in page
    assert 'value="&quot;mended&quot;"' in page
    assert everything() == before


@pytest.mark.parametrize("act", ACTS)
def test_confirmed_it_is_done_with_the_ticked_bars_alone_and_tells_who_and_why(browser, act):
    first, second, other = quarantined("TSLA", 3)
    kind, done = DONE[act]
    page = choose(browser, act, first, second, reason="mended")

    answer = confirm(browser, page)

    assert messages_of(answer) == [("success", f"{done} 2 bars.")]
    assert resolutions() == [kind, kind, ""]
    events = SymbolEvent.objects.filter(kind=kind)
    assert {(event.actor, event.reason, event.bar_id) for event in events} == {
        ("olga", "mended", first.bar_id),
        ("olga", "mended", second.bar_id),
    }
    assert Bar.objects.get(pk=other.bar_id).status == "quarantined"


def test_the_reason_may_still_be_changed_on_the_page_that_asks(browser):
    (entry,) = quarantined("TSLA")

    confirm(browser, choose(browser, "discard", entry, reason="first"), reason="second thoughts")

    assert SymbolEvent.objects.latest("id").reason == "second thoughts"


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        pytest.param("", [0, 1, 2, 3], id="no filter"),
        pytest.param("?q=TSLA", [0, 1, 2], id="a symbol"),
        pytest.param("?error_type=KeyError", [2], id="an error type"),
        pytest.param("?resolution=in+quarantine", [0, 1, 2, 3], id="what is open"),
        pytest.param("?resolution=discarded", [], id="what is not"),
        pytest.param("?failed_at__gte=2024-05-31+14:30:01%2B00:00", [1], id="when it was quarantined"),
        pytest.param("?q=TSLA&error_type=ValueError", [0, 1], id="two at once"),
    ],
)
@pytest.mark.parametrize("act", ACTS)
def test_all_that_a_filter_shows_are_chosen_on_whichever_page_they_are(browser, monkeypatch, act, query, chosen):
    monkeypatch.setattr("scanner_app.admin.quarantine.QuarantinedBarAdmin.list_per_page", 1)
    entries = [*quarantined("TSLA", 2), *quarantined("TSLA", first=2, error=KeyError("x")), *quarantined("AAPL")]
    QuarantinedBar.objects.filter(pk=entries[1].pk).update(failed_at=T0 + timedelta(seconds=1))
    kind, _ = DONE[act]

    page = choose(browser, act, entries[0], query=query, select_across=1)
    if not chosen:
        assert messages_of(page) == [("warning", "None of these bars is in quarantine any more.")]
    else:
        assert f"{act.title()} {len(chosen)} bar" in page.content.decode()
        confirm(browser, page, query)

    assert resolutions() == [kind if number in chosen else "" for number in range(4)]


def test_a_bar_that_came_after_the_question_is_not_acted_on(browser):
    quarantined("TSLA", 2)
    page = choose(browser, "discard", *QuarantinedBar.objects.all()[:1], select_across=1)
    quarantined("TSLA", first=2)

    answer = confirm(browser, page)

    assert messages_of(answer) == [("success", "Discarded 2 bars.")]
    assert resolutions() == ["discarded", "discarded", ""]


def test_a_bar_that_was_dealt_with_after_the_question_is_not_counted(browser):
    first, second = quarantined("TSLA", 2)
    page = choose(browser, "replay", first, second)
    mailbox.discard(first, by="somebody", now=T0)

    assert messages_of(confirm(browser, page)) == [("success", "Replayed 1 bar.")]
    assert resolutions() == ["discarded", "replayed"]


@pytest.mark.parametrize("act", ACTS)
def test_what_has_been_dealt_with_is_not_asked_about(browser, act):
    (entry,) = quarantined("TSLA")
    mailbox.discard(entry, by="somebody", now=T0)
    before = everything()

    answer = choose(browser, act, entry)

    assert messages_of(answer) == [("warning", "None of these bars is in quarantine any more.")]
    assert everything() == before


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("upto", ["", "x", "-1", "9" * 30])
def test_a_forged_bound_is_no_error_and_never_more_than_was_chosen(browser, act, upto):
    chosen, _ = quarantined("TSLA", 2)

    choose(browser, act, chosen, confirmed="yes", upto=upto)

    assert resolutions()[1] == ""


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("permission", [None, "add_bar"])
def test_who_may_not_operate_can_not_act_through_the_admin(client, act, permission):
    (entry,) = quarantined("TSLA")
    user = User.objects.create_user("eve")
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)
    before = everything()

    answer = client.post(LIST, {"action": act, "_selected_action": [entry.pk], "index": 0, "confirmed": "yes"})

    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")
    assert everything() == before


def test_an_act_by_get_is_none(browser):
    (entry,) = quarantined("TSLA")
    before = everything()

    browser.get(LIST, {"action": "discard", "_selected_action": entry.pk, "index": 0, "confirmed": "yes"})

    assert everything() == before


def test_the_question_takes_as_many_queries_for_forty_bars_as_for_one(browser):
    (one,) = quarantined("S0")

    def statements():
        with CaptureQueriesContext(connection) as captured:
            choose(browser, "discard", one, select_across=1)
        return [query["sql"] for query in captured.captured_queries]

    few = statements()
    for number in range(1, 40):
        quarantined(f"S{number}")
    many = statements()

    assert len(many) == len(few)
    assert len(many) <= 9, "\n".join(many)


def test_the_error_types_of_the_list_are_there_to_be_chosen(browser):
    quarantined("TSLA")
    quarantined("TSLA", first=1, error=KeyError("x"))

    page = browser.get(LIST).content.decode()

    assert "?error_type=KeyError" in page
    assert "?error_type=ValueError" in page
