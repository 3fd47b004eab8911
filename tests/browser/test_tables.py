"""Tables with long words: on a wide screen and on a phone no column is out of sight."""

from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from scanner_app.models import ProcessingFailure, Signal
from tests.browser.conftest import failed, processed
from tests.browser.test_accessibility import serious
from tests.pages.test_worth import store

LONG = "package_of_detectors.with_a_long_name"


def hidden_columns(page):
    """The widths of the scroll containers whose content is wider than they are, as pairs: content, container."""
    return page.eval_on_selector_all(
        ".scroll, .wide",
        "all => all.map((one) => [one.scrollWidth, one.clientWidth]).filter(([content, box]) => content > box)",
    )


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("address", ["/detectors/", "/worth/", "/symbols/AAPL/"])
def test_no_column_is_out_of_sight(operator, address, width):
    failed("TSLA")
    ProcessingFailure.objects.update(detector=LONG, error_type="SomeVeryLongErrorOfALibrary", place=f"{LONG}:41 detect")
    processed("AAPL", 5, pattern="CDLSEPARATINGLINES")
    Signal.objects.update(detector="scanner_app.candlesticks", late=True)
    store("CDLSEPARATINGLINES", low=0.001, verdict="edge", detector="scanner_app.candlesticks")
    operator.set_viewport_size({"width": width, "height": 900})

    operator.goto(address)
    expect(operator.locator("main table").first).to_be_visible()

    assert hidden_columns(operator) == []
    assert operator.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(operator) == []


@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_of_a_history_shows_all_columns(page, tmp_path, width):
    prices = 100 + np.cumsum(np.random.default_rng(3).normal(0, 1, 300))
    days = [date(2022, 1, 1) + timedelta(days=place) for place in range(300)]
    lines = [
        f"{day},{price:.2f},{price + 1:.2f},{price - 1:.2f},{price:.2f},1"
        for day, price in zip(days, prices, strict=True)
    ]
    bars, report = tmp_path / "ACME.csv", tmp_path / "report.html"
    bars.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines]))
    call_command("history", str(bars), html=report, rule=["close > sma(close, 5)"], stdout=StringIO())
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(report.as_uri())
    expect(page.locator("table").first).to_be_visible()

    assert hidden_columns(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
