"""Operators' acts on the board in a real browser: each asks first, and says what it came to."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app.models import Alert, AlertState, Bar, Severity
from tests.browser.conftest import failed, set_aside, tickers, tile
from tests.conftest import row_of


def test_a_reset_asks_first_and_says_what_it_came_to(operator, complaints):
    symbol = failed("TSLA")
    operator.reload()

    tile(operator, "TSLA").get_by_role("button", name="Reset TSLA").click()
    question = operator.get_by_role("dialog", name="Reset TSLA?")
    expect(question).to_be_visible()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert row_of(symbol).attempts == 3  # nothing was done

    tile(operator, "TSLA").get_by_role("button", name="Reset TSLA").click()
    question.get_by_label("Why").fill("new detector")
    question.get_by_role("button", name="Reset").click()

    expect(operator.locator("#outcome")).to_contain_text("TSLA has been reset. TSLA is processing now.")
    expect(tile(operator, "TSLA")).to_contain_text("processing", timeout=2500)
    event = symbol.events.latest("id")
    assert (event.kind, event.actor, event.reason) == ("reset", "olga", "new detector")
    assert complaints == []


@pytest.mark.parametrize(
    ("act", "outcome", "left"), [("Replay", "replayed", "waiting"), ("Discard", "discarded", "discarded")]
)
def test_bars_in_quarantine_can_be_dealt_with(operator, act, outcome, left):
    set_aside("TSLA", bars=2)
    operator.reload()
    expect(tile(operator, "TSLA")).to_contain_text("2 bars set aside")

    tile(operator, "TSLA").get_by_role("button", name=act).click()
    question = operator.get_by_role("dialog", name=f"{act} 2 bars of TSLA?")
    question.get_by_role("button", name=act).click()

    expect(operator.locator("#outcome")).to_have_text(f"2 bars of TSLA have been {outcome}.")
    expect(tile(operator, "TSLA")).to_contain_text("processing", timeout=2500)
    assert {bar.status for bar in Bar.objects.all()} == {left}


def test_who_may_not_act_sees_no_way_to(reader):
    failed("TSLA")
    set_aside("IBM")
    reader.reload()
    expect(tickers(reader)).to_have_text(["TSLA", "IBM"])

    assert reader.locator("#board button").count() == 0
    assert reader.locator("dialog").count() == 0


def test_an_act_that_is_refused_says_why_and_leaves_the_question(operator):
    symbol = failed("TSLA")
    operator.reload()
    tile(operator, "TSLA").get_by_role("button", name="Reset").click()
    symbol.delete()

    operator.get_by_role("dialog").get_by_role("button", name="Reset").click()

    expect(operator.get_by_role("dialog").get_by_role("alert")).to_have_text("Symbol TSLA not found")


def test_an_act_after_ones_session_has_ended_says_that_nothing_was_done(operator):
    symbol = failed("TSLA")
    operator.reload()
    tile(operator, "TSLA").get_by_role("button", name="Reset").click()
    operator.context.clear_cookies()

    operator.get_by_role("dialog").get_by_role("button", name="Reset").click()

    expect(operator.get_by_role("dialog").get_by_role("alert")).to_contain_text("nothing was done")
    assert row_of(symbol).attempts == 3


def test_the_worst_alerts_are_above_the_board_and_can_be_acknowledged(operator, symbol, complaints):
    fired = {"state": AlertState.FIRING, "began_at": timezone.now(), "fired_at": timezone.now()}
    Alert.objects.create(
        rule="backlog", severity=Severity.WARNING, message="120,000 bars wait.", symbol=symbol, **fired
    )
    Alert.objects.create(
        rule="no_worker", severity=Severity.ERROR, message="Nobody consumes lane main.", subject="main", **fired
    )
    operator.reload()

    lines = operator.locator(".alert")
    expect(lines).to_contain_text(["Nobody consumes lane main.", "120,000 bars wait."])
    expect(operator.locator("#word")).to_have_text("Unhealthy")
    expect(lines.nth(1).get_by_role("link", name="TSLA")).to_have_attribute("href", "/symbols/TSLA/")

    lines.first.get_by_role("button", name="Acknowledge").click()
    operator.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()

    expect(lines.first).to_contain_text("seen by olga", timeout=2500)
    assert complaints == []
