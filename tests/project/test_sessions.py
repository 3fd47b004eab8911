"""Cookies that a stranger makes up."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", [r"aaaaaaaa\000", r"aaaaaaaa\012", "ä" * 8, "a" * 5_000])
def test_a_session_key_that_django_has_not_made_is_as_none(key, kept_errors):
    # Octal numbers are how a cookie in quotes spells what a header can't have.
    answer = Client(raise_request_exception=False).get("/login", headers={"Cookie": f'sessionid="{key}"'})

    assert answer.status_code == 200
    assert kept_errors._take() == {}


def test_a_session_is_kept_as_ever(admin_client):
    assert admin_client.get("/admin/").status_code == 200
    assert Session.objects.count() == 1
