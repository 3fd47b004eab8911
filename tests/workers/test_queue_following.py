"""Which queues a worker consumes."""

import pytest

from scanner_app.models import SymbolStatus
from scanner_app.workers.queue_following import shard_of, wanted_queues
from tests.conftest import T0, make_symbol

TICKERS = ["AAPL", "BTC/USD", "GOOG", "IBM", "MSFT", "TSLA"]


@pytest.fixture
def symbols(db):
    return [make_symbol(ticker) for ticker in TICKERS]


def test_the_main_worker_consumes_every_symbols_queue(symbols):
    assert wanted_queues("main") == {f"symbol.{ticker.replace('/', '%2F')}" for ticker in TICKERS}


def test_the_slow_worker_consumes_those_of_the_slow_lane(symbols):
    SymbolStatus.objects.filter(symbol__ticker="IBM").update(lane="slow")

    assert wanted_queues("slow") == {"slow.symbol.IBM"}


def test_a_deleted_symbols_queue_is_consumed_no_more(symbols):
    symbols[0].deleted_at = T0
    symbols[0].save()

    assert "symbol.AAPL" not in wanted_queues("main")


def test_shards_share_the_queues_out_without_gap_or_overlap(symbols, settings):
    settings.SCANNER_SHARDS = 3
    shares = []
    for settings.SCANNER_SHARD in range(3):
        shares.append(wanted_queues("main"))

    assert sorted(queue for share in shares for queue in share) == sorted(
        f"symbol.{ticker.replace('/', '%2F')}" for ticker in TICKERS
    )


def test_a_tickers_shard_is_the_same_in_every_process():
    assert [shard_of(ticker, 4) for ticker in ("AAPL", "MSFT", "TSLA")] == [0, 3, 3]
