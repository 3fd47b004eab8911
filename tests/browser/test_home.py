"""The home page in a real browser: what it shows, and that it keeps itself up to date."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect, sync_playwright

from scanner_app import mailbox
from scanner_app.models import Symbol
from tests.conftest import accept_days, fail_head, make_symbol

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # Playwright runs an event loop in this thread; Django would take the tests for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: errors in the console, exceptions, requests that went wrong."""
    return []


@pytest.fixture
def page(chromium: Any, live_server: Any, complaints: list[str]) -> Iterator[Page]:
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status > 399 else None
    )
    yield page
    context.close()


@pytest.fixture
def signed_in(page: Page) -> Page:
    User.objects.create_user("tom", password="made up")
    page.goto("/")
    page.get_by_label("Username").fill("tom")
    page.get_by_label("Password").fill("made up")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def failed(ticker: str) -> Symbol:
    now = timezone.now()
    accept_days(ticker, 2, now=now - timedelta(minutes=5))
    symbol = Symbol.objects.get(ticker=ticker)
    fail_head(symbol, 3, now=now, error=ValueError("<img src=x onerror=alert(1)>"))
    return symbol


def tickers(page: Page) -> Any:
    return page.locator("#rows th")


def test_it_shows_every_symbol_with_those_in_trouble_on_top_and_no_complaint(signed_in, complaints):
    make_symbol("AAPL")
    failed("TSLA")
    mailbox.disable(make_symbol("MSFT"), by="olga", now=timezone.now())

    signed_in.reload()

    expect(tickers(signed_in)).to_have_text(["TSLA", "AAPL", "MSFT"])
    trouble = signed_in.locator("#rows tr").first
    expect(trouble.locator("[data-cell=state]")).to_have_text("failed")
    expect(trouble.locator("[data-cell=breaker]")).to_have_text("open")
    expect(trouble.locator("[data-cell=failures]")).to_have_text("3")
    expect(trouble.locator("[data-cell=backlog]")).to_have_text("2")
    expect(trouble.locator("[data-cell=next]")).to_have_text(re.compile(r"in \d+ s"))
    expect(signed_in.locator("#rows tr").nth(2).locator("[data-cell=state]")).to_have_text("disabled")
    expect(signed_in.locator("#overall")).to_have_text("Degraded")
    expect(signed_in.locator("#failed")).to_have_text("1")
    assert complaints == []


def test_an_errors_text_is_shown_as_text_and_never_as_markup(signed_in, complaints):
    failed("TSLA")

    signed_in.reload()

    error = signed_in.locator("#rows [data-cell=error]")
    expect(error).to_have_text("ValueError: <img src=x onerror=alert(1)>")
    assert error.locator("img").count() == 0
    assert complaints == []


def test_a_change_appears_within_seconds_without_a_reload(signed_in):
    symbol = failed("TSLA")
    signed_in.reload()
    signed_in.evaluate("window.stillTheSamePage = true")
    expect(signed_in.locator("#rows [data-cell=state]")).to_have_text("failed")

    mailbox.reset(symbol, by="olga", now=timezone.now())
    make_symbol("AAPL")

    expect(tickers(signed_in)).to_have_text(["AAPL", "TSLA"])
    expect(signed_in.locator("#rows [data-cell=state]").last).to_have_text("processing")
    assert signed_in.evaluate("window.stillTheSamePage")


def test_an_unchanged_status_is_not_sent_again(signed_in):
    make_symbol("AAPL")
    signed_in.reload()
    expect(tickers(signed_in)).to_have_text(["AAPL"])

    with signed_in.expect_response("**/scanner/status") as answer:
        pass

    assert answer.value.status == 304


def test_a_scanner_without_symbols_says_how_to_begin(signed_in, complaints):
    expect(signed_in.get_by_role("heading", name="No symbols yet")).to_be_visible()
    expect(signed_in.locator("#table-card")).to_be_hidden()
    assert complaints == []


def test_a_lost_connection_is_told_and_forgotten_when_it_is_back(signed_in):
    make_symbol("AAPL")
    signed_in.reload()
    expect(tickers(signed_in)).to_have_text(["AAPL"])

    signed_in.route("**/scanner/status", lambda route: route.abort())
    expect(signed_in.get_by_role("alert")).to_contain_text("Connection lost.")
    expect(tickers(signed_in)).to_have_text(["AAPL"])

    signed_in.unroute("**/scanner/status")
    expect(signed_in.get_by_role("alert")).to_be_hidden()


def test_an_error_of_the_server_is_told_with_its_number(signed_in):
    signed_in.route("**/scanner/status", lambda route: route.fulfill(status=503))

    expect(signed_in.get_by_role("alert")).to_contain_text("error 503")


def test_who_has_been_signed_out_is_told_so_and_can_sign_in_again(signed_in):
    make_symbol("AAPL")
    signed_in.reload()
    expect(tickers(signed_in)).to_have_text(["AAPL"])

    signed_in.context.clear_cookies()

    expect(signed_in.get_by_role("alert")).to_contain_text("You have been signed out.")
    signed_in.get_by_role("link", name="Sign in again").click()
    expect(signed_in.get_by_label("Username")).to_be_visible()


def test_a_symbol_is_found_by_part_of_its_ticker(signed_in):
    for ticker in ("AAPL", "BRK.B", "TSLA"):
        make_symbol(ticker)
    signed_in.reload()

    signed_in.get_by_label("Find").fill("brk")

    expect(tickers(signed_in)).to_have_text(["BRK.B"])

    signed_in.get_by_label("Find").fill("xyz")
    expect(signed_in.get_by_text("No symbol has “XYZ” in its ticker")).to_be_visible()


def test_strangers_see_a_public_status(page, settings, complaints):
    settings.SCANNER_PUBLIC_STATUS = True
    make_symbol("AAPL")

    page.goto("/")

    expect(tickers(page)).to_have_text(["AAPL"])
    assert complaints == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_is_wider_than_a_small_screen(signed_in, width):
    failed("TSLA")
    signed_in.set_viewport_size({"width": width, "height": 800})
    signed_in.reload()
    expect(tickers(signed_in)).to_have_text(["TSLA"])

    assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
