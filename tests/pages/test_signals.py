"""The page of signals: what the server gives; how it works is tried in tests/browser."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app.signals import watchlists

pytestmark = pytest.mark.django_db


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/signals/").url == "/login/?next=/signals/"


def test_ones_own_and_shared_watch_lists_can_be_chosen(client):
    rita, olga = (User.objects.create_user(name) for name in ("rita", "olga"))
    for owner, name, shared in ((rita, "Mine", False), (olga, "Shared", True), (olga, "Secret", False)):
        watchlists.add(owner, name=name, symbols=[], shared=shared, now=timezone.now())
    client.force_login(rita)

    page = client.get("/signals/").content.decode()

    assert ">Mine</option>" in page
    assert ">Shared</option>" in page
    assert "Secret" not in page
    assert '<a href="/signals/" aria-current="page">Signals</a>' in page
