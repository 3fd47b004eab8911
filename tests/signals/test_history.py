"""What the account of history says: no edge where there is none, and one that was planted."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from scanner_app.calendars import hours_of
from scanner_app.domain.enums import WorthVerdict
from scanner_app.engine.history import Run
from scanner_app.models import SignalWorth
from scanner_app.signals.history import Account, rules_asked
from tests.conftest import T0
from tests.detectors.samples import Up, window

pytestmark = pytest.mark.django_db


def account_of(series: Sequence[Any], conditions: Sequence[str], *, horizons: Sequence[int] = (1, 5, 10)) -> Account:
    book, _ = rules_asked(conditions)
    account = Account(horizons)
    hours = hours_of("24/7", timezone.now())
    for one in series:
        account.look_at(Run(series=one, detectors=[], hours=hours, rules=book.rules_for("TEST", "1d")))
    return account


def judged(rows: Sequence[SignalWorth]) -> list[SignalWorth]:
    return [row for row in rows if row.verdict != WorthVerdict.TOO_FEW]


def markets(rng: np.random.Generator, number: int) -> Iterator[list[Any]]:
    """Markets of ten random walks that have a part of their moves in common."""
    for _ in range(number):
        common = rng.standard_normal(300)
        walks = 0.7 * common + 0.7 * rng.standard_normal((10, 300))
        yield [
            window(100 * np.exp(np.cumsum(0.01 * moves)), open=100 * np.exp(np.cumsum(0.01 * moves) - 0.01 * moves))
            for moves in walks
        ]


CONDITIONS = (
    "close > sma('close', 10)",
    "close < sma('close', 10)",
    "rsi(7) > 60",
    "close > open and close > previous('close', 2)",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_on_a_thousand_random_walks_rules_show_no_more_edges_than_the_interval_says() -> None:
    found = [
        row
        for series in markets(np.random.default_rng(18), 100)
        for row in judged(account_of(series, CONDITIONS).rows(T0))
    ]

    assert len(found) >= 800  # 300 bars are too few for the longest horizon
    assert sum(row.verdict == WorthVerdict.EDGE for row in found) / len(found) <= 0.05


def test_a_planted_edge_of_55_percent_is_found_by_the_rule_that_sees_its_mark() -> None:
    rng = np.random.default_rng(4)
    series = []
    for _ in range(20):
        marked = rng.random(1_000) < 0.1
        chance = np.where(np.roll(marked, 1), 0.55, 0.5)
        moves = np.where(rng.random(1_000) < chance, 0.01, -0.01)
        series.append(window(np.exp(np.cumsum(moves)) * 100, volume=np.where(marked, 1000.0, 10.0)))

    account = account_of(series, ["volume > 500", "volume < 500"], horizons=(1,))

    by_rule = {row.rule_id: row for row in account.rows(T0)}
    assert by_rule[-1].verdict == WorthVerdict.EDGE
    assert by_rule[-1].hit_rate == pytest.approx(0.55, abs=0.03)
    assert by_rule[-2].verdict == WorthVerdict.NO_EDGE_SHOWN


def test_a_series_is_told_in_numbers_and_kept_in_few_points() -> None:
    account = Account((1,))

    one = account.look_at(Run(series=window(range(1, 1001)), detectors=[Up()], hours=hours_of("24/7", T0)))

    assert (one.bars, one.signals, one.hits, one.failed) == (1000, 999, 0, 0)
    assert len(one.closes) == len(one.counts) == 200
    assert sum(one.counts) == 999
    assert (one.closes[0], one.closes[-1]) == (1.0, 1000.0)


def test_a_series_without_bars_has_an_account_too() -> None:
    account = Account((1,))

    one = account.look_at(Run(series=window([]), detectors=[Up()], hours=hours_of("24/7", T0)))

    assert (one.bars, one.first, account.rows(T0)) == (0, None, [])
