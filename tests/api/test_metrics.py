"""`/metrics`: who may read it."""

import pytest

from scanner_app.models import ApiToken
from tests.scraping import quiet_broker, value  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("quiet_broker")

TOKEN = "a-long-and-random-one"


@pytest.fixture(autouse=True)
def token(settings):
    settings.SCANNER_METRICS_TOKEN = TOKEN


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_prometheus_reads_with_its_token(anonymous, path):
    answer = anonymous.get(path, HTTP_AUTHORIZATION=f"Bearer {TOKEN}", HTTP_ACCEPT="text/plain")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert value(answer.content.decode(), "scanner_symbols_enabled") == 0
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="empty"),
        pytest.param("Bearer wrong", id="a wrong token"),
        pytest.param("Bearer", id="no token"),
        pytest.param(f"Token {TOKEN}", id="the token as one of the API's"),
        pytest.param(f"Bearer {TOKEN}x", id="a longer token"),
        pytest.param("Bearer ä", id="a token that is not ASCII"),
        pytest.param("Basic YTpi", id="name and password"),
    ],
)
def test_a_missing_or_wrong_token_is_a_401(anonymous, authorization):
    answer = anonymous.get("/metrics", HTTP_AUTHORIZATION=authorization, REMOTE_ADDR="127.0.0.1")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"scanner_" not in answer.content


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer "])
def test_an_empty_token_is_refused_if_the_setting_is_empty(anonymous, settings, authorization):
    settings.SCANNER_METRICS_TOKEN = ""

    assert anonymous.get("/metrics", HTTP_AUTHORIZATION=authorization).status_code == 401


def test_a_users_token_is_accepted_only_if_the_user_may_enter_the_admin(staff, operator, reader, feeder):
    answers = [client.get("/metrics").status_code for client in (staff, operator, reader, feeder)]

    assert answers == [200, 200, 403, 403]


def test_a_session_is_accepted_only_if_the_user_may_enter_the_admin(client, admin_client, django_user_model):
    client.force_login(django_user_model.objects.create_user("rita"))

    assert [one.get("/metrics").status_code for one in (admin_client, client)] == [200, 403]


def test_an_inactive_user_is_a_401(staff, django_user_model):
    assert ApiToken.objects.exists()
    django_user_model.objects.update(is_active=False)

    assert staff.get("/metrics").status_code == 401


def test_public_metrics_need_no_token(anonymous, settings):
    settings.SCANNER_PUBLIC_METRICS = True

    assert anonymous.get("/metrics").status_code == 200


def test_the_metrics_allow_only_reading(anonymous):
    assert anonymous.post("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 405
