"""`auth/token` and `auth/tokens`: a new token for name and password, and their owner's list."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from scanner_app.accounts import tokens
from scanner_app.models import ApiToken
from tests.api.conftest import API, token_of
from tests.conftest import raw_bar

TOKEN = "/api/v1/auth/token"
TOKENS = "/api/v1/auth/tokens"


@pytest.fixture
def rita(db):
    return User.objects.create_user("rita", password=" opensesame ")


def client_with(secret):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def sign_in(client, **more):
    return client.post(TOKEN, {"username": "rita", "password": " opensesame ", **more}, format="json")


@pytest.mark.parametrize("address", [TOKEN, TOKEN + "/"])
def test_name_and_password_give_a_token_that_the_api_accepts(anonymous, rita, address):
    answer = anonymous.post(address, {"username": "rita", "password": " opensesame "}, format="json")

    assert answer.status_code == 200
    assert list(answer.json()) == ["token", "expires_at"]
    assert client_with(answer.json()["token"]).get(f"{API}/status").status_code == 200


def test_each_call_makes_a_new_token_for_a_year_with_all_rights_and_older_ones_stay_valid(anonymous, rita):
    answers = [sign_in(anonymous).json() for _ in range(2)]

    assert len({answer["token"] for answer in answers}) == 2
    assert [client_with(answer["token"]).get(f"{API}/status").status_code for answer in answers] == [200, 200]
    for row in ApiToken.objects.all():
        assert (row.scope, row.expires_at) == ("operate", row.created_at + timedelta(days=365))


def test_name_scope_and_days_are_taken(anonymous, rita):
    answer = sign_in(anonymous, name="feed at home", scope="feed", days=7).json()

    row = ApiToken.objects.get()
    assert (row.name, row.scope) == ("feed at home", "feed")
    assert row.expires_at == row.created_at + timedelta(days=7)
    assert parse_datetime(answer["expires_at"]) == row.expires_at


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({"username": "rita", "password": "opensesame"}, ["detail"], id="wrong password"),
        pytest.param({"username": "rosa", "password": " opensesame "}, ["detail"], id="unknown user"),
        pytest.param({"username": "rita"}, ["password"], id="no password"),
        pytest.param({}, ["username", "password"], id="empty"),
        pytest.param({"username": ["rita"], "password": " opensesame "}, ["username"], id="a list for a name"),
        pytest.param({"username": "rita\0", "password": " opensesame "}, ["username"], id="NUL"),
        pytest.param({"username": "rita", "password": " opensesame ", "scope": "all"}, ["scope"], id="no scope"),
        pytest.param({"username": "rita", "password": " opensesame ", "days": 0}, ["days"], id="no day"),
        pytest.param({"username": "rita", "password": " opensesame ", "days": 10**9}, ["days"], id="too many days"),
        pytest.param({"username": "rita", "password": " opensesame ", "name": "x" * 101}, ["name"], id="long name"),
        pytest.param(["rita"], ["detail"], id="a list"),
    ],
)
def test_a_wrong_or_incomplete_body_is_a_400_and_creates_no_token(anonymous, rita, body, named):
    answer = anonymous.post(TOKEN, body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, named)
    assert not ApiToken.objects.exists()


def test_an_inactive_user_gets_no_token(anonymous, rita):
    User.objects.update(is_active=False)

    answer = sign_in(anonymous)

    assert answer.status_code == 400
    assert not ApiToken.objects.exists()


def test_a_client_with_an_invalid_token_can_get_a_new_one(rita):
    assert sign_in(client_with("stale")).status_code == 200


def test_a_stranger_can_not_send_a_body_that_takes_long_to_read(anonymous):
    answer = anonymous.post(TOKEN, b"[" + b"{}," * 40_000 + b"{}]", content_type="application/json")

    assert (answer.status_code, answer.json()) == (413, {"detail": "The body may have at most 100,000 bytes."})


def test_the_token_address_allows_only_post(anonymous):
    assert anonymous.get(TOKEN).status_code == 405


def test_neither_the_database_nor_the_list_has_the_token_itself(anonymous, rita):
    secret = sign_in(anonymous, name="mine").json()["token"]

    stored = str(ApiToken.objects.values().get())
    shown = client_with(secret).get(TOKENS).content.decode()

    for text in (stored, shown):
        assert "mine" in text
        assert secret[tokens.HINT_LENGTH :] not in text


def test_the_list_has_ones_own_tokens_alone(rita):
    client = client_with(token_of(rita, name="of rita"))
    token_of(User.objects.create_user("other"), name="of another")

    assert [row["name"] for row in client.get(TOKENS).json()["results"]] == ["of rita"]
    assert APIClient().get(TOKENS).status_code == 401


@pytest.fixture
def own(db):
    user = User.objects.create_user("own")
    return client_with(token_of(user, name="first"))


def test_a_token_is_made_by_its_owner_and_answered_once(own):
    answer = own.post(TOKENS, {"name": "second", "scope": "read", "days": 30}, format="json")

    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["scope"]) == ("second", "read")
    assert client_with(made["token"]).get(f"{API}/status").status_code == 200
    assert [row["name"] for row in own.get(TOKENS).json()["results"]] == ["second", "first"]


def test_a_token_made_with_a_token_ends_no_later(db):
    user = User.objects.create_user("own")
    client = client_with(token_of(user, days=2))

    made = client.post(TOKENS, {"days": 300}, format="json").json()

    assert parse_datetime(made["expires_at"]) == ApiToken.objects.earliest("id").expires_at


@pytest.mark.parametrize("address", [TOKENS + "/{}", TOKENS + "/{}/"])
def test_a_revoked_token_ends_at_once(own, address):
    made = own.post(TOKENS, {}, format="json").json()

    assert own.delete(address.format(made["id"])).status_code == 204
    assert client_with(made["token"]).get(f"{API}/status").status_code == 401
    assert own.get(f"{API}/status").status_code == 200


@pytest.mark.parametrize("wanted", ["of another", "9" * 5_000, "-1", "x", "٣"])
def test_what_is_no_token_of_ones_own_is_not_found_and_stays(own, wanted):
    other = User.objects.create_user("other")
    token_of(other)
    pk = other.api_tokens.get().pk if wanted == "of another" else wanted

    assert own.delete(f"{TOKENS}/{pk}").status_code == 404
    assert other.api_tokens.exists()


def test_an_expired_token_is_a_401_that_says_so(own):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = own.get(f"{API}/status")

    assert (answer.status_code, answer.json()) == (401, {"detail": "This token has expired. Make a new one."})


def test_a_token_from_before_without_an_end_stays_valid(own):
    ApiToken.objects.update(expires_at=None)

    assert own.get(f"{API}/status").status_code == 200
    assert own.get(TOKENS).json()["results"][0]["expires_at"] is None


def test_the_use_of_a_token_is_noted_once_an_hour(own):
    ApiToken.objects.update(last_used_at=None)
    own.get(f"{API}/status")
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None

    own.get(f"{API}/status")

    assert ApiToken.objects.get().last_used_at == noted


# Scopes


def routes(patterns=None, prefix=""):
    """(path, route's name) of every address below /api/v1/, with 1 for each part of an address that varies."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern


def unsafe():
    """(method, path) of everything below /api/v1/ that a token could be used for and that is not reading."""
    for path, pattern in routes():
        view = getattr(pattern.callback, "cls", None)
        if not path.startswith("api/v1/") or view is None or not view().get_authenticators():
            continue
        address = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)|<[^>]+>", "1", path)
        address = re.sub(r"[\^$]|/\?|\\Z", "", address)
        actions = getattr(pattern.callback, "actions", None)
        for method in actions or [name for name in view.http_method_names if hasattr(view, name)]:
            if method in {"post", "put", "patch", "delete"}:
                yield method, "/" + address


