"""A symbol's page in a real browser: chart, explanation, timeline, failures, and the actions on it."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app import mailbox
from scanner_app.detectors import Direction, Finding
from scanner_app.domain.enums import AlertState, Severity
from scanner_app.engine import ingest
from scanner_app.models import Alert, Signal, Symbol, SymbolStatus
from tests.browser.conftest import failed, processed, quarantined, tickers, tile
from tests.conftest import make_symbol, new_bar, raw_bar, row_of, start_head


@pytest.mark.parametrize(
    ("ticker", "address"),
    [
        ("BTC/USD", "/symbols/BTC/USD/"),
        ("BRK B", "/symbols/BRK%20B/"),
        ("50%?#$&", "/symbols/50%25%3F%23%24%26/"),
        ("<IMG SRC=X ONERROR=ALERT(1)>", "/symbols/%3CIMG%20SRC%3DX%20ONERROR%3DALERT(1)%3E/"),
    ],
)
def test_a_click_on_the_board_opens_the_symbol_however_odd_its_ticker(operator, errors, live_server, ticker, address):
    processed(ticker, 2)
    operator.reload()

    tickers(operator).get_by_text(ticker, exact=True).click()

    expect(operator).to_have_url(live_server.url + address)
    expect(operator.get_by_role("heading", name=ticker, level=1)).to_be_visible()
    expect(operator.locator("#chart[data-bars='2']")).to_be_visible()
    operator.get_by_role("button", name="Disable", exact=True).click()
    expect(operator.get_by_role("heading", name=f"Disable {ticker}?")).to_be_visible()
    operator.locator("#ask [data-part=do]").click()
    expect(operator.locator("#outcome")).to_contain_text(f"{ticker} has been disabled")
    assert errors == []


def test_a_chart_shows_bars_without_a_known_volume_and_with_prices_below_zero(reader, errors):
    make_symbol("CL=F")
    mailbox.accept([new_bar("CL=F"), new_bar("CL=F", 1, low=-40.32, close=-37.63, volume=None)], now=timezone.now())

    reader.goto("/symbols/CL%3DF/")

    expect(reader.locator("#chart")).to_have_attribute("data-bars", "2")
    expect(reader.locator("#legend")).to_contain_text("O 10  H 12  L -40.32  C -37.63  V \N{EN DASH}")
    assert errors == []


def test_the_chart_draws_what_the_chosen_pattern_saw(reader, errors, settings):
    settings.SCANNER_DETECTORS = ["scanner_app.detectors.beyond_candles.RangeBreakout"]
    now = timezone.now()
    days = [new_bar("TSLA", day) for day in range(20)] + [new_bar("TSLA", 20, high=20, close=15)]
    make_symbol("TSLA")
    mailbox.accept(days, now=now)
    symbol = Symbol.objects.get()
    found = Finding(detector="range_breakout", pattern="RANGE_BREAKOUT", direction=Direction.BULLISH, strength=100)
    for day in range(21):
        mailbox.complete(start_head(symbol, now=now), [found] * (day == 20), now=now, run_s=0)
    reader.goto("/symbols/TSLA/")
    chart = reader.locator("#chart")
    expect(chart).to_have_attribute("data-lines", "0")

    reader.get_by_label("Pattern").select_option("RANGE_BREAKOUT")

    expect(chart).to_have_attribute("data-lines", "2")
    expect(reader.locator("#meaning")).to_contain_text("narrow range")
    reader.get_by_label("Pattern").select_option("")
    expect(chart).to_have_attribute("data-lines", "0")
    assert errors == []


def test_the_chart_shows_bars_with_their_signals_and_follows_them(reader, errors):
    symbol = processed("TSLA", 30)
    reader.goto("/symbols/TSLA/")
    chart = reader.locator("#chart")
    expect(chart).to_have_attribute("data-bars", "30")
    expect(chart).to_have_attribute("data-marks", "30")
    colours = reader.evaluate(
        # Some of the canvas is in the colours of rising candles and marks.
        """() => { const canvas = document.querySelector('#chart canvas');
          const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const seen = new Set();
          for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i+1]},${data[i+2]}`);
          return [...seen]; }"""
    )
    assert "11,127,107" in colours  # --up
    expect(reader.locator("#legend")).to_contain_text("2024-01-30  O 10  H 12  L 9  C 11  V 1,000  ▲ Doji")
    expect(reader.locator("#signals tbody tr").first).to_contain_text("Doji CDLDOJI")

    processed("TSLA", 1, first=30, pattern="CDLHAMMER")

    expect(chart).to_have_attribute("data-bars", "31", timeout=4000)
    expect(reader.locator("#legend")).to_contain_text("▲ Hammer")
    reader.get_by_label("Pattern").select_option("CDLHAMMER")
    expect(chart).to_have_attribute("data-marks", "1")
    expect(reader.locator("#meaning")).to_contain_text("A small body at the top of a long lower shadow")
    assert row_of(symbol).bars_processed == 31
    assert errors == []


def test_the_bar_that_forms_is_drawn_hollow_named_and_followed(reader, errors):
    processed("TSLA", 3)
    opens = timezone.now()
    bar = raw_bar(timestamp=opens.isoformat(), closed=False, close=10.5)
    ingest.accept([bar], now=opens)
    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#chart")).to_have_attribute("data-bars", "3")
    expect(reader.locator("#chart")).to_have_attribute("data-forming", "1")
    expect(reader.locator("#legend")).to_contain_text("C 10.5  V 1,000  Forming")
    expect(reader.locator("#chart-words")).to_contain_text("The hollow bar at the right is forming")
    expect(reader.locator("#head")).to_contain_text("10.5 (1d)")

    ingest.accept([bar | {"close": 11.5}], now=timezone.now())
    expect(reader.locator("#legend")).to_contain_text("C 11.5  V 1,000  Forming")
    ingest.accept([bar | {"close": 11.5, "closed": True}], now=timezone.now())

    expect(reader.locator("#chart")).to_have_attribute("data-forming", "0", timeout=15_000)
    assert errors == []


def test_the_timeframe_can_be_changed(reader):
    processed("TSLA", 3)
    mailbox.accept([new_bar(timeframe="1h")], now=timezone.now())
    reader.goto("/symbols/TSLA/")
    expect(reader.get_by_role("button", name="1h")).to_have_attribute("aria-pressed", "true")
    expect(reader.locator("#chart")).to_have_attribute("data-bars", "1")

    reader.get_by_role("button", name="1d").click()

    expect(reader.locator("#chart")).to_have_attribute("data-bars", "3")
    expect(reader.get_by_role("button", name="1d")).to_have_attribute("aria-pressed", "true")


def test_a_symbols_page_shows_cause_next_step_and_traceback(reader, errors):
    failed("TSLA")

    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#head")).to_contain_text("Failed")
    expect(reader.locator("#head .countdown")).to_have_text(re.compile(r"in \d+ s"))
    expect(reader.locator("#explain")).to_contain_text("ValueError: <img src=x onerror=alert(1)>")
    expect(reader.locator("#timeline")).to_contain_text("The breaker opened")
    failures = reader.locator("#failures li")
    expect(failures).to_have_count(3)
    failures.first.locator("summary").click()
    expect(failures.first.locator("pre")).to_contain_text("ValueError: <img src=x onerror=alert(1)>")
    reader.wait_for_timeout(3000)
    expect(failures.first.locator("pre")).to_be_visible()  # what changes around it does not shut it
    assert errors == []


def test_a_symbol_without_bars_says_so_in_each_part(reader, errors):
    make_symbol("TSLA")

    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#chart-words")).to_have_text("No bars yet: the chart begins with the first one.")
    expect(reader.locator("#failures")).to_have_text("No attempt has failed.")
    expect(reader.locator("#quarantine")).to_have_text("No bar is in quarantine.")
    assert errors == []


@pytest.mark.parametrize(
    ("action", "outcome", "kind"),
    [
        ("Reset", "has been reset", "reset"),
        ("Skip the bar", "has skipped its first bar", "skipped"),
        ("Disable", "has been disabled", "disabled"),
    ],
)
def test_an_operators_action_is_done_and_recorded_with_its_reason(operator, errors, action, outcome, kind):
    symbol = failed("TSLA")
    operator.goto("/symbols/TSLA/")

    operator.get_by_role("button", name=action, exact=True).click()
    question = operator.get_by_role("dialog")
    question.get_by_label("Reason").fill("split today")
    question.get_by_role("button", name=action, exact=True).click()

    expect(operator.locator("#outcome")).to_contain_text(f"TSLA {outcome}")
    event = symbol.events.get(kind=kind)
    assert (event.actor, event.reason) == ("olga", "split today")
    expect(operator.locator("#timeline")).to_contain_text("split today")
    assert errors == []


def test_a_disabled_symbol_can_be_enabled(operator):
    symbol = make_symbol("TSLA")
    mailbox.disable(symbol, by="olga", now=timezone.now())
    operator.goto("/symbols/TSLA/")
    expect(operator.locator("#head")).to_contain_text("Disabled")
    expect(operator.get_by_role("button", name="Disable", exact=True)).to_be_hidden()

    operator.get_by_role("button", name="Enable", exact=True).click()
    operator.get_by_role("dialog").get_by_role("button", name="Enable").click()

    expect(operator.locator("#head")).to_contain_text("Processing")
    assert Symbol.objects.get().enabled


def test_a_bar_in_quarantine_can_be_replayed_and_another_discarded(operator, errors):
    symbol = quarantined("TSLA", bars=2)
    operator.goto("/symbols/TSLA/")
    entries = operator.locator("#quarantine li")
    expect(entries).to_have_count(2)

    entries.first.get_by_role("button", name="Replay").click()
    operator.get_by_role("dialog", name="Replay the bar of 2024-01-02?").get_by_role("button", name="Replay").click()
    expect(operator.locator("#outcome")).to_have_text("The bar of 2024-01-02 has been replayed.")
    expect(entries).to_have_count(1)
    entries.first.get_by_role("button", name="Discard").click()
    operator.get_by_role("dialog").get_by_role("button", name="Discard").click()

    expect(operator.locator("#quarantine")).to_have_text("No bar is in quarantine.")
    assert {entry.resolution for entry in symbol.quarantine.all()} == {"replayed", "discarded"}
    assert errors == []


def test_without_the_permission_no_actions_are_shown(reader):
    quarantined("TSLA")
    reader.goto("/symbols/TSLA/")
    expect(reader.locator("#quarantine li")).to_have_count(1)

    assert reader.locator("main button:not(#timeframes button)").count() == 0


def test_anonymous_users_see_the_public_status_and_where_to_sign_in_for_the_rest(page, settings):
    settings.SCANNER_PUBLIC_STATUS = True
    processed("TSLA", 1)

    page.goto("/symbols/TSLA/")

    expect(page.locator("#head")).to_contain_text("Processing")
    expect(page.locator("#chart-words")).to_have_text("Sign in to see the chart.")
    expect(page.locator("#failures").get_by_role("link", name="Sign in")).to_have_attribute(
        "href", "/login/?next=%2Fsymbols%2FTSLA%2F"
    )


def test_a_symbol_deleted_meanwhile_is_reported(reader):
    symbol = make_symbol("TSLA")
    reader.goto("/symbols/TSLA/")
    expect(reader.locator("#head")).to_contain_text("Processing")

    Symbol.objects.filter(pk=symbol.pk).update(deleted_at=timezone.now())

    expect(reader.locator("#notice")).to_have_text("Symbol TSLA not found")


def test_with_the_keyboard_alone_from_the_filter_to_the_symbol_and_its_reset(operator):
    symbol = failed("TSLA")
    processed("AAPL", 1)
    operator.reload()
    expect(tickers(operator)).to_have_count(2)

    operator.keyboard.press("/")
    operator.keyboard.type("tsl")
    expect(tickers(operator)).to_have_text(["TSLA"])
    operator.keyboard.press("Tab")
    expect(operator.get_by_label("Show")).to_be_focused()
    operator.keyboard.press("Tab")
    expect(operator.get_by_label("Order")).to_be_focused()
    operator.keyboard.press("Tab")
    expect(tile(operator, "TSLA").get_by_role("link")).to_be_focused()
    operator.keyboard.press("Enter")
    expect(operator).to_have_url(re.compile("/symbols/TSLA/$"))
    expect(operator.get_by_role("button", name="Reset", exact=True)).to_be_visible()
    for _ in range(24):
        operator.keyboard.press("Tab")
        if operator.evaluate("document.activeElement.dataset.action") == "reset":
            break
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("dialog").get_by_role("button", name="Reset")).to_be_focused()
    operator.keyboard.press("Enter")

    expect(operator.locator("#outcome")).to_contain_text("TSLA has been reset")
    expect(operator.get_by_role("button", name="Reset", exact=True)).to_be_focused()  # as before the dialog
    assert row_of(symbol).attempts == 0


def test_the_focus_stays_with_a_tile_that_changes_its_place(reader):
    for ticker in ("AAPL", "TSLA"):
        processed(ticker, 1)
    reader.reload()
    tile(reader, "TSLA").get_by_role("link").focus()

    failed("TSLA", first=1)

    expect(tickers(reader)).to_have_text(["TSLA", "AAPL"])
    expect(tile(reader, "TSLA").get_by_role("link")).to_be_focused()


def test_a_bar_that_waits_for_minutes_counts_down_in_minutes(reader):
    failed("TSLA")
    reader.goto("/symbols/TSLA/")
    expect(reader.locator("#head .countdown")).to_be_visible()

    words = reader.evaluate(
        """() => { const one = document.querySelector('.countdown'); one.dataset.at = Date.now() + 125_000;
          return new Promise((done) => setTimeout(() => done(one.textContent), 600)); }"""
    )

    assert re.fullmatch(r"in 2 min 0[3-6] s", words)


def test_actions_that_make_no_sense_are_not_offered(operator):
    processed("AAPL", 1)
    operator.goto("/symbols/AAPL/")
    expect(operator.locator("#explain .can")).to_contain_text("Disable")
    expect(operator.get_by_role("button", name="Disable", exact=True)).to_be_visible()
    expect(operator.get_by_role("button", name="Reset", exact=True)).to_be_hidden()
    expect(operator.get_by_role("button", name="Skip the bar")).to_be_hidden()

    failed("AAPL", first=1)

    expect(operator.get_by_role("button", name="Reset", exact=True)).to_be_visible()
    expect(operator.get_by_role("button", name="Skip the bar")).to_be_visible()


def test_a_symbols_alert_comes_first_in_its_explanation(reader):
    symbol, now = processed("AAPL", 1), timezone.now()
    Alert.objects.create(
        rule="slow_symbol",
        severity=Severity.WARNING,
        symbol=symbol,
        state=AlertState.FIRING,
        message="AAPL: its p95 latency is 412 ms, over 200 ms.",
        began_at=now,
        fired_at=now,
    )

    reader.goto("/symbols/AAPL/")

    expect(reader.locator("#explain .summary")).to_contain_text("AAPL: its p95 latency is 412 ms, over 200 ms. Idle:")
    expect(reader.locator("#explain")).not_to_contain_text("in order")
    reader.get_by_role("link", name="the runbook on slow_symbol").click()
    expect(reader).to_have_url(re.compile("/runbook/slow_symbol/$"))


def test_the_head_names_calendar_and_gaps_and_strengths_are_rounded(reader):
    symbol = processed("AAPL", 1)
    Signal.objects.update(strength=75.61234)
    Symbol.objects.filter(pk=symbol.pk).update(calendar="XETR")
    SymbolStatus.objects.filter(symbol=symbol).update(gaps=3)

    reader.goto("/symbols/AAPL/")

    expect(reader.locator("#head")).to_contain_text("XETR")
    expect(reader.locator("#head [data-tone=warn]")).to_have_text("Gaps3")
    expect(reader.locator("#signals td.number")).to_have_text("75.6")


@pytest.mark.parametrize("width", [390, 820, 1024, 1280])
def test_nothing_in_the_head_overlaps_or_is_cut_off(operator, width):
    failed("TSLA")
    SymbolStatus.objects.update(
        last_bar_time=datetime(2024, 1, 5, 15, 30, tzinfo=UTC), bars_processed=1_234_567, p95_latency_ms=1234
    )
    operator.set_viewport_size({"width": width, "height": 900})
    operator.goto("/symbols/TSLA/")
    expect(operator.get_by_role("button", name="Reset", exact=True)).to_be_visible()

    boxes = operator.locator("#head dt, #head dd, #head h1, #head .state, .symbol-head button:visible").evaluate_all(
        """(all) => all.map((one) => { const range = document.createRange(); range.selectNodeContents(one);
          const {left, right, top, bottom} = range.getBoundingClientRect(); return [left, right, top, bottom]; })"""
    )

    for place, (left, right, top, bottom) in enumerate(boxes):
        assert 0 <= left <= right <= width
        for other_left, other_right, other_top, other_bottom in boxes[place + 1 :]:
            apart = right <= other_left + 1 or other_right <= left + 1 or bottom <= other_top + 1
            assert apart or other_bottom <= top + 1


def test_a_phone_shows_all_of_a_signal(reader):
    processed("TSLA", 2, pattern="CDLGAPSIDESIDEWHITE")
    reader.set_viewport_size({"width": 360, "height": 800})
    reader.goto("/symbols/TSLA/")
    row = reader.locator("#signals").get_by_role("row").nth(1)
    name = "Up-gap side-by-side white lines"
    expect(row.get_by_role("cell")).to_have_text(
        ["2024-01-02", "1d", f"{name} CDLGAPSIDESIDEWHITE", "bullish", "100.0", "candlesticks"]
    )

    edges = row.get_by_role("cell").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().right)")

    assert max(edges) <= 360 - 12
    assert reader.locator("#signals .scroll").evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_neutral_has_one_sign_in_tile_table_and_chart(reader):
    with transaction.atomic():  # the open board looks at a signal once
        processed("TSLA", 1)
        Signal.objects.update(direction="neutral")
    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#legend")).to_contain_text("● Doji")
    expect(reader.locator("#chart-words")).to_contain_text("● neutral")
    expect(reader.locator("#signals .signal circle")).to_have_count(1)

    reader.goto("/")
    expect(tile(reader, "TSLA").locator(".signal circle")).to_have_count(1)


def of_chart(page, expression):
    """The value of an expression that uses chart.js as `module`."""
    own = "document.querySelector('script[type=module]').src.replace(/symbol[^/]*$/, 'chart.js')"
    return page.evaluate(f"async () => {{ const module = await import({own}); return {expression}; }}")


@pytest.mark.parametrize(
    ("signals", "direction"),
    [
        ([("bullish", 100)], "bullish"),
        ([("bullish", 80), ("bearish", 100)], "bearish"),
        ([("bullish", 100), ("bullish", 100), ("bearish", 100)], "bullish"),
        ([("bullish", 100), ("bearish", 100)], "neutral"),
        ([("neutral", 1), ("bullish", 0.5)], "neutral"),
    ],
)
def test_a_bar_has_one_mark_and_the_strongest_signal_decides_its_direction(reader, signals, direction):
    processed("TSLA", 1)
    reader.goto("/symbols/TSLA/")
    found = json.dumps([{"direction": way, "strength": strength} for way, strength in signals])

    assert of_chart(reader, f"module.leading({found})") == direction


def test_two_signals_of_a_bar_are_one_mark_and_the_axis_of_prices_ends_at_zero(reader):
    symbol = processed("TSLA", 2)
    first = symbol.signals.earliest("id")
    first.pk, first.pattern, first.direction = None, "CDLHAMMER", "bearish"
    first.save()
    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#chart")).to_have_attribute("data-marks", "2")
    expect(reader.locator("#legend")).to_contain_text("Doji")
    assert of_chart(reader, "module.Chart.prototype.price.call({negative: false}, -1)") == ""
    assert of_chart(reader, "module.Chart.prototype.price.call({negative: true}, -1)") == "-1"
