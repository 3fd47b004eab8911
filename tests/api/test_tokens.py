"""`auth/token`: a token for name and password."""

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.api.conftest import API

TOKEN = "/api/v1/auth/token"


@pytest.fixture
def rita(db):
    return User.objects.create_user("rita", password=" opensesame ")


@pytest.mark.parametrize("address", [TOKEN, TOKEN + "/"])
def test_name_and_password_give_a_token_that_the_api_accepts(anonymous, rita, address):
    answer = anonymous.post(address, {"username": "rita", "password": " opensesame "}, format="json")

    assert answer.status_code == 200
    assert list(answer.json()) == ["token"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    assert client.get(f"{API}/status").status_code == 200


def test_the_token_is_the_same_each_time(anonymous, rita):
    tokens = {
        anonymous.post(TOKEN, {"username": "rita", "password": " opensesame "}, format="json").json()["token"]
        for _ in range(2)
    }

    assert tokens == {Token.objects.get().key}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({"username": "rita", "password": "opensesame"}, ["detail"], id="wrong password"),
        pytest.param({"username": "rosa", "password": " opensesame "}, ["detail"], id="unknown user"),
        pytest.param({"username": "rita"}, ["password"], id="no password"),
        pytest.param({}, ["username", "password"], id="empty"),
        pytest.param({"username": ["rita"], "password": " opensesame "}, ["username"], id="a list for a name"),
        pytest.param({"username": "rita\0", "password": " opensesame "}, ["username"], id="NUL"),
        pytest.param(["rita"], ["detail"], id="a list"),
    ],
)
def test_a_wrong_or_incomplete_body_is_a_400_and_creates_no_token(anonymous, rita, body, named):
    answer = anonymous.post(TOKEN, body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, named)
    assert not Token.objects.exists()


def test_an_inactive_user_gets_no_token(anonymous, rita):
    User.objects.update(is_active=False)

    answer = anonymous.post(TOKEN, {"username": "rita", "password": " opensesame "}, format="json")

    assert answer.status_code == 400
    assert not Token.objects.exists()


def test_a_client_with_an_invalid_token_can_get_a_new_one(rita):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token stale")

    answer = client.post(TOKEN, {"username": "rita", "password": " opensesame "}, format="json")

    assert answer.status_code == 200


def test_the_token_address_allows_only_post(anonymous):
    assert anonymous.get(TOKEN).status_code == 405
