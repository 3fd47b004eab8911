"""The page of rules in a real browser: the editor, by keyboard too, trying out, why not, and watch lists."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Route, expect

from scanner_app.domain.enums import ChannelKind
from scanner_app.models import Hit, Rule, RuleFailure, SignalWorth, WatchList
from scanner_app.signals import channels, rules
from scanner_app.trader_rules.ready_made import DEFAULT_SET
from tests.browser.conftest import processed

CHECKED = "This can be a rule. It needs 5 bars."


@pytest.fixture
def page_of_rules(reader):
    reader.goto("/rules/")
    expect(reader.locator("#ready option")).not_to_have_count(0)
    return reader


def make_rule(name="Above", *, owner="rita", expression="close > 1", **values):
    user, _ = User.objects.get_or_create(username=owner)
    more = {"timeframes": ["1d"], **values}
    return rules.add(user, now=timezone.now(), name=name, expression=expression, **more)


def rule(page, name):
    return page.locator(".rule").filter(has_text=name)


def unexpected(errors):
    """Without the answers that say what is wrong with a condition."""
    return [one for one in errors if "rules/check" not in one and "400 (Bad Request)" not in one]


def test_a_rule_is_written_by_keyboard_checked_while_typed_and_saved(page_of_rules, errors):
    page = page_of_rules
    page.get_by_role("button", name="New rule").press("Enter")
    expect(page.get_by_label("Name").first).to_be_focused()
    page.keyboard.type("Above its average")
    page.keyboard.press("Tab")
    page.keyboard.type("close > sm")
    expect(page.locator("#words li")).to_have_text(["sma(of, bars) simple moving average"])

    page.keyboard.press("ArrowDown")
    expect(page.locator("#expression")).to_have_attribute("aria-activedescendant", "word-0")
    page.keyboard.press("Enter")
    page.keyboard.type("close, 5) and vol > 2")
    said = page.locator("#expression-said")
    expect(said).to_contain_text("character 27")
    expect(page.locator("#expression-place mark")).to_have_text("vol")
    expect(page.locator("#expression")).to_have_attribute("aria-invalid", "true")

    page.locator("#expression").fill("close > sma(close, 5)")
    expect(said).to_have_text(CHECKED)
    expect(page.locator("#expression-place")).to_be_hidden()
    page.get_by_label("1d", exact=True).check()
    page.get_by_label("After a hit").fill("30")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(rule(page, "Above its average")).to_contain_text("1d · all symbols · then silent for 30 min")
    stored = Rule.objects.get()
    assert (stored.expression, stored.timeframes, stored.cooldown_s) == ("close > sma(close, 5)", ["1d"], 1800)
    assert unexpected(errors) == []


def test_a_rule_shows_what_its_hits_were_worth_after_the_horizon_of_the_page(reader, errors):
    made, other = make_rule(), make_rule("Other")
    figures = {
        "rule_id": made.pk, "direction": "neutral", "timeframe": "1d", "count": 41, "clusters": 38, "mean_return": 0.01,
        "baseline_return": 0.01, "hit_rate": 0.48, "baseline_hit_rate": 0.47, "lift": 0, "verdict": "no_edge_shown",
    }  # fmt: skip
    for horizon in (1, 5):
        SignalWorth.objects.create(**figures, horizon=horizon, computed_at=timezone.now())

    reader.goto("/rules/")

    line = "41 times, 48 % up after 5 bars; without it 47 %: no edge shown"
    expect(rule(reader, made.name).locator(".worth-line")).to_have_text([line])
    expect(rule(reader, other.name).locator(".worth-line")).to_have_count(0)
    assert errors == []


def test_what_cannot_be_saved_is_said_with_its_field(page_of_rules):
    page_of_rules.get_by_role("button", name="New rule").click()
    page_of_rules.locator("#rule-name").fill("Nothing")
    page_of_rules.locator("#expression").fill("close >")
    page_of_rules.get_by_role("button", name="Save", exact=True).click()

    wrong = page_of_rules.locator("#editor-wrong")
    expect(wrong).to_contain_text("Condition: character")
    expect(wrong).to_contain_text("Looks at bars of:")
    expect(page_of_rules.locator("#expression")).to_be_focused()
    assert not Rule.objects.exists()


def test_a_condition_is_tried_on_stored_bars_with_links_to_them(reader):
    symbol = processed("AAPL", 8)
    reader.goto("/rules/")
    reader.get_by_role("button", name="New rule").click()
    reader.locator("#expression").fill("close > 0 and change_percent == 0 and high > 0")
    expect(reader.locator("#try-timeframe")).to_have_value("1d")  # the shortest that the first symbol has
    reader.locator("#try-symbol").fill("aapl")
    reader.get_by_role("button", name="Try it").click()

    tried = reader.locator("#tried")
    expect(tried).to_contain_text("Would have hit 0 times in the last 8 bars.")
    reader.locator("#expression").fill("close > previous('close', 1) or low == 0 or open < 0 or high < 0")
    reader.get_by_role("button", name="Try it").click()
    expect(tried).to_contain_text("in the last 8 bars.")

    reader.locator("#try-symbol").fill("NONE")
    reader.get_by_role("button", name="Try it").click()
    expect(tried).to_contain_text("NONE")
    assert symbol.bars.count() == 8


def test_a_ready_made_rule_is_copied_into_the_editor(page_of_rules):
    page_of_rules.get_by_label("or copy one").select_option(label="Golden cross")
    expect(page_of_rules.locator("#ready-meaning")).to_contain_text("crosses above")
    page_of_rules.get_by_role("button", name="Copy it").click()

    expect(page_of_rules.locator("#rule-name")).to_have_value("Golden cross")
    expect(page_of_rules.locator("#expression-said")).to_contain_text("This can be a rule.")
    page_of_rules.get_by_role("button", name="Save", exact=True).click()
    expect(rule(page_of_rules, "Golden cross")).to_be_visible()


def test_a_rule_is_switched_off_changed_and_deleted_after_a_question(reader):
    make_rule()
    reader.goto("/rules/")
    reader.get_by_role("button", name="Switch off Above").click()
    expect(rule(reader, "Above").locator(".mark").first).to_have_text("off")

    reader.get_by_role("button", name="Change Above").click()
    reader.locator("#rule-name").fill("Over")
    reader.get_by_role("button", name="Save", exact=True).click()
    expect(rule(reader, "Over")).to_be_visible()

    reader.get_by_role("button", name="Delete Over").click()
    expect(reader.get_by_role("button", name="Cancel").last).to_be_focused()
    reader.keyboard.press("Enter")
    assert Rule.objects.get().deleted_at is None
    reader.get_by_role("button", name="Delete Over").click()
    reader.locator("#sure-yes").click()
    expect(rule(reader, "Over")).to_have_count(0)
    assert Rule.objects.get().deleted_at is not None


def test_why_a_rule_holds_or_does_not_is_said_part_by_part(reader):
    processed("AAPL", 3)
    make_rule(expression="close > 1 and volume < 0")
    reader.goto("/rules/")
    rule(reader, "Above").get_by_text("Why, or why not?").click()
    rule(reader, "Above").get_by_label("Symbol").fill("AAPL")
    reader.get_by_role("button", name="Ask its newest bar").click()

    answer = rule(reader, "Above").locator(".answer")
    expect(answer).to_contain_text("On the 1d bar of AAPL of 2024-01-03 the rule does not hold.")
    expect(answer.locator("li")).to_have_count(2)
    expect(answer.locator("li").first).to_contain_text("holds")


def test_shared_rules_of_others_can_be_copied_but_not_changed(reader):
    make_rule("Theirs", owner="olga", shared=True)
    reader.goto("/rules/")

    expect(rule(reader, "Theirs")).to_contain_text("of olga")
    expect(rule(reader, "Theirs").get_by_role("button")).to_have_text(["Copy Theirs"])
    rule(reader, "Theirs").get_by_role("button", name="Copy").click()
    reader.get_by_role("button", name="Save", exact=True).click()
    expect(reader.locator("#own .rule")).to_contain_text("Theirs")


def add_channel(name, **values):
    url = f"ntfy://{name.replace(' ', '')}"
    return channels.add(name=name, kind=ChannelKind.APPRISE, url=url, by="root", now=timezone.now(), **values)[0]


def test_what_was_wrong_with_a_field_goes_when_that_field_is_changed(page_of_rules):
    page = page_of_rules
    page.get_by_role("button", name="New rule").click()
    page.get_by_role("button", name="Save", exact=True).click()
    wrong = page.locator("#editor-wrong")
    expect(wrong).to_contain_text("Looks at bars of: ")

    page.get_by_label("1d", exact=True).check()
    expect(wrong).not_to_contain_text("Looks at bars of: ")
    expect(wrong).to_contain_text("Name: ")

    page.locator("#rule-name").fill("Above")
    page.locator("#expression").fill("close > 1")
    expect(wrong).to_be_hidden()


def test_operators_are_told_where_channels_are_made(operator):
    add_channel("Desk")
    operator.goto("/rules/")
    operator.get_by_role("button", name="New rule").click()

    expect(operator.locator("#channels p")).to_contain_text("Channels are made by the API: POST")


def test_others_are_told_whom_to_ask_while_no_channel_is_shared(reader):
    reader.goto("/rules/")
    reader.get_by_role("button", name="New rule").click()
    expect(reader.locator("#channels p")).to_contain_text("an operator makes one")

    add_channel("Team", shared=True)
    reader.reload()
    reader.get_by_role("button", name="New rule").click()
    expect(reader.locator("#channels label")).to_have_text(["Team apprise"])
    expect(reader.locator("#channels p")).to_be_hidden()


def test_operators_choose_among_all_channels_and_others_among_the_shared_ones(operator):
    desk, team = add_channel("Desk"), add_channel("Team", shared=True)
    add_channel("Her phone")
    make_rule(owner="olga")
    operator.goto("/rules/")
    operator.get_by_role("button", name="Change Above").click()
    operator.get_by_label("Desk").check()
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(rule(operator, "Above")).to_contain_text("told by 1 channel")
    assert Rule.objects.get().channels == [desk.pk]

    User.objects.get(username="olga").user_permissions.clear()
    operator.reload()
    operator.get_by_role("button", name="Change Above").click()
    expect(operator.locator("#channels label")).to_have_text(["Desk apprise", "Team apprise"])  # what it names stays
    operator.get_by_label("Team").check()
    operator.locator("#rule-name").fill("Below")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(rule(operator, "Below")).to_contain_text("told by 2 channels")
    assert Rule.objects.get().channels == [desk.pk, team.pk]


def test_hits_of_the_last_days_are_counted_and_the_newest_leads_to_its_bar(reader):
    symbol = processed("AAPL", 1)
    bar = symbol.bars.get()
    stored = make_rule()
    about = {"rule_id": stored.pk, "symbol": symbol, "bar": bar, "timeframe": "1d", "values": {}}
    Hit.objects.create(timestamp=timezone.now(), created_at=timezone.now(), **about)
    reader.goto("/rules/")

    hits = rule(reader, "Above").locator(".hits")
    expect(hits).to_contain_text("1 hit of bars of the last 7 days, the newest AAPL 1d")
    assert hits.get_by_role("link").get_attribute("href") == f"/bars/{bar.pk}/"


def test_a_rule_that_failed_says_where_and_why(reader):
    stored = make_rule()
    now = timezone.now()
    about = {"rule_id": stored.pk, "symbol": processed("AAPL", 1), "timeframe": "1d", "revision": stored.revision}
    RuleFailure.objects.create(timestamp=now, at=now, error="ValueError: no such thing", **about)
    reader.goto("/rules/")

    expect(rule(reader, "Above").locator(".mark").first).to_have_text("failed")
    rule(reader, "Above").get_by_text("Failed on 1 series").click()
    expect(rule(reader, "Above")).to_contain_text("ValueError: no such thing")


def test_a_watch_list_is_made_chosen_in_a_rule_and_deleted(page_of_rules):
    page = page_of_rules
    page.locator("#list-name").fill("Coins")
    page.locator("#list-symbols").fill("btc/usd, *USDT\nbtc/usd")
    page.get_by_role("button", name="Save the list").click()
    expect(page.locator("[data-list]")).to_contain_text("BTC/USD, *USDT")
    assert WatchList.objects.get().symbols == ["BTC/USD", "*USDT"]

    page.get_by_role("button", name="New rule").click()
    expect(page.locator("#watchlist option")).to_have_text(["all symbols", "Coins"])
    page.get_by_role("button", name="Cancel").first.click()

    page.locator("#list-name").fill("Wrong")
    page.locator("#list-symbols").fill("A\\B")
    page.get_by_role("button", name="Save the list").click()
    expect(page.locator("#list-wrong")).to_contain_text("symbols:")

    page.get_by_role("button", name="Delete Coins").click()
    page.locator("#sure-yes").click()
    expect(page.locator("[data-list]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(reader, scheme):
    make_rule("A name of many words that a trader gave to a rule " * 2)
    make_rule("Theirs", owner="olga", shared=True)
    User.objects.filter(username="rita").update(is_staff=True, is_superuser=True)  # sees all that there is
    add_channel("Desk")
    reader.emulate_media(color_scheme=scheme)
    reader.set_viewport_size({"width": 320, "height": 700})
    reader.goto("/rules/")
    reader.get_by_role("button", name="New rule").click()
    reader.locator("#expression").press_sequentially("cl")
    expect(reader.locator("#words li")).not_to_have_count(0)
    reader.keyboard.press("ArrowDown")

    assert [one["id"] for one in Axe().run(reader).response["violations"]] == []
    assert reader.evaluate("document.documentElement.scrollWidth") <= 320


def test_who_has_no_rule_is_offered_the_default_set(page_of_rules, errors):
    page = page_of_rules
    offered = page.locator("#default-rules li")
    expect(offered).to_have_count(len(DEFAULT_SET))

    page.get_by_role("button", name="Add these rules").press("Enter")

    expect(page.locator("#own .rule")).to_have_count(len(DEFAULT_SET))
    expect(page.locator("#default-set")).to_be_hidden()
    assert set(Rule.objects.values_list("owner__username", flat=True)) == {"rita"}
    assert errors == []


def test_a_rule_that_is_changed_before_channels_and_watch_lists_are_read_keeps_its_own(operator):
    desk, _team = add_channel("Desk"), add_channel("Team")
    olga = User.objects.get(username="olga")
    narrow = WatchList.objects.create(owner=olga, name="Few", symbols=["AAPL"], created_at=timezone.now())
    Rule.objects.filter(pk=make_rule(owner="olga").pk).update(channels=[desk.pk], watchlist=narrow)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    operator.route(re.compile(r"/scanner/(channels/usable|watchlists\?)"), hold)
    operator.goto("/rules/")
    operator.get_by_role("button", name="Change Above").click()
    operator.locator("#rule-name").fill("Below")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(rule(operator, "Below")).to_contain_text("told by 1 channel")
    stored = Rule.objects.get()
    assert (stored.channels, stored.watchlist) == ([desk.pk], narrow)

    operator.get_by_role("button", name="Change Below").click()
    for route in held:
        route.continue_()
    expect(operator.get_by_label("Desk")).to_be_checked()
    expect(operator.get_by_label("Team")).not_to_be_checked()
    expect(operator.locator("#watchlist")).to_have_value(str(narrow.pk))
