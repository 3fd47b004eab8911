"""The page that looks back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from django.utils.html import escape

from scanner_app import mailbox
from scanner_app.models import Alert, Bar, Symbol
from tests.conftest import accept_days, fail_head, make_symbol, row_of, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(codename="operate_symbol"))
    client.force_login(user)
    return client


@pytest.fixture
def began():
    """An hour ago TSLA failed three times while three bars waited, and was well at the first probe; AAPL is idle."""
    began = timezone.now() - timedelta(hours=1)
    make_symbol("AAPL")
    accept_days("TSLA", 3, now=began)
    symbol = Symbol.objects.get(ticker="TSLA")
    fail_head(symbol, 3, now=began)
    done = row_of(symbol).next_attempt_at
    assert done is not None
    for _ in range(3):
        mailbox.complete(start_head(symbol, now=done), [], now=done)
    Alert.objects.create(
        rule="open_breakers", severity="error", message="a <b> breaker", state="resolved",
        began_at=began, fired_at=began, cleared_at=done,
    )  # fmt: skip
    Symbol.objects.update(created_at=began - timedelta(hours=1))
    return began


def text(answer):
    return " ".join(answer.content.decode().split())


def test_a_stranger_is_asked_to_sign_in_and_who_may_not_operate_is_refused(client):
    assert client.get("/past/").url == "/login/?next=/past/"

    client.force_login(User.objects.create_user("rita"))

    assert client.get("/past/").status_code == 403


def test_it_shows_the_board_of_the_time_with_those_in_trouble_first(operator, began):
    page = text(operator.get("/past/", {"at": (began + timedelta(seconds=20)).isoformat()}))

    assert "2 symbols, 1 failed, 0 paused; 3 bars waited, 0 in quarantine; 1 alert." in page
    assert page.index('data-symbol="TSLA"') < page.index('data-symbol="AAPL"')
    assert "TSLA processing failed 3 times" in page
    assert "open_breakers: a &lt;b&gt; breaker" in page


def test_prices_are_written_as_on_the_board(operator, began):
    Bar.objects.filter(symbol__ticker="TSLA").update(close=26_740.5, high=26_741)

    page = text(operator.get("/past/", {"at": timezone.now().isoformat()}))

    assert 'data-name="Close">26,740.5<' in page


def test_a_time_without_an_offset_is_in_utc(operator, began):
    later = (began + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")

    assert "2 symbols, 0 failed, 0 paused; 0 bars waited" in text(operator.get("/past/", {"at": later}))


def test_it_says_what_other_settings_would_have_changed(operator, began):
    page = text(operator.get("/past/", {"threshold": "5"}))

    assert "1 streak of failures. With threshold 5, recovery 30 s, delays 1,2,4,8,16,30:" in page
    assert "<strong>1 opening fewer, as many failed runs, 3 bars sooner, by up to 26 s</strong>" in page
    assert "<strong>as many openings, 2 failed runs more, 3 bars later, by up to 12 s</strong>" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"at": "yesterday"}, "The time must be an ISO 8601 time"),
        ({"at": "2999-01-01"}, "has not come yet"),
        ({"threshold": "<x>"}, "Threshold must be a whole number such as 5, not &#x27;&lt;x&gt;&#x27;."),
        ({"threshold": "0"}, "hreshold"),
        ({"threshold": ""}, "Give at least one of threshold, recovery and delays."),
        ({"recovery": "soon"}, "Recovery must be seconds such as 30"),
        ({"recovery": "nan"}, "Recovery must be seconds such as 30"),
        ({"recovery": "0.001"}, "Recovery must be seconds such as 30"),
        ({"recovery": "1e300"}, "is too long"),
        ({"delays": "a,b"}, "Delays must be seconds such as 1,2,4"),
        ({"delays": "-1"}, "Delays must be seconds such as 1,2,4"),
        ({"delays": ","}, "Delays must be seconds such as 1,2,4"),
    ],
)
def test_what_is_wrong_is_said_and_kept_in_its_field(operator, asked, said):
    answer = operator.get("/past/", asked)

    assert answer.status_code == 400
    assert said in text(answer)
    ((name, value),) = asked.items()
    assert f'value="{escape(value)}"' in text(answer), name


def test_one_wrong_form_does_not_keep_the_other_from_answering(operator, began):
    answer = operator.get("/past/", {"at": (began + timedelta(seconds=20)).isoformat(), "threshold": "x"})

    assert answer.status_code == 400
    assert 'data-symbol="TSLA"' in text(answer)


def test_each_form_keeps_what_was_asked_of_the_other(operator, began):
    at = (began + timedelta(seconds=20)).isoformat()
    page = text(operator.get("/past/", {"at": at, "threshold": "5", "recovery": "", "delays": "2,4"}))

    for name, value in (("at", at), ("threshold", "5"), ("delays", "2,4")):
        assert f'<input type="hidden" name="{name}" value="{escape(value)}">' in page


def test_its_link_is_at_the_foot_for_operators_alone(operator, client):
    assert 'href="/past/"' in text(operator.get("/"))

    client.force_login(User.objects.create_user("rita"))

    assert 'href="/past/"' not in text(client.get("/"))
