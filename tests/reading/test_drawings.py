"""Lines that show on the chart what signals saw."""

import pytest

from scanner_app import mailbox
from scanner_app.detectors import Direction, Finding, Line, Signal
from scanner_app.engine import detection
from scanner_app.models import Bar, Symbol
from scanner_app.reading import drawings, symbol_status, symbols
from scanner_app.reading.chart import chart
from tests.conftest import T0, accept_days, start_head


class Artist:
    """Sees something in each bar, and draws a line to it from the bar two before."""

    name = "artist"
    bars_needed = 3

    def detect(self, window):
        yield Signal("SEEN", "bullish", 1.0)

    def draw(self, window):
        last = len(window) - 1
        if window.symbol == "BAD":
            raise ZeroDivisionError
        yield Line("SEEN", ((max(0, last - 2), 1.5), (last, float(window.close[-1]))))
        yield Line("OTHER", ((0, 1.0), (last, 1.0)))


@pytest.fixture(autouse=True)
def detectors(settings):
    settings.SCANNER_DETECTORS = [f"{__name__}.Artist"]
    yield
    detection.chosen_detectors.cache_clear()


def seen(ticker="TSLA", days=5, detector="artist"):
    """A symbol with bars of so many days, each with a signal."""
    accept_days(ticker, days)
    symbol = Symbol.objects.get(ticker=ticker)
    finding = Finding(detector=detector, pattern="SEEN", direction=Direction.BULLISH, strength=1.0)
    for _ in range(days):
        mailbox.complete(start_head(symbol), [finding], now=T0, run_s=0)
    return symbols.get(ticker, among=symbol_status.shown_symbols())


def drawn(symbol, pattern="SEEN", **options):
    lines = chart(symbol, "1d", now=T0, pattern=pattern, **options).lines
    return [(one["timestamp"].day, [point["timestamp"].day for point in one["points"]]) for one in lines]


def test_the_lines_of_the_chosen_pattern_lead_to_their_signals_bars(db):
    symbol = seen()

    assert drawn(symbol) == [(2, [1, 2]), (3, [1, 3]), (4, [2, 4]), (5, [3, 5])]
    (last,) = chart(symbol, "1d", now=T0, pattern="SEEN").lines[-1:]
    assert [point["price"] for point in last["points"]] == [1.5, Bar.objects.get(timestamp__day=5).close]
    assert drawn(symbol, pattern="OTHER") == []
    assert drawn(symbol, pattern=None) == []


def test_what_begins_before_the_chart_is_left_out(db):
    assert drawn(seen(), limit=3) == [(5, [3, 5])]


def test_the_newest_are_drawn_if_there_are_many(db, monkeypatch):
    monkeypatch.setattr(drawings, "MOST", 2)

    assert [day for day, _ in drawn(seen())] == [4, 5]


def test_a_detector_that_fails_or_is_off_draws_nothing(db):
    assert drawn(seen("BAD")) == []
    assert drawn(seen("TSLA", detector="gone")) == []


def test_lines_cost_two_queries_whatever_their_number(db, django_assert_num_queries):
    symbol = seen(days=9)

    with django_assert_num_queries(5):
        assert len(chart(symbol, "1d", now=T0, pattern="SEEN").lines) == 8