UNSAFE = sorted(set(unsafe()))


def test_the_walk_finds_what_changes_something():
    assert ("post", f"{API}/bars") in UNSAFE
    assert ("post", f"{API}/symbols/1/reset") in UNSAFE
    assert ("delete", f"{TOKENS}/1") in UNSAFE


@pytest.mark.parametrize("scope", ["read", "feed"])
@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_a_token_to_read_or_to_feed_changes_nothing_else_at_any_address(db, scope, method, path):
    client = client_with(token_of(User.objects.create_superuser("root"), scope=scope))

    answer = getattr(client, method)(path, {}, format="json")

    if scope == "feed" and (method, path) == ("post", f"{API}/bars"):
        assert answer.status_code == 400
    else:
        assert answer.status_code == 403
        assert f"scope is {scope}" in answer.json()["detail"]


@pytest.mark.parametrize(("scope", "sends", "resets"), [("read", 403, 403), ("feed", 202, 403), ("operate", 202, 200)])
def test_each_scope_reads_and_does_what_it_is_for(symbol, scope, sends, resets):
    client = client_with(token_of(User.objects.create_superuser("root"), scope=scope))

    assert client.get(f"{API}/status").status_code == 200
    assert client.post(f"{API}/bars/", raw_bar(), format="json").status_code == sends
    assert client.post(f"{API}/symbols/TSLA/reset").status_code == resets


def test_a_scope_gives_no_right_that_the_user_has_not(symbol, rita):
    client = client_with(token_of(rita, scope="feed"))

    assert client.post(f"{API}/bars", raw_bar(), format="json").status_code == 403
