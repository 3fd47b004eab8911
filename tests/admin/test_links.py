"""The ways between symbol, bar, their rows, the chart and Flower."""

import re
from html import unescape
from urllib.parse import quote

import pytest
from django.urls import NoReverseMatch, reverse

from scanner_app import mailbox
from scanner_app.admin import links
from scanner_app.models import Bar, ProcessingFailure, QuarantinedBar, Signal, Symbol, SymbolEvent
from scanner_project.version import VERSION
from tests.admin.test_records import path, rows_of_every_kind
from tests.conftest import T0, accept_days, fail_head, live_message, make_symbol, start_head
from tests.odd_tickers import ODD_TICKERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def charts(monkeypatch):
    """Pretend that the chart's page is there, whatever the addresses of the site."""

    def pretend(name, *more, **options):
        return f"/symbols/{options['args'][0]}/" if name == "symbol" else reverse(name, *more, **options)

    monkeypatch.setattr(links, "reverse", pretend)


@pytest.mark.parametrize("model", [Bar, Signal, ProcessingFailure, QuarantinedBar, SymbolEvent])
def test_a_list_leads_to_symbol_bar_and_row(browser, model):
    symbol = rows_of_every_kind()
    row = model.objects.order_by("id").last()

    page = browser.get(path(model)).content.decode()

    assert f'<a href="/admin/scanner_app/symbol/{symbol.pk}/change/">TSLA</a>' in page
    assert f'href="{path(model, "change", row.pk)}"' in page
    bar = row if model is Bar else row.bar
    if bar is not None:
        assert f'href="{path(Bar, "change", bar.pk)}"' in page


@pytest.mark.parametrize("model", [Signal, ProcessingFailure, QuarantinedBar])
def test_a_rows_page_leads_to_symbol_bar_and_chart(browser, charts, model):
    symbol = rows_of_every_kind()
    row = model.objects.get()

    page = browser.get(path(model, "change", row.pk)).content.decode()

    assert f'href="/admin/scanner_app/symbol/{symbol.pk}/change/"' in page
    assert f'href="{path(Bar, "change", row.bar_id)}"' in page
    assert 'href="/symbols/TSLA/"' in page


def test_a_bars_page_leads_to_what_it_left_behind(browser, charts):
    rows_of_every_kind()
    first, skipped, head = Bar.objects.order_by("sequence")

    of_first = browser.get(path(Bar, "change", first.pk)).content.decode()
    of_skipped = browser.get(path(Bar, "change", skipped.pk)).content.decode()
    of_head = browser.get(path(Bar, "change", head.pk)).content.decode()

    assert f'<a href="{path(Signal)}?bar__id__exact={first.pk}">1 signal</a>' in of_first
    assert f'<a href="{path(ProcessingFailure)}?bar__id__exact={skipped.pk}">1 processing failure</a>' in of_skipped
    assert f'<a href="{path(QuarantinedBar)}?bar__id__exact={skipped.pk}">1 quarantined bar</a>' in of_skipped
    assert "Task in Flower" not in of_skipped
    assert "Task in Flower" in of_head
    assert all('href="/symbols/TSLA/"' in page for page in (of_first, of_skipped, of_head))


@pytest.mark.parametrize("model", [Signal, ProcessingFailure, QuarantinedBar, SymbolEvent])
def test_what_a_bar_left_behind_is_listed_alone(browser, model):
    rows_of_every_kind("OTHER")
    rows_of_every_kind("TSLA")
    row = model.objects.exclude(bar=None).order_by("id").last()

    listed = browser.get(path(model), {"bar__id__exact": row.bar_id}).context["cl"].result_list

    assert {one.bar_id for one in listed} == {row.bar_id}


def test_a_symbols_page_leads_to_its_head_and_to_its_task_in_flower(browser, charts):
    symbol = rows_of_every_kind()
    head = Bar.objects.get(status="waiting")

    page = browser.get(f"/admin/scanner_app/symbol/{symbol.pk}/change/").content.decode()

    assert f'href="{path(Bar, "change", head.pk)}"' in page
    assert f'href="/flower/task/{live_message(symbol).task_id}"' in page
    assert 'href="/symbols/TSLA/"' in page


