"""Detectors and rules over series in memory: row by row what the live scanner stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.detectors import BarUnusable, Signal, Window
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import detection, history, rule_book, runs
from scanner_app.engine.history import Run
from scanner_app.engine.ingest import accept
from scanner_app.engine.rule_book import Book
from scanner_app.feeds import history_bars
from scanner_app.models import Bar, Hit, Rule, Symbol
from scanner_app.models import Signal as StoredSignal
from tests.conftest import live_message, row_of
from tests.detectors.samples import Up, window

pytestmark = pytest.mark.django_db

MARKED = 77.125
"""The close of bars that PICKY cannot use."""


class Picky:
    name = "picky"
    bars_needed = 4

    def detect(self, seen: Window) -> list[Signal]:
        if seen.close[-1] == MARKED:
            raise BarUnusable("marked")
        return [Signal("sum", "neutral", float(seen.close.sum()))]  # tells one window from another


def raw_bars(ticker: str, timeframe: str, first: datetime, step: timedelta, count: int) -> list[dict[str, object]]:
    """A random walk with a hole, a bar that PICKY cannot use and one of unknown volume."""
    rng = np.random.default_rng(7)
    closes = 100 + np.cumsum(rng.normal(0, 1, count))
    opens = closes + rng.normal(0, 0.8, count)
    closes[count // 2] = MARKED
    return [
        {
            "symbol": ticker,
            "timeframe": timeframe,
            "timestamp": first + place * step,
            "open": float(opens[place]),
            "high": float(max(opens[place], closes[place]) + abs(rng.normal())),
            "low": float(min(opens[place], closes[place]) - abs(rng.normal())),
            "close": float(closes[place]),
            "volume": None if place == 3 else float(rng.integers(1, 1000)),
        }
        for place in range(count)
        if not 20 <= place < 23
    ]


@pytest.fixture
def live(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Symbol:
    """A symbol whose bars of two timeframes were accepted and run, one by one, with detectors and rules."""
    settings.SCANNER_DETECTORS = [
        "scanner_app.detectors.candlesticks.Candlesticks",
        "scanner_app.detectors.wyckoff.Wyckoff",
        "tests.engine.test_history.Picky",
    ]
    monkeypatch.setattr(rule_book, "REFRESH_S", -1.0)
    user = User.objects.create_user("tom")
    conditions = (
        ("close > sma('close', 5)", 0),
        ("any_bullish and close > open", 7_200),
        ("on('1d', 'close > open') and rsi(7) > 50", 0),
        ("minutes_since_open >= 1380 and on('1d', close) > 0", 0),  # the hour that ends with its day
    )
    for condition, cooldown_s in conditions:
        fields = {"timeframes": ["1h"], "created_at": timezone.now(), "changed_at": timezone.now()}
        Rule.objects.create(
            owner=user, name=condition, expression=condition, cooldown_s=cooldown_s, tell_within_s=10**9, **fields
        )
    begin = datetime(2024, 3, 4, tzinfo=UTC)
    days = raw_bars("BTCUSDT", "1d", begin - timedelta(days=30), timedelta(days=1), 34)
    hours = raw_bars("BTCUSDT", "1h", begin, timedelta(hours=1), 90)
    report = accept([*days, *hours], now=timezone.now())
    assert report.accepted == len(days) + len(hours), report
    symbol = Symbol.objects.get()
    while row_of(symbol).head is not None:
        runs.process_head(live_message(symbol))
    rule_book.forget()
    return symbol


def run_of(symbol: Symbol, series: dict[tuple[str, str], Window], timeframe: str) -> Run:
    return Run(
        series=series[symbol.ticker, timeframe],
        detectors=detection.chosen(),
        hours=hours_of(calendar_of(symbol.ticker, ""), timezone.now()),
        rules=rule_book.current().rules_for(symbol.ticker, timeframe),
        others={name: one for (_, name), one in series.items()},
    )


def as_stored(seen: history.Looked) -> list[tuple[Any, ...]]:
    return [
        (seen.timestamp, one.detector, one.pattern, str(one.direction), one.strength, one.version, one.window_gaps)
        for one in seen.findings
    ]


@pytest.mark.parametrize("timeframe", ["1h", "1d"])
def test_live_log_and_history_are_equal_row_by_row(live: Symbol, timeframe: str) -> None:
    series = history_bars.from_database(live, None).series

    seen = list(run_of(live, series, timeframe).bars())

    fields = ("timestamp", "detector", "pattern", "direction", "strength", "detector_version", "window_gaps")
    stored = list(StoredSignal.objects.filter(timeframe=timeframe).order_by("timestamp", "id").values_list(*fields))
    assert len({row[2] for row in stored}) > 5, "the test needs some patterns"
    assert [row for one in seen for row in as_stored(one)] == stored
    hits = Hit.objects.filter(timeframe=timeframe).order_by("timestamp", "id")
    assert timeframe == "1d" or hits.values("rule_id").distinct().count() == 4, "each rule must have hit"
    assert [(one.timestamp, hit.rule_id, dict(hit.values)) for one in seen for hit in one.hits] == [
        (hit.timestamp, hit.rule_id, hit.values) for hit in hits
    ]


def test_so_they_are_over_the_bars_as_they_came_with_one_that_cannot_be_used(live: Symbol) -> None:
    """Quarantine took the bar out of the live windows; in history the detector that cannot use it does."""
    assert Bar.objects.filter(status=BarStatus.QUARANTINED, timeframe="1h").count() == 1
    from_stored = run_of(live, history_bars.from_database(live, None).series, "1h")
    Bar.objects.update(status=BarStatus.PROCESSED)
    run = run_of(live, history_bars.from_database(live, None).series, "1h")

    seen = list(run.bars())

    assert [one.error for one in seen if one.error] == ["BarUnusable: marked"]
    assert (run.failed, len(run.series)) == (1, len(from_stored.series))
    assert [one for one in seen if not one.error] == list(from_stored.bars())


def simple(**values: Any) -> Run:
    fields = {"series": window(range(1, 301)), "detectors": [Up()], "hours": hours_of("24/7", timezone.now())}
    return Run(**{**fields, **values})


def test_without_bars_nothing_is_seen() -> None:
    assert list(simple(series=window([])).bars()) == []


def test_a_detector_that_fails_at_every_bar_ends_the_series_after_some_of_them() -> None:
    class Broken(Up):
        def detect(self, seen: Window) -> Any:
            raise OSError("disk")

    run = simple(detectors=[Broken()])

    seen = list(run.bars())

    assert (len(seen), run.failed, run.stopped, len(run.series)) == (history.MOST_FAILURES,) * 2 + (True, 0)
    assert seen[0].error == "OSError: disk"


def test_a_rule_that_raises_is_off_for_the_rest_of_the_series(monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner_app.signals.history import rules_asked
    from scanner_app.trader_rules import Expression

    book, _ = rules_asked(["close > 2"])
    monkeypatch.setattr(Expression, "holds", lambda *_: 1 / 0)

    seen = list(simple(rules=book.rules_for("TEST", "1d")).bars())

    assert [len(one.rule_failures) for one in seen[:3]] == [1, 0, 0]
    assert not any(one.hits for one in seen)


def test_ctrl_c_while_a_detector_runs_ends_the_run() -> None:
    class Interrupted(Up):
        def detect(self, seen: Window) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(simple(detectors=[Interrupted()], rules=Book().rules_for("X", "1d")).bars())
