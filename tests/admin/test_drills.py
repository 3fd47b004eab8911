from datetime import timedelta

import pytest
from django.urls import reverse

from scanner_app.messaging import heartbeats, sweep_memory
from scanner_app.models import Drill
from tests.conftest import T0

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)

STEPS = [{"step": "notice", "state": "failed", "at": "2024-05-31T14:30:40.000Z", "detail": "not sent by <mail>"}]


@pytest.fixture
def two_drills():
    """One that proved the alarm path, and a later one that failed."""
    common = {
        "scheduled": False,
        "actor": "olga",
        "began_at": T0,
        "seen_at": T0,
        "ended_at": T0 + timedelta(seconds=40),
    }
    proven = Drill.objects.create(**common, proven=True)
    failed = Drill.objects.create(**common, failed_step="notice", detail="not sent by <mail>", steps=STEPS)
    return proven, failed


def test_the_list_shows_what_each_drill_has_shown_newest_first(admin_client, two_drills):
    page = admin_client.get(reverse("admin:scanner_app_drill_changelist"))

    assert list(page.context["cl"].result_list) == [*reversed(two_drills)]
    assert "not sent by &lt;mail&gt;" in page.content.decode()


def test_a_drills_page_has_its_steps(admin_client, two_drills):
    page = admin_client.get(reverse("admin:scanner_app_drill_change", args=[two_drills[1].pk])).content.decode()

    assert "2024-05-31T14:30:40.000Z" in page
    assert "<mail>" not in page


def test_the_start_page_says_what_the_last_drill_has_shown(admin_client, two_drills, monkeypatch):
    monkeypatch.setattr(heartbeats, "read_all", dict)
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: None)
    page = admin_client.get(reverse("admin:index")).content.decode()

    assert "failed at notice: not sent by &lt;mail&gt;; alarm path last proven" in page
