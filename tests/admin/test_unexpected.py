"""Unexpected errors in the admin: the newest first, each with its last error."""

from datetime import timedelta

import pytest
from django.urls import reverse

from scanner_app.models import UnexpectedError
from tests.conftest import T0

pytestmark = pytest.mark.django_db

ERROR = "DataError: no such column <x>"


@pytest.fixture
def two_errors():
    """One of the web, and a later one of a task."""
    of_web = UnexpectedError.objects.create(
        source="web", name="500 to POST /bars", count=41, began_at=T0, last_at=T0 + timedelta(minutes=4), error=ERROR
    )
    later = T0 + timedelta(hours=1)
    of_a_task = UnexpectedError.objects.create(
        source="task", name="scanner.prune", count=1, began_at=later, last_at=later, error="KeyError: 'x'"
    )
    return of_web, of_a_task


def test_the_list_shows_the_newest_first_with_the_last_error_of_each(admin_client, two_errors):
    page = admin_client.get(reverse("admin:scanner_app_unexpectederror_changelist"))

    assert list(page.context["cl"].result_list) == [*reversed(two_errors)]
    text = page.content.decode()
    assert "500 to POST /bars" in text
    assert "no such column &lt;x&gt;" in text


def test_a_series_has_a_page(admin_client, two_errors):
    address = reverse("admin:scanner_app_unexpectederror_change", args=[two_errors[0].pk])

    text = admin_client.get(address).content.decode()

    assert "no such column &lt;x&gt;" in text
    assert "2024-05-31 14:34:00" in text, "when it was met last"


def test_the_list_is_a_tab(admin_client):
    address = reverse("admin:scanner_app_unexpectederror_changelist")

    assert f'href="{address}" aria-current="page"' in admin_client.get(address).content.decode()
