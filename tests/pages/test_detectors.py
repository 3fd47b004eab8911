"""The page of detectors."""

import pytest
from django.contrib.auth.models import Permission, User

from scanner_app.engine import detector_switches
from scanner_app.models import DetectorEvent, DetectorSwitch, FailureIncident
from tests.conftest import T0, accept_days, fail_head, make_symbol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("breakable_detectors")]


@pytest.fixture
def operator(client):
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(codename="operate_symbol"))
    client.force_login(user)
    return client


def text(answer):
    return answer.content.decode()


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/detectors/").url == "/login/?next=/detectors/"


def test_it_says_what_is_off_and_why_and_what_can_be_done(operator):
    accept_days("TSLA", 1)
    fail_head(make_symbol("TSLA"))
    detector_switches.switch_off("first", by="otto", now=T0, reason="a <bad> deploy")
    FailureIncident.objects.create(
        detector="second", error_type="KeyError", place="a:1 b", began_at=T0, last_at=T0, symbols=7
    )

    page = text(operator.get("/detectors/"))

    assert 'data-detector="first" data-state="off"' in page
    assert "Switched off by otto, 2024-05-31 14:30:00 UTC: a &lt;bad&gt; deploy." in page
    assert "It stays off until somebody switches it on." in page
    assert "second fails on 7 symbols since 2024-05-31 14:30:00 UTC: KeyError at a:1 b." in page
    assert "Switch it on" in page
    assert "ValueError" in page


def test_an_operator_switches_there(operator):
    answer = operator.post("/detectors/", {"act": "off", "name": "first", "reason": "looking"})

    assert (answer.status_code, answer.url) == (302, "/detectors/")
    assert DetectorSwitch.objects.get().state == "off"
    assert operator.post("/detectors/", {"act": "on", "name": "first"}).status_code == 302
    assert list(DetectorEvent.objects.order_by("id").values_list("kind", "actor", "reason")) == [
        ("off", "olga", "looking"),
        ("on", "olga", ""),
    ]


@pytest.mark.parametrize(("sent", "code"), [({"act": "no", "name": "first"}, 400), ({"act": "off", "name": "x"}, 404)])
def test_what_is_wrong_is_said(operator, sent, code):
    answer = operator.post("/detectors/", sent)

    assert answer.status_code == code
    assert 'role="alert"' in text(answer)


def test_a_reader_sees_no_buttons_and_may_not_switch(client):
    client.force_login(User.objects.create_user("rita"))

    assert "Switch it off" not in text(client.get("/detectors/"))
    assert client.post("/detectors/", {"act": "off", "name": "first"}).status_code == 403
    assert not DetectorSwitch.objects.exists()
