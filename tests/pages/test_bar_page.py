"""A bar's page: what it shows, to whom, and what can be done there."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.models import Bar, BarRevision, Signal, SymbolEvent
from tests.conftest import T0, fail_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def quarantined(dispatched_head):
    symbol, ticket = dispatched_head("BTC/USD")
    mailbox.quarantine_head(ticket, BarUnusable("no <volume>"), now=T0)
    return Bar.objects.get(symbol=symbol)


def text(client, bar, code=200):
    answer = client.get(f"/bars/{bar.pk}/")
    assert answer.status_code == code
    return answer.content.decode()


def test_it_is_for_those_who_have_signed_in_and_leads_back(client, settings, quarantined):
    settings.SCANNER_PUBLIC_STATUS = True  # a traceback and names of people are not for strangers

    answer = client.get(f"/bars/{quarantined.pk}/")

    assert (answer.status_code, answer.url) == (302, f"/login/?next=/bars/{quarantined.pk}/")


def test_a_processed_bar_shows_values_signals_and_timeline(reader, dispatched_head):
    symbol, ticket = dispatched_head("BTC/USD")
    found = Finding(detector="wyckoff", pattern="spring", direction=Direction.BULLISH, strength=0.5)
    mailbox.complete(ticket, [found], now=T0)
    bar = Bar.objects.get(symbol=symbol)

    page = text(reader, bar)

    assert 'href="/symbols/BTC/USD/"' in page
    assert f"Bar {bar.pk}, processed" in page
    for shown in (">10<", ">12<", ">9<", ">11<", ">1,000<", "spring", "wyckoff", "Processed by attempt 1", "Accepted"):
        assert shown in page
    assert "No attempt has failed." in page
    assert "<form" not in page.split("<main")[1]


def test_a_failed_head_shows_its_attempts_with_tracebacks(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 2, error=ValueError("<b>bad"))

    page = text(reader, Bar.objects.get(symbol=symbol))

    assert "processing" in page
    assert "Attempt 1" in page
    assert "Attempt 2" in page
    assert page.count("ValueError: &lt;b&gt;bad") >= 2
    assert "<b>bad" not in page


def test_values_before_a_revision_and_withdrawn_signals_are_shown(reader, dispatched_head):
    symbol, ticket = dispatched_head()
    mailbox.complete(ticket, [Finding(detector="d", pattern="gap", direction=Direction.BEARISH, strength=1)], now=T0)
    bar = Bar.objects.get(symbol=symbol)
    BarRevision.objects.create(bar=bar, open=77.5, high=79, low=76, close=78, volume=None, at=T0, source="fred")
    Signal.objects.update(withdrawn_at=T0)

    page = text(reader, bar)

    assert "77.5" in page
    assert "fred" in page
    assert "unknown" in page
    assert 'class="withdrawn"' in page


def test_only_those_who_may_operate_see_and_do_what_can_be_done(reader, quarantined):
    assert 'value="replay"' not in text(reader, quarantined)

    answer = reader.post(f"/bars/{quarantined.pk}/", {"act": "replay"})

    assert answer.status_code == 403
    quarantined.refresh_from_db()
    assert quarantined.status == "quarantined"


@pytest.mark.parametrize(("act", "status"), [("replay", "waiting"), ("discard", "discarded")])
def test_an_act_on_a_bar_in_quarantine_is_done_in_the_users_name(operator, quarantined, act, status):
    assert "no &lt;volume&gt;" in text(operator, quarantined)

    answer = operator.post(f"/bars/{quarantined.pk}/", {"act": act, "reason": "looked at it"})

    assert (answer.status_code, answer.url) == (302, f"/bars/{quarantined.pk}/")
    quarantined.refresh_from_db()
    assert quarantined.status == status
    event = SymbolEvent.objects.latest("id")
    assert (event.actor, event.reason) == ("olga", "looked at it")
    assert 'value="replay"' not in text(operator, quarantined)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"act": "delete"}, 400, id="an unknown act"),
        pytest.param({}, 400, id="no act"),
        pytest.param({"act": "replay", "reason": "x" * 1_001}, 400, id="too long a reason"),
    ],
)
def test_a_wrong_act_changes_nothing_and_is_said(operator, quarantined, body, code):
    answer = operator.post(f"/bars/{quarantined.pk}/", body)

    assert answer.status_code == code
    assert 'role="alert"' in answer.content.decode()
    quarantined.refresh_from_db()
    assert quarantined.status == "quarantined"


def test_an_act_on_a_bar_that_has_left_quarantine_is_a_409(operator, quarantined):
    operator.post(f"/bars/{quarantined.pk}/", {"act": "discard"})

    assert operator.post(f"/bars/{quarantined.pk}/", {"act": "replay"}).status_code == 409


@pytest.mark.parametrize("path", ["/bars/77/", "/bars/77", f"/bars/{'9' * 4000}/", "/bars/of/TSLA/7/", "/bars/of/X/1/"])
def test_a_bar_that_is_not_there_is_a_404_in_words(reader, symbol, path):
    answer = reader.get(path)

    assert answer.status_code == 404
    assert "There is no" in answer.content.decode()


@pytest.mark.parametrize("path", ["/bars/{}/", "/bars/77/", "/bars/of/TSLA/7/"])
def test_it_allows_no_scripts_but_our_files(reader, quarantined, path):
    answer = reader.get(path.format(quarantined.pk))

    assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("end", ["/", ""])
def test_a_task_leads_to_its_bars_page_by_ticker_and_number(reader, quarantined, end):
    answer = reader.get(f"/bars/of/BTC%2FUSD/{quarantined.sequence}{end}")

    assert (answer.status_code, answer.url) == (302, reverse("bar", args=[quarantined.pk]))


def test_the_head_links_to_its_task_in_flower_for_staff(client, dispatched_head):
    symbol, ticket = dispatched_head("BRK.B")
    client.force_login(User.objects.create_user("stan", is_staff=True))

    page = text(client, Bar.objects.get(symbol=symbol))

    assert 'href="/flower/task/BRK.B-1-e0"' in page or f"/flower/task/BRK.B-1-e{ticket.epoch}" in page
