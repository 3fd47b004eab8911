from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.admin.base import EMPTY
from scanner_app.domain import enums
from scanner_app.domain.enums import EventKind
from scanner_app.messaging import publisher
from scanner_app.models import CircuitBreaker, Symbol, SymbolEvent, SymbolStatus
from scanner_app.reading import status
from tests.admin.conftest import messages_of, sent_from
from tests.conftest import accept_days, fail_head, make_symbol, new_bar, row_of, snapshot

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/symbol/"


def act(browser, action, *symbols, **more):
    values = {"action": action, "_selected_action": [symbol.pk for symbol in symbols], "index": 0, **more}
    return browser.post(LIST, values, follow=True)


def failing(ticker="TSLA", failures=1, waiting=1):
    accept_days(ticker, 1 + waiting)
    symbol = Symbol.objects.get(ticker=ticker)
    fail_head(symbol, failures)
    return symbol


def last_event(symbol):
    return SymbolEvent.objects.filter(symbol=symbol).order_by("-id").first()


def test_reset_closes_the_breaker_and_publishes_the_head_and_tells_who_and_why(
    browser, published, django_capture_on_commit_callbacks
):
    symbol = failing(failures=3)
    published.clear()

    with django_capture_on_commit_callbacks(execute=True):
        answer = act(browser, "reset", symbol, reason=" prices are there ")

    assert messages_of(answer) == [("success", "Reset: TSLA.")]
    assert CircuitBreaker.objects.get(symbol=symbol).failures == 0
    assert [(message.ticker, message.sequence, message.retries) for message, _, _ in published] == [("TSLA", 1, 0)]
    event = last_event(symbol)
    assert (event.kind, event.actor, event.reason) == (EventKind.RESET, "olga", "prices are there")


def test_skip_puts_the_head_into_quarantine(browser):
    symbol = failing(waiting=1)

    answer = act(browser, "skip", symbol)

    assert messages_of(answer) == [("success", "Skipped the waiting bar of: TSLA.")]
    assert (row_of(symbol).cursor, row_of(symbol).head) == (1, 2)
    assert (last_event(symbol).kind, last_event(symbol).actor) == (EventKind.SKIPPED, "olga")


def test_skip_of_a_symbol_without_a_head_is_a_warning_and_keeps_no_other_from_being_skipped(browser):
    idle, waiting = make_symbol("AAPL"), failing("TSLA")
    before = snapshot(idle)

    answer = act(browser, "skip", idle, waiting)

    assert messages_of(answer) == [
        ("success", "Skipped the waiting bar of: TSLA."),
        ("warning", "No bar in flight, so nothing to skip: AAPL."),
    ]
    assert snapshot(idle) == before
    assert row_of(waiting).cursor == 1


def test_disable_and_enable_switch_the_symbol_and_leave_an_event_each(browser, symbol):
    act(browser, "disable", symbol)
    assert Symbol.objects.get(pk=symbol.pk).enabled is False
    assert (last_event(symbol).kind, last_event(symbol).actor) == (EventKind.DISABLED, "olga")

    act(browser, "enable", symbol)
    assert Symbol.objects.get(pk=symbol.pk).enabled is True
    assert (last_event(symbol).kind, last_event(symbol).actor) == (EventKind.ENABLED, "olga")


def test_an_act_on_one_symbol_changes_no_other(browser):
    chosen, other = failing("AAPL"), failing("TSLA")
    before = snapshot(other)

    act(browser, "reset", chosen)

    assert snapshot(other) == before


def test_each_symbol_is_an_act_of_its_own_so_one_that_breaks_undoes_no_other(browser, monkeypatch):
    first, second = failing("AAPL"), failing("TSLA")
    reset = mailbox.reset

    def break_on_the_second(symbol, **more):
        if symbol == second:
            raise RuntimeError("the database is away")
        reset(symbol, **more)

    monkeypatch.setattr(mailbox, "reset", break_on_the_second)
    with pytest.raises(RuntimeError, match="the database is away"):
        act(browser, "reset", first, second)

    assert row_of(first).attempts == 0
    assert row_of(second).attempts == 1


@pytest.mark.parametrize("permission", [None, "add_bar"])
def test_who_may_not_operate_can_not_act_through_the_admin(client, permission):
    symbol = failing()
    user = User.objects.create_user("eve")
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)
    before = snapshot(symbol)

    answer = client.post(LIST, {"action": "reset", "_selected_action": [symbol.pk], "index": 0})

    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")
    assert snapshot(symbol) == before


