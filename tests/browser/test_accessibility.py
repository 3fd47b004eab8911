"""Accessibility: axe finds nothing serious, in light and dark, and nothing is wider than a phone."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app import mailbox
from scanner_app.domain.enums import AlertState, Severity
from scanner_app.models import Alert, Symbol
from tests.browser.conftest import failed, processed, quarantined, tickers
from tests.conftest import accept_days, fail_head, make_symbol


def everything():
    """A symbol in each state, and an alert of each severity."""
    now = timezone.now()
    failed("TSLA")
    quarantined("IBM", bars=2)
    processed("AAPL", 20)
    accept_days("MSFT", 1, now=now)
    fail_head(Symbol.objects.get(ticker="MSFT"), now=now + timedelta(seconds=60))
    mailbox.disable(make_symbol("BTC/USD"), by="olga", now=now)
    for severity in list(Severity):
        Alert.objects.create(
            rule="backlog",
            severity=severity,
            subject=severity,
            state=AlertState.FIRING,
            message=f"An alert: {severity}.",
            began_at=now,
            fired_at=now,
        )


def serious(page):
    """The serious and critical violations that axe finds."""
    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(operator, scheme):
    everything()
    operator.emulate_media(color_scheme=scheme)
    operator.goto("/")
    expect(tickers(operator)).to_have_count(5)
    assert serious(operator) == []

    operator.get_by_role("button", name="Reset TSLA").click()
    assert serious(operator) == []

    for ticker in ("TSLA", "IBM", "AAPL"):
        operator.goto(f"/symbols/{ticker}/")
        expect(operator.locator("#explain .summary")).to_be_visible()
        expect(operator.locator("#chart[data-bars]")).to_be_visible()
        for summary in operator.locator("summary").all():
            summary.click()
        assert serious(operator) == []

    for address in ("/symbols/NONE/", "/runbook/no_worker/"):
        operator.goto(address)
        assert serious(operator) == []
    operator.context.clear_cookies()
    operator.goto("/login/")
    assert serious(operator) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_is_wider_than_a_small_screen(operator, width):
    everything()
    operator.set_viewport_size({"width": width, "height": 800})
    operator.goto("/")
    expect(tickers(operator)).to_have_count(5)
    assert operator.evaluate("document.documentElement.scrollWidth") <= width

    operator.goto("/symbols/TSLA/")
    expect(operator.locator("#failures pre").first).to_be_attached()
    expect(operator.locator("#chart[data-bars]")).to_be_visible()
    operator.locator("#failures summary").first.click()
    assert operator.evaluate("document.documentElement.scrollWidth") <= width


def test_a_failure_is_announced_once_and_figures_are_not(operator):
    processed("TSLA", 1)
    operator.goto("/")
    expect(tickers(operator)).to_have_count(1)
    spoken = operator.locator("#spoken")
    assert spoken.inner_text() == ""

    failed("TSLA", first=1)

    expect(spoken).to_have_text("Failed: TSLA")
    live = operator.locator("[role=status], [role=alert], [aria-live]").evaluate_all(
        "(all) => all.filter((one) => one.textContent).map((one) => one.id)"
    )
    assert set(live) <= {"word", "spoken"}
