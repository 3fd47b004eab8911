"""The start page: the same overview as the live page's, who is in trouble, and who works."""

import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from redis.exceptions import ConnectionError as BrokerAway

from scanner_app import mailbox
from scanner_app.domain import worker_health
from scanner_app.messaging import heartbeats, sweep_memory
from scanner_app.messaging.heartbeats import Heartbeat
from scanner_app.models import Alert, Evaluation, Symbol, SymbolStatus
from scanner_app.reading import admin_start_page, status
from tests.conftest import accept_days, fail_head, make_symbol

pytestmark = pytest.mark.django_db

START = "/admin/"


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    """The workers' heartbeats, and when the sweeper ran."""
    now = time.time()
    living = {
        f"{role}@here": Heartbeat(at=now, role=role, held=("TSLA-1-e0/0",) if role == "main" else ())
        for role in ("main", "slow", "upkeep", "notify", "hits")
    }
    monkeypatch.setattr(heartbeats, "read_all", lambda: living)
    monkeypatch.setattr(sweep_memory, "last_sweep", time.time)
    return living


def failing(ticker, failures, waiting=1):
    accept_days(ticker, 1 + waiting, now=timezone.now())
    symbol = Symbol.objects.get(ticker=ticker)
    fail_head(symbol, failures, now=timezone.now(), error=ValueError("<b>no good</b>"))
    return symbol


def section(page, heading):
    """The text of a section, without its tags' attributes."""
    html = page.content.decode()
    return html[html.index(f'id="{heading}"') :].split("</section>")[0]


def test_the_overview_is_that_of_the_status(browser):
    make_symbol("FINE")
    failing("FAILED", 3)
    mailbox.skip(failing("SET.ASIDE", 1), by="olga", now=timezone.now())
    mailbox.disable(make_symbol("OFF"), by="olga", now=timezone.now())

    page = browser.get(START)

    expected = status.overview(timezone.now())
    shown = page.context["overview"]
    assert (shown.overall_status, shown.healthy_symbols, shown.paused_symbols, shown.failed_symbols) == (
        expected.overall_status,
        expected.healthy_symbols,
        expected.paused_symbols,
        expected.failed_symbols,
    )
    text = page.content.decode()
    assert f'<strong class="word">{expected.overall_status.capitalize()}</strong>' in text
    assert f"{expected.healthy_symbols} of 3 enabled symbols healthy" in text
    assert ">1 disabled</a>" in text
    assert '<a href="/admin/scanner_app/quarantinedbar/?resolution=in+quarantine">1</a>' in text


def test_trouble_is_named_the_worst_first_and_leads_to_the_symbol(browser):
    make_symbol("FINE")
    mailbox.disable(failing("OFF", 3), by="olga", now=timezone.now())
    retrying, failed = failing("RETRYING", 1), failing("FAILED", 3)

    page = browser.get(START)

    assert [one.symbol.symbol for one in page.context["trouble"]] == ["FAILED", "RETRYING"]
    trouble = section(page, "trouble")
    for symbol in (retrying, failed):
        assert f'<a href="/admin/scanner_app/symbol/{symbol.pk}/change/">{symbol.ticker}</a>' in trouble
    assert "ValueError: &lt;b&gt;no good&lt;/b&gt;" in trouble
    assert "<b>no good" not in trouble
    assert "FINE" not in trouble


def test_of_much_trouble_ten_are_named_and_the_others_counted(browser):
    for number in range(13):
        failing(f"S{number:02}", 1)

    page = browser.get(START)

    assert len(page.context["trouble"]) == 10
    assert "And 3 more" in section(page, "trouble")


def test_firing_alerts_are_named_and_lead_to_alert_and_symbol(browser):
    symbol, now = make_symbol("TSLA"), timezone.now()
    firing = Alert.objects.create(
        rule="stuck_head", severity="error", symbol=symbol, state="firing", message="stuck", began_at=now, fired_at=now
    )
    Alert.objects.create(rule="backlog", severity="warning", state="pending", message="not yet", began_at=now)

    alerts = section(browser.get(START), "alerts")

    assert f'<a href="/admin/scanner_app/alert/{firing.pk}/change/">stuck_head</a>' in alerts
    assert f'<a href="/admin/scanner_app/symbol/{symbol.pk}/change/">TSLA</a>' in alerts
    assert '<span class="badge badge-bad">error</span>' in alerts
    assert "not yet" not in alerts