def test_an_act_that_there_is_not_changes_nothing(browser):
    symbol = failing()
    before = snapshot(symbol)

    act(browser, "delete_selected", symbol, post="yes")

    assert snapshot(symbol) == before


def in_every_state():
    """A symbol of each row of the design's table, by the time of the test."""
    now = timezone.now()
    make_symbol("FINE")
    fail_head(_waiting("RETRYING", now), 1, now=now)
    fail_head(_waiting("OPEN", now), 3, now=now - timedelta(seconds=5))
    fail_head(_waiting("PROBING", now), 3, now=now - timedelta(minutes=2))
    mailbox.disable(make_symbol("OFF"), by="olga", now=now)
    fail_head(off_and_open := _waiting("OFF.OPEN", now), 3, now=now - timedelta(seconds=5))
    mailbox.disable(off_and_open, by="olga", now=now)


def _waiting(ticker, now):
    accept_days(ticker, 2, now=now - timedelta(minutes=5))
    return Symbol.objects.get(ticker=ticker)


def listed(browser, **query):
    return [symbol.ticker for symbol in browser.get(LIST, query).context["cl"].result_list]


@pytest.mark.parametrize(
    ("query", "tickers"),
    [
        ({"state": "processing"}, ["FINE"]),
        ({"state": "paused"}, ["OFF", "OFF.OPEN", "PROBING", "RETRYING"]),
        ({"state": "failed"}, ["OPEN"]),
        ({"breaker": "closed"}, ["FINE", "OFF", "RETRYING"]),
        ({"breaker": "open"}, ["OFF.OPEN", "OPEN"]),
        ({"breaker": "half_open"}, ["PROBING"]),
        ({"enabled__exact": "0"}, ["OFF", "OFF.OPEN"]),
        ({"q": "off"}, ["OFF", "OFF.OPEN"]),
    ],
)
def test_a_filter_chooses_by_state_breaker_or_ticker(browser, query, tickers):
    in_every_state()

    assert listed(browser, **query) == tickers


def test_the_state_filter_agrees_with_the_state_that_is_shown(browser):
    in_every_state()

    shown = {one.symbol: one.state for one in status.overview(timezone.now()).symbols}

    for state in enums.SymbolState:
        assert listed(browser, state=state) == [ticker for ticker, its in shown.items() if its is state]


def test_the_list_tells_state_breaker_failures_backlog_and_last_error(browser):
    fail_head(_waiting("OPEN", timezone.now()), 3, now=timezone.now(), error=ValueError("<b>no good</b>"))

    page = browser.get(LIST).content.decode()

    assert '<span class="badge badge-bad">failed</span>' in page
    assert '<span class="badge badge-bad">open</span>' in page
    failures, waiting = (
        "/admin/scanner_app/processingfailure/?q=OPEN",
        "/admin/scanner_app/bar/?q=OPEN&amp;status=waiting",
    )
    assert f'<td class="field-failures_in_a_row"><a href="{failures}">3</a></td>' in page
    assert f'<td class="field-backlog"><a href="{waiting}">2</a></td>' in page
    assert "ValueError: &lt;b&gt;no good&lt;/b&gt;" in page
    assert "<b>no good</b>" not in page


def test_without_a_latency_the_list_shows_a_dash_and_no_zero(browser, symbol):
    assert f'<td class="field-p95">{EMPTY}</td>' in browser.get(LIST).content.decode()

    SymbolStatus.objects.update(avg_latency_ms=31.4, p95_latency_ms=1234)
    page = browser.get(LIST).content.decode()

    assert '<td class="field-average">31 ms</td>' in page
    assert '<td class="field-p95">1,234 ms</td>' in page


def test_a_symbol_that_is_being_deleted_is_hidden(browser, symbol):
    Symbol.objects.filter(pk=symbol.pk).update(deleted_at=timezone.now())

    assert listed(browser) == []


def test_a_symbols_page_leads_to_its_rows(browser, symbol):
    page = browser.get(f"{LIST}{symbol.pk}/change/").content.decode()

    for name in ("bar", "signal", "processingfailure", "quarantinedbar", "symbolevent", "notification"):
        assert f'href="/admin/scanner_app/{name}/?q=TSLA"' in page


def test_the_list_takes_as_many_queries_for_forty_symbols_as_for_one(browser, queries_of):
    make_symbol("S0")
    one = queries_of(LIST)
    for number in range(1, 40):
        make_symbol(f"S{number}")

    forty = queries_of(LIST)

    assert len(forty) == len(one)
    assert len(forty) <= 11, "\n".join(forty)


