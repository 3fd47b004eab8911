"""The names of all queues, for Flower."""

import pytest

from scanner_app.models import Symbol, SymbolStatus
from scanner_app.reading.queues import queue_names
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_symbols_queue_is_named_also_those_of_the_slow_lane_and_none_of_a_deleted_one():
    for ticker in ("BTC/USD", "GONE", "TSLA"):
        make_symbol(ticker)
    SymbolStatus.objects.filter(symbol__ticker="TSLA").update(lane="slow")
    Symbol.objects.filter(ticker="GONE").update(deleted_at=T0)

    names = queue_names()

    assert names == ["slow.symbol.TSLA", "symbol.BTC%2FUSD", "symbol.TSLA", "upkeep", "notify", "hits", "rerun"]
