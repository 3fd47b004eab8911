"""A bar's page in a real browser: found from the symbol's page, acted on by keyboard alone, on a phone."""

import pytest
from playwright.sync_api import expect

from scanner_app.models import Bar
from tests.browser.conftest import failed, processed, quarantined
from tests.browser.test_accessibility import serious


def test_a_signal_of_the_symbols_page_leads_to_its_bar(reader, errors):
    processed("BTC/USD", 1)
    reader.goto("/symbols/BTC/USD/")

    reader.locator("#signals tbody a").click()

    expect(reader.get_by_role("heading", level=1)).to_contain_text("BTC/USD 1d 2024-01-01")
    expect(reader.get_by_role("cell", name="CDLDOJI")).to_be_visible()
    expect(reader.get_by_role("button", name="Replay")).to_have_count(0)
    assert errors == []


def test_a_failures_text_is_shown_and_never_run(reader, errors):
    symbol = failed("TSLA")
    reader.goto(f"/bars/{Bar.objects.get(symbol=symbol, sequence=1).pk}/")

    expect(reader.locator("pre").first).to_contain_text("<img src=x onerror=alert(1)>")
    expect(reader.locator("img[src=x]")).to_have_count(0)
    assert errors == []


def test_an_operator_replays_a_bar_by_keyboard_alone(operator, errors):
    bar = Bar.objects.get(symbol=quarantined("IBM"))
    operator.goto(f"/bars/{bar.pk}/")

    operator.get_by_role("textbox", name="Reason").focus()
    operator.keyboard.type("the feed was mended")
    operator.keyboard.press("Tab")
    expect(operator.get_by_role("button", name="Replay")).to_be_focused()
    operator.keyboard.press("Enter")

    expect(operator.get_by_text("the feed was mended")).to_be_visible()
    expect(operator.get_by_role("button", name="Replay")).to_have_count(0)
    bar.refresh_from_db()
    assert (bar.status, bar.replayed) == ("waiting", True)
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone(operator, scheme):
    symbols = (failed("TSLA"), quarantined("IBM"), processed("AAPL", 1))
    bars = [Bar.objects.filter(symbol=one).earliest("id") for one in symbols]
    operator.emulate_media(color_scheme=scheme)
    operator.set_viewport_size({"width": 360, "height": 700})

    for bar in bars:
        operator.goto(f"/bars/{bar.pk}/")
        assert serious(operator) == []
        assert operator.evaluate("document.documentElement.scrollWidth") <= 360
