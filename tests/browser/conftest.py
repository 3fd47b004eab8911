"""A real Chromium, pages that record every error, and users of each kind."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.models import Symbol, SymbolStatus
from scanner_app.reading.board import Board
from tests.conftest import accept_days, fail_head, start_head

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here: they need the browser, and a database that the server's thread can read."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))
            reason = "no Chromium on the path: apt-get install chromium"
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason=reason))


@pytest.fixture(scope="session")
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


@pytest.fixture(autouse=True)
def fresh_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """No snapshot of another test's symbols."""
    monkeypatch.setattr("scanner_app.api.board.BOARD", Board())


@pytest.fixture
def errors() -> list[str]:
    """The errors that the browser reported: in the console, as exceptions, in answers."""
    return []


def listen(page: Page, errors: list[str]) -> None:
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda answer: errors.append(f"{answer.status} {answer.url}") if answer.status > 399 else None)


@pytest.fixture
def context(chromium: Any, live_server: Any) -> Iterator[Any]:
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 800}, timezone_id="America/New_York"
    )
    yield context
    context.close()


@pytest.fixture
def page(context: Any, errors: list[str]) -> Page:
    page: Page = context.new_page()
    listen(page, errors)
    return page


def as_user(page: Page, name: str, live_server: Any, *permissions: str) -> Page:
    """The board for a new user who is signed in."""
    user = User.objects.create_user(name, password="made up")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto("/")
    return page


@pytest.fixture
def reader(page: Page, live_server: Any) -> Page:
    """The page of a user without the permission to operate symbols."""
    return as_user(page, "rita", live_server)


@pytest.fixture
def operator(page: Page, live_server: Any) -> Page:
    """The page of a user who may operate symbols, but is not staff."""
    return as_user(page, "olga", live_server, "operate_symbol")


def failed(ticker: str, *, first: int = 0) -> Symbol:
    """A symbol whose breaker has just opened, on its bar of the `first`-th day; another one waits."""
    now = timezone.now()
    accept_days(ticker, 2, first=first, now=now - timedelta(minutes=5))
    symbol = Symbol.objects.get(ticker=ticker)
    fail_head(symbol, 3, now=now, error=ValueError("<img src=x onerror=alert(1)>"))
    return symbol


def processed(ticker: str, days: int, *, first: int = 0, pattern: str = "CDLDOJI") -> Symbol:
    """A symbol whose bars are done, with a signal on each."""
    now = timezone.now()
    accept_days(ticker, days, first=first, now=now)
    symbol = Symbol.objects.get(ticker=ticker)
    finding = Finding(detector="candlesticks", pattern=pattern, direction=Direction.BULLISH, strength=100)
    for _ in range(days):
        mailbox.complete(start_head(symbol, now=now), [finding], now=now + timedelta(milliseconds=30), run_s=0)
    took(symbol, days, 30)
    return symbol


def took(symbol: Symbol, bars: int, ms: int) -> None:
    """The latency figures of so many bars: those that the tests accept are history, which has none."""
    SymbolStatus.objects.filter(symbol=symbol).update(
        latencies=[[ms, int(timezone.now().timestamp())]] * bars,
        avg_latency_ms=ms,
        p95_latency_ms=ms,
        longest_latency_ms=ms,
    )


def quarantined(ticker: str, bars: int = 1) -> Symbol:
    """A symbol whose first bars are in quarantine."""
    accept_days(ticker, bars, now=timezone.now())
    symbol = Symbol.objects.get(ticker=ticker)
    for _ in range(bars):
        mailbox.quarantine_head(start_head(symbol, now=timezone.now()), BarUnusable("a low of 0"), now=timezone.now())
    return symbol


def tickers(page: Page) -> Any:
    return page.locator(".tile .name a")


def tile(page: Page, ticker: str) -> Any:
    return page.locator(f'.tile[data-ticker="{ticker}"]')
