"""Every answer says what browsers may do with it: no foreign scripts, no frames."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver, path

from scanner_app.middleware import POLICY
from tests.conftest import make_symbol

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

ADDRESSES = [
    "/",
    "/login/",
    "/tokens/",
    "/symbols/TSLA/",
    "/symbols/NONE/",
    "/runbook/backlog/",
    "/guarantees/",
    "/signals/",
    "/worth/",
    "/detectors/",
    "/past/",
    "/rules/",
    "/admin/",
    "/admin/login/",
    "/admin/scanner_app/bar/",
    "/api/docs/",
    "/api/docs/?script=",
    "/api/schema/",
    "/api/v1/scanner/status",
    "/api/v1/nothing",
    "/nothing",
    "/healthz",
    "/raises",
]


def raises(_request):
    raise ValueError("a bug")


@pytest.fixture
def with_a_bug(settings, monkeypatch):
    """One more address, whose view has a bug."""
    module = type("Urls", (), {})()
    old: Any = get_resolver().urlconf_module
    module.urlpatterns = [*old.urlpatterns, path("raises", raises)]
    module.handler404, module.handler500 = old.handler404, old.handler500
    settings.ROOT_URLCONF = module


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_the_headers(db, with_a_bug, signed_in, address):
    make_symbol("TSLA")
    client = Client(raise_request_exception=False)
    if signed_in:
        client.force_login(User.objects.create_superuser("root"))

    answer = client.get(address)

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.status_code == 500 if address == "/raises" else answer.status_code < 500


def test_no_page_has_a_script_inside_which_the_policy_would_stop(db, with_a_bug):
    import re

    make_symbol("TSLA")
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))

    for address in ADDRESSES:
        page = client.get(address).content.decode()
        inline = [one for one in re.findall(r"<script([^>]*)>", page) if "src=" not in one and "json" not in one]
        assert not inline, address
        assert not re.search(r"<[^>]+ on\w+=", page), address


def test_the_debug_page_may_run_its_own_scripts_and_nothing_else(settings, with_a_bug):
    settings.DEBUG = True

    answer = Client(raise_request_exception=False).get("/raises")

    assert answer.status_code == 500
    assert answer.headers["Content-Security-Policy"].startswith(POLICY)