def test_while_the_control_run_is_out_the_task_in_flower_is_its_own(browser, charts):
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get()
    mailbox.complete(start_head(symbol), [], now=T0)
    fail_head(symbol, 7)
    head = Bar.objects.get(status="waiting")

    pages = [
        browser.get(path(model, "change", row.pk)).content.decode() for model, row in ((Bar, head), (Symbol, symbol))
    ]

    assert live_message(symbol).task_id.endswith("-control")
    assert [f'href="/flower/task/{live_message(symbol).task_id}"' in page for page in pages] == [True, True]


def test_a_symbol_without_a_head_has_no_task(browser):
    symbol = make_symbol("IDLE")

    assert "Task in Flower" not in browser.get(f"/admin/scanner_app/symbol/{symbol.pk}/change/").content.decode()


def test_a_ticker_with_a_slash_reaches_flower_in_the_tasks_own_spelling(browser, settings):
    settings.FLOWER_URL = "http://127.0.0.1:5555"

    answer = browser.get(links.task_url("BTC%2FUSD-1-e0"))

    # Flower decodes once, and looks for "BTC%2FUSD-1-e0".
    assert (answer.status_code, answer.url) == (302, "http://127.0.0.1:5555/task/BTC%252FUSD-1-e0")


def test_an_odd_ticker_leads_to_its_chart_its_lists_and_its_task(browser, settings):
    settings.FLOWER_URL = "http://127.0.0.1:5555"
    for ticker in ODD_TICKERS:
        accept_days(ticker, 1)
    for symbol in Symbol.objects.all():
        ticker = symbol.ticker
        page = browser.get(path(Symbol, "change", symbol.pk)).content.decode()
        addresses = {unescape(found) for found in re.findall(r'href="([^"]*)"', page)}

        (chart,) = [one for one in addresses if one.startswith("/symbols/")]
        lists = [one for one in addresses if one.startswith(path(Bar) + "?q=")]
        (task,) = [one for one in addresses if one.startswith("/flower/task/")]

        assert "<IMG" not in page, ticker
        assert f'data-ticker="{ticker}"' in unescape(browser.get(chart).content.decode())
        assert lists, "all bars, and those that wait"
        for bars in lists:
            assert [bar.symbol.ticker for bar in browser.get(bars).context["cl"].result_list] == [ticker]
        assert browser.get(task).url == f"http://127.0.0.1:5555/task/{quote(live_message(symbol).task_id)}"
        listed = browser.get(path(Symbol), {"q": ticker.lower()})
        assert ticker in [row.ticker for row in listed.context["cl"].result_list]


@pytest.mark.parametrize(
    ("where", "url"),
    [
        pytest.param("", "http://127.0.0.1:5555", id="its start page"),
        pytest.param("worker/main%40here", "http://127.0.0.1:5555/worker/main%40here", id="a worker"),
        pytest.param("/evil.example/x", "http://127.0.0.1:5555//evil.example/x", id="never another host"),
    ],
)
def test_the_way_to_flower_leads_to_flower_alone(browser, settings, where, url):
    settings.FLOWER_URL = "http://127.0.0.1:5555"

    assert browser.get(f"/flower/{where}").url == url


def test_without_a_chart_there_is_no_link_to_it(monkeypatch):
    def nowhere(*_args, **_options):
        raise NoReverseMatch

    monkeypatch.setattr(links, "reverse", nowhere)

    assert links.chart_url("TSLA") is None


def test_the_foot_of_start_page_list_and_row_shows_the_version(browser):
    symbol = make_symbol("TSLA")

    for address in ("/admin/", path(Symbol), path(Symbol, "change", symbol.pk)):
        foot = browser.get(address).content.decode().partition('<footer id="footer">')[2]
        assert f"Market scanner {VERSION}" in foot.partition("</footer>")[0], address
