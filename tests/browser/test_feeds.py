"""Live feeds and hooks in a real browser: the board's line, the page of feeds, a symbol's holes, the page of hooks."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.models import Feed, Gap, Hook
from tests.browser.conftest import as_user, processed
from tests.browser.test_accessibility import serious


@pytest.fixture
def beats(monkeypatch):
    """The heartbeats of feeds, as Redis would have them."""
    found: dict[str, live_feeds.Heartbeat] = {}
    monkeypatch.setattr(live_feeds, "read", lambda _: dict(found))
    return found


def beat(state, **more):
    now = timezone.now() + timedelta(hours=1)  # not old while the test runs
    fields = {"series": 2, "live": 1, "lag_s": 0.4, "last_message_at": timezone.now(), **more}
    return live_feeds.Heartbeat(at=now, venue="binance", state=state, **fields)


@pytest.fixture
def feed(db, beats):
    beats["binance"] = beat(FeedState.CATCHING_UP)
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT,ETHUSDT@1m")


def hole(feed, symbol, **values):
    now = timezone.now()
    more = {"timeframe": "1m", "first": now - timedelta(minutes=9), "last": now - timedelta(minutes=6), "missing": 4}
    more |= {"found_at": now, "cause": "reconnect", "refilled": 1, "next_ask_at": now + timedelta(minutes=5)}
    return Gap.objects.create(symbol=symbol, feed=feed, **{**more, **values})


def test_the_board_shows_each_feed_and_follows_it(reader, feed, beats, errors):
    hole(feed, processed("BTCUSDT", 2))
    line = reader.locator("#feeds li")

    expect(line).to_contain_text("catching up")
    expect(line).to_contain_text("1 of 2 series live · lag 0.4 s · 1 open hole")
    beats["binance"] = beat(FeedState.DOWN, last_error="<img src=x onerror=alert(1)>")
    expect(line.locator(".mark")).to_have_text("down")
    expect(line).to_contain_text("<img src=x")
    reader.get_by_role("link", name="Live feeds").click()
    expect(reader.get_by_role("heading", name="Live feeds", level=1)).to_be_visible()
    assert errors == []


def test_without_a_feed_the_board_has_no_line(reader, errors):
    processed("TSLA", 2)
    expect(reader.locator(".tile")).to_have_count(1)

    expect(reader.locator("#feeds")).to_be_empty()
    assert errors == []


def test_a_symbols_page_shows_its_holes_and_the_days_summary(reader, feed, errors):
    symbol = processed("BTCUSDT", 2)
    hole(feed, symbol)
    hole(feed, symbol, missing=1, refilled=0, state="empty", next_ask_at=None)

    reader.goto("/symbols/BTCUSDT/")

    expect(reader.locator("#holes .summary")).to_have_text(
        "Today: 2 holes of 5 bars, 1 refilled, 1 empty by the venue, 3 still missing."
    )
    expect(reader.locator("#holes .hole")).to_have_count(2)
    expect(reader.locator("#holes .hole[data-state=open]")).to_contain_text(
        "1 of 4 bars refilled, reconnect, asked again"
    )
    assert errors == []


def test_a_symbol_without_holes_has_no_such_part(reader, errors):
    processed("TSLA", 2)

    reader.goto("/symbols/TSLA/")

    expect(reader.locator("#chart[data-bars='2']")).to_be_visible()
    expect(reader.locator("#holes-part")).to_be_hidden()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_manages_feeds_and_holes_and_the_page_is_accessible(operator, feed, errors, scheme):
    hole(feed, processed("BTCUSDT", 2))
    operator.emulate_media(color_scheme=scheme)
    operator.goto("/feeds/")

    operator.get_by_label("Tickers and timeframes").last.fill("xrpusdt@60m")
    operator.get_by_label("Name (optional)").fill("second")
    operator.get_by_role("button", name="Add the feed").click()
    expect(operator.locator("[data-feed=second]")).to_contain_text("binance:XRPUSDT@1h")
    operator.get_by_role("button", name="Disable second").click()
    expect(operator.locator("[data-feed=second]")).to_have_attribute("data-state", "disabled")
    for summary in operator.locator("main summary").all():
        summary.click()
    assert serious(operator) == []
    operator.get_by_role("button", name="Give up the hole of BTCUSDT").click()
    expect(operator.locator("#holes")).to_have_count(0)

    assert Gap.objects.get().state == "given_up"
    assert Feed.objects.get(name="second").enabled is False
    assert errors == []


def test_the_page_of_feeds_follows_what_happens_and_leaves_what_is_in_use_alone(operator, feed, beats, errors):
    symbol = processed("BTCUSDT", 2)
    row = hole(feed, symbol)
    operator.goto("/feeds/")
    card = operator.locator("[data-feed=binance]")
    give_up = operator.get_by_role("button", name="Give up the hole of BTCUSDT")
    give_up.focus()

    beats["binance"] = beat(FeedState.DOWN, live=0, last_error="<b>gone")
    Gap.objects.filter(pk=row.pk).update(refilled=3)
    expect(card.locator(".mark")).to_have_text("down")
    expect(card).to_contain_text("<b>gone")
    expect(operator.locator("#holes")).to_have_text("Open holes: 1")
    expect(give_up).to_be_focused()
    assert "1 of 4" in operator.locator("tbody tr").inner_text()  # it is in use

    card.locator("summary", has_text="Change").click()
    card.get_by_label("Tickers and timeframes").fill("XRPUSDT@1m")
    hole(feed, symbol, timeframe="5m")
    beats["binance"] = beat(FeedState.LIVE)
    expect(card.locator(".mark")).to_have_text("live")
    expect(operator.locator("#holes")).to_have_text("Open holes: 2")
    expect(operator.locator("tbody tr")).to_have_count(2)
    expect(operator.locator("tbody")).to_contain_text("3 of 4")
    expect(card.get_by_label("Tickers and timeframes")).to_be_focused()
    expect(card.get_by_label("Tickers and timeframes")).to_have_value("XRPUSDT@1m")
    card.get_by_role("button", name="Change it").click()  # its token is as good as the newest
    expect(card).to_contain_text("binance:XRPUSDT@1m")
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_hook_is_made_and_its_address_and_text_can_be_copied(page, live_server, errors, scheme):
    feeder = as_user(page, "fred", live_server, "add_bar")
    feeder.emulate_media(color_scheme=scheme)
    feeder.get_by_role("link", name="Webhooks").click()

    feeder.get_by_label("Name", exact=True).fill("my charts")
    feeder.get_by_role("button", name="Make the webhook").click()
    address = feeder.get_by_label("The new address").input_value()
    assert "/hooks/scanner_hook_" in address
    assert '"ticker": "{{ticker}}"' in feeder.get_by_label("The text of the message").input_value()
    for summary in feeder.locator("main summary").all():
        summary.click()
    assert serious(feeder) == []
    feeder.get_by_role("button", name="Remove it").click()

    expect(feeder.get_by_text("You have no webhooks.")).to_be_visible()
    assert not Hook.objects.exists()
    assert errors == []


@pytest.mark.parametrize("address", ["/", "/feeds/", "/hooks/", "/symbols/BTCUSDT/"])
def test_nothing_is_wider_than_a_phone(page, live_server, feed, address):
    hole(feed, processed("BTCUSDT", 2), last_error="a long error " * 20)
    page.set_viewport_size({"width": 360, "height": 740})
    as_user(page, "stan", live_server, "add_bar", "operate_symbol")

    page.goto(address)
    expect(page.locator("#feeds li, #holes .hole, main form").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
