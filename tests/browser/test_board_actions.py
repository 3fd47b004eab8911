"""Operators' actions on the board in a real browser: each asks for confirmation and shows its outcome."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app.domain.enums import AlertState, Severity
from scanner_app.models import Alert, Bar, SymbolEvent, SymbolStatus
from tests.browser.conftest import failed, processed, quarantined, tickers, tile
from tests.conftest import row_of


def test_a_reset_asks_for_confirmation_and_shows_its_outcome(operator, errors):
    symbol = failed("TSLA")
    operator.reload()

    tile(operator, "TSLA").get_by_role("button", name="Reset TSLA").click()
    question = operator.get_by_role("dialog", name="Reset TSLA?")
    expect(question).to_be_visible()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert row_of(symbol).attempts == 3  # nothing was done

    tile(operator, "TSLA").get_by_role("button", name="Reset TSLA").click()
    question.get_by_label("Reason").fill("new detector")
    question.get_by_role("button", name="Reset").click()

    expect(operator.locator("#outcome")).to_contain_text("TSLA has been reset. TSLA is processing now.")
    expect(tile(operator, "TSLA")).to_contain_text("processing", timeout=2500)
    event = symbol.events.latest("id")
    assert (event.kind, event.actor, event.reason) == ("reset", "olga", "new detector")
    assert errors == []


@pytest.mark.parametrize(
    ("action", "outcome", "left"), [("Replay", "replayed", "waiting"), ("Discard", "discarded", "discarded")]
)
def test_bars_in_quarantine_can_be_replayed_and_discarded(operator, action, outcome, left):
    quarantined("TSLA", bars=2)
    operator.reload()
    expect(tile(operator, "TSLA")).to_contain_text("2 bars in quarantine")

    tile(operator, "TSLA").get_by_role("button", name=action).click()
    question = operator.get_by_role("dialog", name=f"{action} 2 bars of TSLA?")
    question.get_by_role("button", name=action).click()

    expect(operator.locator("#outcome")).to_have_text(f"2 bars of TSLA have been {outcome}.")
    expect(tile(operator, "TSLA")).to_contain_text("processing", timeout=2500)
    assert {bar.status for bar in Bar.objects.all()} == {left}


def test_without_the_permission_no_actions_are_shown(reader):
    failed("TSLA")
    quarantined("IBM")
    reader.reload()
    expect(tickers(reader)).to_have_text(["TSLA", "IBM"])

    assert reader.locator("#board button").count() == 0
    assert reader.locator("dialog").count() == 0


def test_a_refused_action_shows_the_reason_and_the_dialog_stays(operator):
    symbol = failed("TSLA")
    operator.reload()
    tile(operator, "TSLA").get_by_role("button", name="Reset").click()
    symbol.delete()

    operator.get_by_role("dialog").get_by_role("button", name="Reset").click()

    expect(operator.get_by_role("dialog").get_by_role("alert")).to_have_text("Symbol TSLA not found")


def test_an_action_after_the_session_has_ended_says_that_nothing_was_done(operator):
    symbol = failed("TSLA")
    operator.reload()
    tile(operator, "TSLA").get_by_role("button", name="Reset").click()
    operator.context.clear_cookies()

    operator.get_by_role("dialog").get_by_role("button", name="Reset").click()

    expect(operator.get_by_role("dialog").get_by_role("alert")).to_contain_text("nothing was done")
    assert row_of(symbol).attempts == 3


def test_the_worst_alerts_are_above_the_board_and_can_be_acknowledged(operator, symbol, errors):
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

    seen = lines.filter(has_text="Nobody consumes lane main.")
    expect(seen).to_contain_text("acknowledged by olga", timeout=2500)
    assert errors == []


def fired(number, **values):
    """Firing alerts about no symbol."""
    now = timezone.now()
    for place in range(number):
        fields = {"severity": Severity.WARNING, "subject": f"{place}", "message": f"Alert {place}.", **values}
        Alert.objects.create(rule="backlog", state=AlertState.FIRING, began_at=now, fired_at=now, **fields)


def test_an_alert_is_silenced_for_some_minutes_with_a_reason_and_the_silence_ended(operator, errors):
    fired(1)
    operator.reload()
    line = operator.locator(".alert")

    line.get_by_role("button", name="Silence").click()
    question = operator.get_by_role("dialog", name="Silence this alert?")
    question.get_by_label("minutes").fill("0")
    question.get_by_role("button", name="Silence").click()
    expect(question).to_be_visible()  # 0 would end a silence: the browser asks for at least 1
    question.get_by_label("minutes").fill("90")
    question.get_by_label("Reason").fill("maintenance")
    question.get_by_role("button", name="Silence").click()

    expect(operator.locator("#outcome")).to_have_text("The alert has been silenced.")
    expect(line.locator(".more")).to_have_text("silenced", timeout=2500)
    alert = Alert.objects.get()
    assert alert.silenced_until is not None
    assert (alert.silenced_by, alert.silence_reason) == ("olga", "maintenance")
    assert 5300 < (alert.silenced_until - timezone.now()).total_seconds() <= 5400

    line.get_by_role("button", name="End the silence").click()
    question = operator.get_by_role("dialog", name="End the silence of this alert?")
    expect(question.get_by_label("minutes")).to_be_hidden()
    question.get_by_role("button", name="End the silence").click()
    expect(line.locator(".more")).to_have_count(0, timeout=2500)
    assert Alert.objects.get().silenced_until is None
    assert errors == []


def test_acknowledged_alerts_come_after_the_others(operator):
    fired(1, severity=Severity.ERROR, acknowledged_at=timezone.now(), acknowledged_by="olga", message="Known.")
    fired(1, severity=Severity.INFO, subject="new", message="New.")
    operator.reload()

    expect(operator.locator(".alert .message")).to_contain_text(["New.", "Known."])


def test_users_of_the_admin_find_the_other_alerts_there(operator):
    fired(9)
    operator.reload()

    operator.get_by_role("link", name="3 more alerts").click()

    expect(operator.locator("#result_list tbody tr")).to_have_count(9)
    expect(operator).to_have_url(re.compile(r"/admin/scanner_app/alert/\?state=firing$"))


def test_all_others_unfold_the_other_alerts(page, live_server, settings, errors):
    settings.SCANNER_PUBLIC_STATUS = True
    fired(9)
    page.goto("/")
    expect(page.locator(".alert .message")).to_have_count(6)

    page.get_by_role("button", name="Show 3 more alerts").click()

    expect(page.locator(".alert .message")).to_have_count(9)
    expect(page.get_by_role("button", name="Silence")).to_have_count(0)
    assert errors == []


def test_all_that_fail_with_one_error_are_shown_alone_and_reset_together(operator, errors):
    failed("TSLA")
    failed("AAPL")
    other = failed("IBM")
    SymbolStatus.objects.filter(symbol=other).update(last_error="KeyError: 'x'")
    operator.reload()
    expect(operator.locator(".verdict")).to_contain_text("; failed: AAPL, IBM, TSLA")

    operator.get_by_label("Show").select_option("failing with ValueError")
    expect(tickers(operator)).to_have_text(["AAPL", "TSLA"])
    operator.get_by_role("button", name="Reset all of these").click()
    question = operator.get_by_role("dialog", name="Reset: 2 symbols, failing with ValueError?")
    expect(question).to_contain_text("AAPL, TSLA")
    assert row_of(other).attempts == 3
    assert all(row.attempts == 3 for row in SymbolStatus.objects.all()), "a dry run changes nothing"
    question.get_by_label("Reason").fill("new detector")
    question.get_by_role("button", name="Reset").click()

    expect(operator.locator("#outcome")).to_have_text("Done with 2 symbols.")
    assert sorted(SymbolStatus.objects.filter(attempts=0).values_list("symbol__ticker", flat=True)) == ["AAPL", "TSLA"]
    event = SymbolEvent.objects.filter(kind="reset").order_by("id")[0]
    assert (event.reason, (event.detail or {})["filter"]) == ("new detector", {"error_type": "ValueError"})
    assert errors == []


def test_what_is_shown_alone_is_in_the_address(operator):
    failed("TSLA")
    processed("AAPL", 1)
    operator.reload()

    operator.get_by_label("Show").select_option("failed")
    expect(tickers(operator)).to_have_text(["TSLA"])
    expect(operator).to_have_url(re.compile(r"/\?show=failed$"))
    operator.reload()
    expect(tickers(operator)).to_have_text(["TSLA"])

    operator.get_by_label("Show").select_option("retrying now")
    expect(operator.locator("#found")).to_have_text("0 of 2")


def test_a_symbol_is_silenced_and_disabled_for_a_time_on_its_page(operator, errors):
    symbol = processed("TSLA", 1)
    operator.goto("/symbols/TSLA/")

    operator.get_by_role("button", name="Silence").click()
    question = operator.get_by_role("dialog", name="Silence TSLA?")
    question.get_by_label("For how many minutes").fill("30")
    question.get_by_role("button", name="Silence").click()
    expect(operator.locator("#outcome")).to_have_text("TSLA has been silenced.")
    silence = symbol.silences.get()
    assert (silence.rule, silence.created_by) == ("", "olga")

    operator.get_by_role("button", name="Disable for a time").click()
    question = operator.get_by_role("dialog", name="Disable TSLA for a time?")
    question.get_by_role("button", name="Disable").click()
    expect(operator.locator("#outcome")).to_contain_text("TSLA has been disabled.")
    expect(operator.locator("#head .state")).to_contain_text("until ")
    symbol.refresh_from_db()
    assert symbol.disabled_until is not None
    assert errors == []
