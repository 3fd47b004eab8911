"""The page of one's own tokens."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scanner_app.accounts import tokens
from scanner_app.models import ApiToken
from tests.api.conftest import token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita():
    return User.objects.create_user("rita")


@pytest.fixture
def page(rita):
    client = Client(enforce_csrf_checks=False)
    client.force_login(rita)
    return client


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/tokens/").url == "/login/?next=/tokens/"
    assert client.post("/tokens/1/revoke").url.startswith("/login/")


def test_the_board_links_the_page(page):
    assert 'href="/tokens/"' in page.get("/").content.decode()


@pytest.mark.parametrize("address", ["/tokens/", "/tokens"])
def test_a_new_token_is_shown_once_and_works(page, rita, address):
    answer = page.post(address, {"name": "my feed", "scope": "feed", "days": 30})

    made = answer.context["made"]
    row = ApiToken.objects.get()
    assert answer.status_code == 200
    assert f'value="{made}"' in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert tokens.find(made) == row
    assert (row.user, row.name, row.scope) == (rita, "my feed", "feed")
    assert row.expires_at == row.created_at + timedelta(days=30)
    again = page.get("/tokens/").content.decode()
    assert "my feed" in again
    assert made not in again


def test_a_page_that_is_loaded_again_makes_no_other_token(page):
    form_id = page.get("/tokens/").context["form"]["form_id"].value()
    sent = {"name": "x", "scope": "read", "days": 30, "form_id": form_id}
    made = page.post("/tokens/", sent)

    again = page.post("/tokens/", sent)
    another = page.post("/tokens/", {**sent, "form_id": made.context["form"]["form_id"].value()})

    assert again.url == "/tokens/"
    assert another.context["made"]
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": "9" * 5_000}, {"scope": "all"}, {"name": "x" * 101}])
def test_a_wrong_field_is_said_and_makes_nothing(page, wrong):
    answer = page.post("/tokens/", {"name": "x", "scope": "read", "days": 1, **wrong})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_one_of_ones_own_is_revoked(page, rita):
    secret = token_of(rita)

    answer = page.post(f"/tokens/{ApiToken.objects.get().pk}/revoke")

    assert answer.url == "/tokens/"
    assert tokens.find(secret) is None


def test_anothers_is_neither_shown_nor_revoked(page):
    other = User.objects.create_user("other")
    token_of(other, name="of another")

    assert "of another" not in page.get("/tokens/").content.decode()
    assert page.post(f"/tokens/{ApiToken.objects.get().pk}/revoke").status_code == 404
    assert ApiToken.objects.exists()


@pytest.mark.parametrize("number", ["9" * 5_000, "9" * 19, "-1"])
def test_a_number_that_no_row_has_is_not_found(page, number):
    assert page.post(f"/tokens/{number}/revoke").status_code == 404


def test_an_ended_token_is_not_shown(page, rita):
    token_of(rita, name="over")
    ApiToken.objects.update(expires_at=timezone.now())

    assert "over" not in page.get("/tokens/").content.decode()


def test_without_the_csrf_token_nothing_is_made(rita):
    client = Client(enforce_csrf_checks=True)
    client.force_login(rita)

    assert client.post("/tokens/", {"name": "x", "scope": "read", "days": 1}).status_code == 403
    assert not ApiToken.objects.exists()
