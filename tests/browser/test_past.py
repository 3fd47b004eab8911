"""The page that looks back in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app.models import Symbol
from tests.browser.conftest import as_user, failed
from tests.browser.test_accessibility import serious
from tests.browser.test_tables import hidden_columns


def time_of_a_failed_symbol():
    """The time (UTC) as text just after TSLA's breaker has opened."""
    failed("TSLA")
    Symbol.objects.update(created_at=timezone.now() - timedelta(hours=1))
    return timezone.now().replace(tzinfo=None).isoformat()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_looks_back_and_compares_by_keyboard_and_the_page_is_accessible(operator, errors, scheme):
    at = time_of_a_failed_symbol()
    operator.emulate_media(color_scheme=scheme)
    operator.get_by_role("link", name="Looking back").focus()
    operator.keyboard.press("Enter")

    operator.get_by_label("Time (UTC)").fill(at)
    operator.keyboard.press("Enter")
    expect(operator.locator("[data-symbol=TSLA]")).to_contain_text("failed")
    assert serious(operator) == []
    operator.get_by_label("Threshold").fill("5")
    operator.keyboard.press("Enter")

    expect(operator.get_by_text("With threshold 5, ")).to_be_visible()
    expect(operator.locator("[data-symbol=TSLA]")).to_be_visible()
    assert serious(operator) == []
    assert errors == []


@pytest.mark.parametrize("width", [1400, 360])
def test_no_column_is_out_of_sight_on_a_wide_screen_and_on_a_phone(page, live_server, width):
    at = time_of_a_failed_symbol()
    page.set_viewport_size({"width": width, "height": 740})
    as_user(page, "stan", live_server, "operate_symbol")

    page.goto(f"/past/?at={at}&threshold=5")
    expect(page.locator("[data-symbol=TSLA]")).to_be_visible()

    assert hidden_columns(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
