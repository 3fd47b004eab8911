"""PUBLIC_URL and TRUSTED_PROXIES: who is believed, who may sign in, and what is said to the others."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from scanner_app.middleware import TrustedProxiesMiddleware
from scanner_project import env

PUBLIC = "https://scanner.example"
TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "scanner.example"}


@pytest.fixture
def public(settings):
    """The settings that a start with PUBLIC_URL=https://scanner.example makes."""
    settings.PUBLIC_URL = PUBLIC
    settings.ALLOWED_HOSTS = env.read({"PUBLIC_URL": PUBLIC}).allowed_hosts
    settings.CSRF_TRUSTED_ORIGINS = [PUBLIC]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.TRUSTED_PROXIES = "127.0.0.1,10.0.0.0/8"


@pytest.fixture
def seen(rf, settings):
    """What the views see of a request."""

    def ask(**kwargs):
        got: list[HttpRequest] = []

        def view(request):
            got.append(request)
            return HttpResponse()

        TrustedProxiesMiddleware(view)(rf.get("/", **kwargs))
        return got[0]

    return ask


@pytest.fixture
def tom(django_user_model):
    return django_user_model.objects.create_user("tom", password="made up")


def sign_in(path="/login/", *, peer="127.0.0.1", origin=PUBLIC, **headers):
    """Sign in as a browser does: open the form, send it with its cookie and token."""
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=peer)
    page = client.get(path, headers=headers)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    fields = {"username": "tom", "password": "made up", "csrfmiddlewaretoken": token and token[1]}
    answer = client.post(path, fields, headers={**headers, "Origin": origin, "Referer": f"{origin}{path}"})
    return client, answer


def test_a_trusted_proxy_is_believed(public, seen):
    request = seen(headers=TLS)

    assert request.is_secure()
    assert request.get_host() == "scanner.example"
    assert request.META["REMOTE_ADDR"] == "203.0.113.7"
    assert request.build_absolute_uri() == f"{PUBLIC}/"


def test_nobody_else_is_believed(public, seen):
    request = seen(headers=TLS | {"Host": "localhost"}, REMOTE_ADDR="203.0.113.9")

    assert not request.is_secure()
    assert request.get_host() == "localhost"
    assert request.META["REMOTE_ADDR"] == "203.0.113.9"
    assert not [name for name in request.META if name.startswith("HTTP_X_FORWARDED")]


@pytest.mark.django_db
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_signing_in_works_behind_tls_of_a_trusted_proxy(public, tom, peer):
    client, answer = sign_in(peer=peer, **TLS)

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.cookies["sessionid"]["secure"]
    assert client.get("/", headers=TLS).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_elsewhere_it_is_refused_with_the_setting_s_name(public, tom, path):
    client, answer = sign_in(path, peer="192.0.2.5", **(TLS | {"Host": "scanner.example"}))

    assert answer.status_code == 403
    assert "put 192.0.2.5 into TRUSTED_PROXIES" in answer.content.decode()
    assert "sessionid" not in client.cookies


@pytest.mark.django_db
def test_a_trusted_proxy_that_does_not_say_https_is_told_what_to_say(public, tom):
    _, answer = sign_in(Host="scanner.example")

    assert answer.status_code == 403
    assert "X-Forwarded-Proto: https" in answer.content.decode()


@pytest.mark.django_db
def test_without_public_url_a_trusted_proxy_s_own_address_will_do(tom, settings):
    settings.ALLOWED_HOSTS = ["scanner.example"]

    _, answer = sign_in(**TLS)

    assert answer.status_code == 302


@pytest.mark.django_db
def test_without_it_a_form_from_an_unknown_proxy_says_what_to_set(tom, settings):
    settings.ALLOWED_HOSTS = ["scanner.example"]

    _, answer = sign_in(peer="192.0.2.5", **(TLS | {"Host": "scanner.example"}))

    text = answer.content.decode()
    assert answer.status_code == 403
    assert "Set PUBLIC_URL" in text
    assert "TRUSTED_PROXIES must have the proxy&#x27;s address, 192.0.2.5" in text


def test_a_token_needs_no_https(public, client):
    answer = client.post("/api/v1/auth/token", {}, content_type="application/json", headers={"Host": "127.0.0.1"})

    assert answer.status_code == 400  # fields are missing, nothing else


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/healthz/"])
def test_probes_are_answered_whatever_the_host(client, settings, path):
    settings.SCANNER_PUBLIC_METRICS = True
    settings.ALLOWED_HOSTS = env.read({"PUBLIC_URL": "http://scanner.example:8000"}).allowed_hosts
    settings.PUBLIC_URL = "http://scanner.example:8000"

    assert client.get(path, headers={"Host": "10.2.3.4:8000"}).status_code in {200, 503}
    assert client.get(reverse("login"), headers={"Host": "10.2.3.4:8000"}).status_code == 400


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        ({}, ["localhost", "127.0.0.1", "[::1]"]),
        ({"PUBLIC_URL": PUBLIC, "ALLOWED_HOSTS": "a.example"}, ["a.example", "scanner.example"]),
        ({"PUBLIC_URL": "http://[2001:db8::1]:80", "ALLOWED_HOSTS": "a"}, ["a", "[2001:db8::1]"]),
        ({"WEB_HOST": "192.0.2.1", "ALLOWED_HOSTS": "a"}, ["a", "192.0.2.1"]),
    ],
)
def test_the_public_host_is_always_allowed(values, hosts):
    assert env.read(values).allowed_hosts == hosts


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PUBLIC_URL", "scanner.example", "http:// or https://"),
        ("PUBLIC_URL", "https://scanner.example/scanner", "nothing behind the host"),
        ("PUBLIC_URL", "https://tom:x@scanner.example", "nothing behind the host"),
        ("FLOWER_PUBLIC_URL", "flower", "http:// or https://"),
        ("TRUSTED_PROXIES", "proxy", "'proxy' is none"),
        ("TRUSTED_PROXIES", "10.0.0.0/64", "'10.0.0.0/64' is none"),
    ],
)
def test_a_bad_address_stops_the_start(name, value, says):
    with pytest.raises(env.BadSetting, match=name) as caught:
        env.read({name: value})

    assert says in str(caught.value)
