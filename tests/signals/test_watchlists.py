"""Which symbols a watch list names."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app.domain import tickers
from scanner_app.models import Symbol
from scanner_app.signals import watchlists
from tests.conftest import make_symbol

KNOWN = [
    "TSLA",
    "BRK.B",
    "BRK.A",
    "BRKXA",
    "BTC[1]",
    "BTC1",
    "A^B",
    "A!B",
    "AAB",
    "A]B",
    "$SPX",
    "CL=F",
    "A*C",
    "AXC",
    "A-C",
]


@pytest.fixture
def listed(db):
    """Make a watch list and answer what it names."""
    owner = User.objects.create_user("rita")
    for ticker in KNOWN:
        make_symbol(ticker)

    def make(*entries):
        return watchlists.add(owner, name="x", symbols=watchlists.entries(entries), shared=False, now=timezone.now())

    return make


@pytest.mark.parametrize(
    "entries",
    [
        ["TSLA"],
        ["BRK.*"],
        ["BRK?A"],
        ["BTC[1]"],
        ["A[^!]B"],
        ["A[!^]B"],
        ["A[]]B"],
        ["A[!]]B"],
        ["A[A-Z]*"],
        ["A[-X]C"],
        ["A*C"],
        ["A?C"],
        ["$*", "CL=?"],
        ["["],
        ["NONE", "*"],
        ["*A", "TSLA", "B*"],
    ],
)
def test_both_databases_find_what_the_pattern_says(listed, entries):
    made = listed(*entries)

    expected = tickers.in_order(KNOWN, entries)

    assert watchlists.tickers_of(made) == expected
    assert set(watchlists.symbols_of(made).values_list("ticker", flat=True)) == set(expected)


def test_the_exact_ticker_wins_over_the_pattern():
    assert tickers.in_order(KNOWN, ["BTC[1]"]) == ["BTC[1]"]
    assert tickers.in_order(["BTC1"], ["BTC[1]"]) == ["BTC1"]


def test_the_order_is_the_lists_and_each_ticker_stands_once():
    assert tickers.in_order(KNOWN, ["TSLA", "BRK*", "BRK.A", "*"])[:5] == ["TSLA", "BRK.A", "BRK.B", "BRKXA", "$SPX"]


def test_a_deleted_symbol_is_in_no_list(listed):
    Symbol.objects.filter(ticker="TSLA").update(deleted_at=timezone.now())

    assert watchlists.tickers_of(listed("TSLA", "BRK.A")) == ["BRK.A"]
