"""Explanation and timeline on the pages of symbol and bar."""

from html import unescape

import pytest
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.admin import explained
from scanner_app.models import Bar, ProcessingFailure, Symbol
from scanner_app.reading import explanation
from tests.conftest import T0, accept_days, fail_head

pytestmark = pytest.mark.django_db

SYMBOL = "/admin/scanner_app/symbol/{}/change/"
BAR = "/admin/scanner_app/bar/{}/change/"


def failing(error=None, times=1):
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get()
    fail_head(symbol, times, now=timezone.now(), error=error)
    return symbol


def page_of(browser, address, pk):
    return unescape(browser.get(address.format(pk)).content.decode())


def test_a_symbols_page_says_the_same_as_the_api(browser):
    symbol = failing(times=3)

    page = page_of(browser, SYMBOL, symbol.pk)

    said = explanation.explain(explanation.symbols().get(pk=symbol.pk), timezone.now())
    assert said.code == "open"
    for sentence in (said.cause, said.next, "You can reset it now, skip the bar or disable the symbol."):
        assert f"<p>{sentence}</p>" in page


def test_a_symbols_page_shows_what_happened_last_with_bar_and_traceback(browser):
    symbol = failing()
    mailbox.reset(symbol, by="olga", reason="mended", now=timezone.now())

    timeline = page_of(browser, SYMBOL, symbol.pk).split('<ol class="timeline">')[1].split("</ol>")[0]

    assert timeline.index("olga reset the symbol: mended.") < timeline.index("Attempt 1 failed: ValueError: no good.")
    assert timeline.index("Attempt 1 failed") < timeline.index("added the symbol")
    assert BAR.format(Bar.objects.get(sequence=1).pk) in timeline
    assert f"/admin/scanner_app/processingfailure/{ProcessingFailure.objects.get().pk}/change/" in timeline


def test_a_bars_page_tells_its_story_from_the_beginning_with_the_time_between(browser):
    failing(times=2)

    timeline = page_of(browser, BAR, Bar.objects.get(sequence=1).pk).split('<ol class="timeline">')[1].split("</ol>")[0]

    assert timeline.index("Accepted as number 1.") < timeline.index("Attempt 1 failed") < timeline.index("Attempt 2")
    assert "+1.000 s" in timeline


def test_what_others_wrote_is_shown_as_text(browser):
    symbol = failing(error=ValueError("<script>alert(1)</script>"))
    mailbox.disable(symbol, by="olga", reason="<b>bold</b>", now=T0)

    for address, pk in ((SYMBOL, symbol.pk), (BAR, Bar.objects.get(sequence=1).pk)):
        html = browser.get(address.format(pk)).content.decode()
        assert "<script>alert" not in html
        assert "<b>bold" not in html


def test_the_list_of_symbols_asks_nobody_why(browser, monkeypatch):
    failing()
    monkeypatch.setattr(explained, "explanation", None)  # it would cost queries for every row

    assert browser.get("/admin/scanner_app/symbol/").status_code == 200


def test_a_symbols_page_takes_few_queries_however_long_its_story(queries_of):
    symbol = failing(times=1)
    queries_of(SYMBOL.format(symbol.pk))  # what a process asks once
    few = queries_of(SYMBOL.format(symbol.pk))
    fail_head(symbol, 5, now=timezone.now())
    many = queries_of(SYMBOL.format(symbol.pk))

    assert len(few) == len(many) <= 20
