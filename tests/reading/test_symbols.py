"""Finding symbols by a ticker that somebody typed."""

import pytest

from scanner_app.models import Symbol
from scanner_app.reading import symbols
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db


@pytest.fixture
def deleted():
    """A symbol that is being deleted."""
    gone = make_symbol("GONE")
    Symbol.objects.filter(pk=gone.pk).update(deleted_at=T0)
    return gone


@pytest.mark.parametrize("text", ["BTC/USD", "btc/usd", "Btc/Usd"])
def test_a_symbol_is_found_in_upper_and_lower_case(text):
    stored = make_symbol("BTC/USD")

    assert symbols.find(text) == stored
    assert symbols.get(text) == stored


IMPOSSIBLE = ["", "A,B", "A\0", "\ud800", "Ä", "ß", "A/reset", "x" * 33, " TSLA"]


@pytest.mark.parametrize("text", ["NONE", "GONE", *IMPOSSIBLE])
def test_an_unknown_ticker_finds_nothing_and_is_named_in_the_error(deleted, text):
    make_symbol("TSLA")
    make_symbol("SS")  # "ß" in upper case

    assert symbols.find(text) is None
    with pytest.raises(symbols.SymbolNotFound) as caught:
        symbols.get(text)
    assert str(caught.value) == f"Symbol {text.upper()} not found"


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_the_database_is_not_asked_for_a_ticker_that_no_symbol_can_have(django_assert_num_queries, text):
    with django_assert_num_queries(0):
        symbols.find(text)


def test_a_symbol_that_is_being_deleted_is_found_among_all_symbols(deleted):
    assert symbols.find("gone", among=Symbol.objects.all()) == deleted


def test_many_symbols_are_found_once_each_in_the_order_of_the_tickers(django_assert_num_queries, deleted):
    tsla, aapl = make_symbol("TSLA"), make_symbol("AAPL")

    with django_assert_num_queries(1):
        found, unknown = symbols.find_all(["tsla", "nope", "a b", "AAPL", "TSLA", "gone", "NOPE", "\ud800"])

    assert found == [tsla, aapl]
    assert unknown == ["NOPE", "A B", "GONE", "\ud800"]