def test_a_symbols_page_tells_attempts_stage_next_attempt_and_lane(browser):
    symbol = failing(failures=2)
    soon = timezone.now() + timedelta(minutes=5)
    symbol.status.__class__.objects.update(next_attempt_at=soon, stage="hold", lane="slow")

    page = browser.get(f"{LIST}{symbol.pk}/change/").content.decode()

    for label, value in {
        "Failed attempts:": "2",
        "Stage:": "hold: the bar is not at fault",
        "Next attempt (UTC):": f"{soon:%Y-%m-%d %H:%M:%S}",
        "Lane:": "slow",
    }.items():
        assert value in page.split(f"<label>{label}</label>")[1].split("</div>")[0].strip()


@pytest.fixture
def removals(monkeypatch):
    """The symbols whose rows the upkeep worker was asked to remove."""
    asked: list[int] = []
    monkeypatch.setattr(publisher, "publish_removal", asked.append)
    return asked


def test_a_deletion_asks_first_naming_the_symbols_and_their_waiting_bars(browser, removals):
    idle, waiting = make_symbol("AAPL"), failing("TSLA", waiting=1)
    before = snapshot(idle), snapshot(waiting)

    page = act(browser, "delete", idle, waiting, reason="delisted").content.decode()

    assert "Delete 2 symbols?" in page
    assert "<dd>AAPL, TSLA</dd>" in page
    assert "<dd>2: TSLA (2)</dd>" in page
    assert "Delete the 2 waiting bars too" in page
    assert 'value="delisted"' in page
    assert (snapshot(idle), snapshot(waiting)) == before
    assert Symbol.objects.filter(deleted_at=None).count() == 2
    assert removals == []


def test_without_waiting_bars_there_is_nothing_to_force(browser, symbol):
    page = act(browser, "delete", symbol).content.decode()

    assert "Delete 1 symbol?" in page
    assert "<dd>none</dd>" in page
    assert 'name="force"' not in page


def test_a_confirmed_deletion_hides_the_symbols_and_refuses_those_with_waiting_bars(
    browser, removals, django_capture_on_commit_callbacks
):
    idle, waiting = make_symbol("AAPL"), failing("TSLA")
    before = snapshot(waiting)

    with django_capture_on_commit_callbacks(execute=True):
        answer = act(browser, "delete", idle, waiting, reason="delisted", confirmed="yes")

    assert messages_of(answer) == [("success", "Deleted: AAPL."), ("warning", "Bars wait, so not deleted: TSLA.")]
    assert list(Symbol.objects.filter(deleted_at=None)) == [waiting]
    assert snapshot(waiting) == before
    assert removals == [idle.pk]
    event = last_event(idle)
    assert (event.kind, event.actor, event.reason) == ("deleted", "olga", "delisted")


def test_force_deletes_waiting_bars_too_but_no_symbol_that_was_not_chosen(browser):
    other, waiting = failing("AAPL"), failing("TSLA")

    answer = act(browser, "delete", waiting, confirmed="yes", force="yes")

    assert messages_of(answer) == [("success", "Deleted: TSLA.")]
    assert list(Symbol.objects.filter(deleted_at=None)) == [other]


def test_deleting_all_that_a_filter_shows_deletes_no_symbol_that_came_after_the_question(browser):
    off, on = make_symbol("OFF"), make_symbol("ON")
    mailbox.disable(off, by="olga", now=timezone.now())
    chosen = {"action": "delete", "_selected_action": [off.pk], "index": 0, "select_across": 1}
    address = f"{LIST}?enabled__exact=0"

    page = browser.post(address, chosen)
    mailbox.disable(later := make_symbol("LATER"), by="olga", now=timezone.now())
    browser.post(address, sent_from(page))

    assert set(Symbol.objects.filter(deleted_at=None)) == {on, later}


def test_a_symbols_own_page_offers_the_acts_and_does_them(browser):
    symbol = failing()
    page = browser.get(f"{LIST}{symbol.pk}/change/").content.decode()
    form = page[page.index('class="symbol-actions"') :].split("</form>")[0]

    assert [name for name in ("reset", "skip", "disable", "enable", "delete") if f'value="{name}"' in form] == [
        "reset",
        "skip",
        "disable",
        "enable",
        "delete",
    ]
    assert "delete_selected" not in form
    answer = act(browser, "reset", symbol, select_across=0, reason="seen")

    assert messages_of(answer) == [("success", "Reset: TSLA.")]
    assert last_event(symbol).reason == "seen"


