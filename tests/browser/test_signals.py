"""The page of signals in a real browser: the list, new ones by the stream, and what the stream's end does."""

import json
import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import processed

STREAM = "**/signals/stream*"
STORED = ["Doji", "Doji"]


def event(number: int, pattern: str) -> str:
    """An event of the stream: a signal that is newer than all of the list."""
    one = {"id": 1_000 + number, "symbol": "TSLA", "timeframe": "1d", "timestamp": "2026-01-05T00:00:00Z", "bar": 1}
    one |= {"detector": "d", "pattern": pattern, "direction": "bullish", "strength": 1.0, "late": False}
    one |= {"revised": False, "withdrawn_at": None, "created_at": "2026-01-05T00:00:00Z"}
    return f"id: {number}\nevent: signal\ndata: {json.dumps(one)}\n\n"


def answer(route: Route, *events: str) -> None:
    route.fulfill(status=200, content_type="text/event-stream", body=": stream\nretry: 60000\n\n" + "".join(events))


@pytest.fixture
def signals(reader: Page) -> Page:
    """The page of a user; two signals are stored."""
    processed("TSLA", 2)
    return reader


def test_new_ones_come_on_top_of_those_of_the_list(signals, errors):
    signals.route(STREAM, lambda route: answer(route, event(1, "FIRST"), event(2, "SECOND")))

    signals.goto("/signals/")

    expect(signals.locator(".signal-row .pattern")).to_have_text(["SECOND", "FIRST", *STORED])
    assert errors == []


def test_what_comes_while_the_list_is_read_is_not_lost(signals, errors):
    signals.route(STREAM, lambda route: answer(route, event(1, "MEANWHILE")))

    def slowly(route: Route) -> None:
        found = route.fetch()
        time.sleep(1)  # longer than the page gathers new ones
        route.fulfill(response=found)

    signals.route("**/signals?*", slowly)

    signals.goto("/signals/")

    expect(signals.locator(".signal-row .pattern")).to_have_text(["MEANWHILE", *STORED])
    assert errors == []


def test_a_stream_that_was_answered_with_an_error_is_opened_again(signals):
    tries: list[int] = []

    def once_away(route: Route) -> None:
        tries.append(1)
        if len(tries) == 1:
            route.fulfill(status=503, body="{}")
        else:
            answer(route, event(1, "BACK"))

    signals.route(STREAM, once_away)

    signals.goto("/signals/")

    expect(signals.locator("#live")).to_have_text("Not live: the connection is being made again.")
    expect(signals.locator(".signal-row .pattern")).to_have_text(["BACK", *STORED], timeout=15_000)