def test_alerts_are_shown_the_worst_first(browser):
    now = timezone.now()
    for rule, severity in (("backlog", "warning"), ("stuck_head", "error"), ("quarantine", "info")):
        Alert.objects.create(rule=rule, severity=severity, state="firing", began_at=now, fired_at=now)

    assert [one.rule for one in browser.get(START).context["alerts"]] == ["stuck_head", "backlog", "quarantine"]


def test_without_alerts_there_is_no_such_section(browser):
    assert 'id="alerts"' not in browser.get(START).content.decode()


@pytest.mark.parametrize(("symbols", "says"), [(0, "No symbols yet"), (1, "None.")])
def test_without_trouble_it_says_so(browser, symbols, says):
    for number in range(symbols):
        make_symbol(f"S{number}")

    assert says in section(browser.get(START), "trouble")


def test_workers_are_named_with_what_they_hold_and_lead_to_flower(browser, workers):
    del workers["slow@here"]
    workers["main@here"] = replace(workers["main@here"], unanswered_s=worker_health.DEAF_AFTER_S)

    workers = section(browser.get(START), "workers")

    assert 'href="/flower/worker/main%40here"' in workers
    assert '<span class="badge badge-bad">deaf</span>' in workers
    assert workers.count('<span class="badge badge-good">alive</span>') == 4  # upkeep, notify, hits and the sweeper
    assert '<td>slow</td><td><span class="badge badge-bad">missing</span></td>' in workers


@pytest.mark.parametrize("ago_s", [None, 16])
def test_a_late_sweeper_is_shown(browser, monkeypatch, ago_s):
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: None if ago_s is None else time.time() - ago_s)

    assert '<span class="badge badge-bad">late</span>' in section(browser.get(START), "workers")


def test_the_page_is_there_without_a_broker(browser, monkeypatch):
    def away():
        raise BrokerAway("connection refused")

    monkeypatch.setattr(heartbeats, "read_all", away)

    page = browser.get(START)

    assert page.status_code == 200
    assert "Redis server does not answer" in section(page, "workers")


def test_it_takes_as_many_queries_for_forty_symbols_in_trouble_as_for_one(browser, queries_of):
    failing("S", 1)
    one = queries_of(START)
    for number in range(40):
        failing(f"S{number}", 3 if number % 2 else 1)

    many = queries_of(START)

    assert len(many) == len(one)
    assert len(many) <= 11, "\n".join(many)


def test_what_waits_for_its_retry_is_in_trouble_and_what_is_done_with_it_is_not():
    now = timezone.now()
    symbol = failing("TSLA", 1)
    assert [one.symbol.symbol for one in admin_start_page.trouble(status.overview(now), {})] == ["TSLA"]

    mailbox.reset(symbol, by="olga", now=now + timedelta(seconds=1))

    assert admin_start_page.trouble(status.overview(now), {}) == []


def test_trouble_is_what_the_board_has_in_its_order(browser):
    """The live board's order: failed, paused, stale, slow, quarantine (RANK in static/scanner_app/live/board.js)."""
    now = timezone.now()
    failing("RETRYING", 1)
    failing("FAILED", 3)
    slow = make_symbol("SLOW")
    SymbolStatus.objects.filter(symbol=slow).update(
        latencies=[[900, int(now.timestamp())]] * 20, longest_latency_ms=900, last_processed_at=now
    )
    mailbox.skip(failing("ASIDE", 0), by="olga", now=now)
    script = (settings.BASE_DIR / "scanner_app/static/scanner_app/live/board.js").read_text()

    page = browser.get(START)

    assert [(one.symbol.symbol, one.condition) for one in page.context["trouble"]] == [
        ("FAILED", "failed"),
        ("RETRYING", "paused"),
        ("SLOW", "slow"),
        ("ASIDE", "quarantine"),
    ]
    order = script.partition("const RANK = {")[2].partition("}")[0]
    assert re.findall(r"(\w+):", order)[: len(admin_start_page.RANKS)] == list(admin_start_page.RANKS)
    assert "1 of 4 enabled symbols healthy; failed: FAILED" not in page.content.decode()
    assert "enabled symbols healthy; failed: FAILED" in page.content.decode()


def test_the_last_ping_to_the_watcher_and_its_answer_are_shown(browser, settings):
    settings.SCANNER_PING_URL = "https://watcher.example.org/secret"
    Evaluation.objects.update_or_create(
        pk=Evaluation.THE_ROW, defaults={"pinged_at": timezone.now(), "ping_answer": "answer 200"}
    )

    text = section(browser.get(START), "workers")

    assert "Outside watcher" in text
    assert "answer 200" in text
    assert "secret" not in text