def test_who_may_only_read_is_offered_no_actions(client):
    reader = User.objects.create_user("rita")
    reader.user_permissions.add(Permission.objects.get(codename="view_symbol"))
    client.force_login(reader)
    symbol = failing()

    assert 'class="symbol-actions"' not in client.get(f"{LIST}{symbol.pk}/change/").content.decode()


def test_a_symbols_page_tells_of_its_feed_its_calendar_and_its_gaps(browser, monkeypatch):
    symbol = make_symbol("BTC/USD")
    opened = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    mailbox.accept([new_bar("BTC/USD", timeframe="1m", timestamp=opened)], now=opened + timedelta(minutes=1))
    monkeypatch.setattr("scanner_app.admin.symbols.timezone.now", lambda: opened + timedelta(minutes=5))

    stale = browser.get(f"{LIST}{symbol.pk}/change/").content.decode()
    mailbox.set_calendar(symbol, "XNYS", by="olga", now=opened)
    own = browser.get(f"{LIST}{symbol.pk}/change/").content.decode()

    assert "0:04:00 old; stale for 0:02:00 of trading" in stale
    assert "24/7 (by SCANNER_CALENDARS)" in stale
    assert "XNYS (its own)" in own


# ------------------------------------------------------------------ filters, and actions on all that match


@pytest.mark.parametrize(
    ("query", "tickers"),
    [
        ({"state": "retrying"}, ["PAUSED"]),
        ({"state": "failed"}, ["OPEN"]),
        ({"error": "ValueError"}, ["OPEN"]),
        ({"error": "KeyError"}, ["PAUSED"]),
        ({"state": "nonsense"}, ["FINE", "OPEN", "PAUSED"]),
    ],
)
def test_the_list_can_be_filtered_by_what_retries_fails_and_with_which_error(browser, three, query, tickers):
    assert listed(browser, **query) == tickers


def test_an_action_on_a_whole_filter_first_names_what_it_would_change_and_then_does_it(browser, three):
    some = Symbol.objects.get(ticker="OPEN").pk
    form = {"action": "reset", "_selected_action": [some], "index": 0, "select_across": "1", "reason": "mended"}

    page = browser.post(f"{LIST}?error=KeyError", form)

    assert "Reset 1 symbol?" in page.content.decode()
    assert ("Symbols", "PAUSED") in page.context["facts"]
    assert not SymbolEvent.objects.filter(kind="reset").exists(), "a dry run"

    done = browser.post(f"{LIST}?error=KeyError", sent_from(page), follow=True)

    assert messages_of(done) == [("success", "Reset: PAUSED.")]
    event = SymbolEvent.objects.get(kind="reset")
    assert (event.symbol.ticker, event.actor, event.reason) == ("PAUSED", "olga", "mended")
    assert event.detail is not None
    assert (event.detail["filter"], event.detail["before"]["attempts"], event.detail["after"]["attempts"]) == (
        {"error": "KeyError"},
        1,
        0,
    )


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "99999999", "9" * 5000, "٣"])
def test_a_number_that_makes_no_sense_does_nothing(browser, minutes):
    symbol = make_symbol("TSLA")
    page = act(browser, "disable_for", symbol)

    answer = browser.post(LIST, {**sent_from(page), "minutes": minutes}, follow=True)

    assert [level for level, _ in messages_of(answer)] == ["error"]
    symbol.refresh_from_db()
    assert symbol.enabled


def test_a_symbol_can_be_disabled_and_silenced_for_a_time_and_have_its_own_limit(browser):
    symbol = make_symbol("TSLA")

    for action, number in (("disable_for", "30"), ("silence", "60"), ("set_p95", "900")):
        page = act(browser, action, symbol)
        answer = browser.post(LIST, {**sent_from(page), "minutes": number, "reason": "noon"}, follow=True)
        assert [level for level, _ in messages_of(answer)] == ["success"]

    symbol.refresh_from_db()
    assert (symbol.enabled, symbol.p95_ms) == (False, 900)
    assert symbol.disabled_until is not None
    assert timedelta(minutes=29) < symbol.disabled_until - timezone.now() <= timedelta(minutes=30)
    silence = symbol.silences.get()
    assert (silence.rule, silence.created_by, silence.reason) == ("", "olga", "noon")
    assert "900 ms (its own)" in browser.get(f"{LIST}{symbol.pk}/change/").content.decode()
