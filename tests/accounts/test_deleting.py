"""A user is deleted by an administrator, with what is his alone."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scanner_app.feeds.hooks import store
from scanner_app.models import Rule, WatchList

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_user_with_rules_watch_lists_and_hooks_can_be_deleted(admin_client: Client) -> None:
    rita = User.objects.create_user("rita")
    WatchList.objects.create(owner=rita, name="mine", symbols=["TSLA"], created_at=NOW)
    Rule.objects.create(
        owner=rita, name="up", expression="close > open", timeframes=["1d"], created_at=NOW, changed_at=NOW
    )
    store.make(rita, name="bot", mapping={}, now=NOW)

    answer = admin_client.post(f"/admin/auth/user/{rita.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 302, answer.content.decode()
    assert not User.objects.filter(pk=rita.pk).exists()
    assert not Rule.objects.exists()
    assert not WatchList.objects.exists()
