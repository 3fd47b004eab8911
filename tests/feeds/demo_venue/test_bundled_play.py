from itertools import pairwise

import pytest

from scanner_app.feeds.bundled import load_series
from scanner_app.feeds.demo_venue.bundled_play import (
    FIRST_MS,
    MINUTE_MS,
    ROUND_MS,
    Bundled,
    faults_of,
    name_of,
    script,
)
from scanner_app.feeds.demo_venue.faults import FaultKind
from scanner_app.feeds.demo_venue.names import SYMBOLS

NOW = 1_900_000_000_000 // ROUND_MS * ROUND_MS


@pytest.fixture(scope="module")
def truth():
    return Bundled(load_series())


@pytest.mark.parametrize(
    ("ticker", "name"),
    [("AAPL", "AAPLUSDT"), ("PSE:AC", "ACUSDT"), ("EURUSD", "EURUSDT"), ("005930", "005930USDT")],
)
def test_symbols_have_names_as_at_binance(ticker, name):
    assert name_of(ticker) == name


def test_every_bundled_series_has_a_name_of_its_own(truth):
    assert len(load_series()) == 20
    assert [symbol for symbol, _ in truth.series] == [name_of(each.symbol) for each in load_series()]
    assert sorted(symbol for symbol, _ in truth.series) == list(SYMBOLS)


def test_a_series_is_played_forwards_and_backwards_without_a_jump(truth):
    bars = next(each for each in load_series() if each.symbol == "FB")
    turn = 2 * len(bars)
    start = (NOW // MINUTE_MS // turn + 1) * turn * MINUTE_MS

    there = [truth.kline("FBUSDT", "1m", start + step * MINUTE_MS) for step in range(turn)]

    assert [each.close for each in there[: len(bars)]] == list(bars.close)
    assert [(each.open, each.close) for each in there[len(bars) :]] == [
        (each.close, each.open) for each in reversed(there[: len(bars)])
    ]
    assert [each.open_ms - start for each in there] == [step * MINUTE_MS for step in range(turn)]
    assert all(before.high >= after.low * 0.8 for before, after in pairwise(there))


def test_the_past_stays_what_it_was(truth):
    assert truth.kline("AAPLUSDT", "1m", NOW) == Bundled(load_series()).kline("AAPLUSDT", "1m", NOW)
    assert truth.kline("AAPLUSDT", "1m", FIRST_MS - MINUTE_MS) is None
    assert truth.kline("NOPE", "1m", NOW) is None


def test_each_round_has_its_faults_and_spares_its_last_minute():
    whole = faults_of(["A", "B", "C"], NOW, NOW + 4 * ROUND_MS - 1)

    assert {each.kind for each in whole} == {
        FaultKind.SKIP, FaultKind.DROP, FaultKind.REFUSE, FaultKind.MUTE, FaultKind.DEAF, FaultKind.CORRECT,
        FaultKind.FAIL, FaultKind.LAG, FaultKind.HALT,
    }  # fmt: skip
    assert all(max(each.until_ms, each.first_ms) % ROUND_MS <= 14 * MINUTE_MS for each in whole)


def test_faults_are_the_same_however_they_are_asked_for():
    whole = faults_of(["A", "B", "C"], NOW, NOW + ROUND_MS)
    parts = {
        each
        for step in range(16)
        for each in faults_of(["A", "B", "C"], NOW + step * MINUTE_MS, NOW + (step + 1) * MINUTE_MS)
    }

    assert len(whole) >= 7
    assert set(whole) <= parts
    assert all(each.first_ms <= NOW + 16 * MINUTE_MS for each in parts)


def test_the_whole_demo_sends_twenty_bars_a_minute():
    sent = script().messages(NOW, NOW + MINUTE_MS)

    assert sum(each.closed for each in sent) == 20
    assert len(sent) == 20 * 30
