"""Which queues a worker consumes, and when it is deaf."""

import pytest

from scanner_app.domain.worker_roles import role_of
from scanner_app.messaging.heartbeats import DEAF_AFTER_S
from scanner_app.models import SymbolStatus
from scanner_app.workers.queue_following import shard_of, wanted_queues
from scanner_app.workers.watchdog import WaitingMessages
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


@pytest.mark.parametrize(
    ("queues", "name"),
    [
        pytest.param(["main", "symbol.AAPL"], "main", id="main"),
        pytest.param(["slow.symbol.AAPL", "slow"], "slow", id="slow"),
        pytest.param(["upkeep"], "upkeep", id="upkeep"),
        pytest.param(["notify"], "notify", id="notify"),
    ],
)
def test_a_workers_role_is_its_base_queue(queues, name):
    assert role_of(queues) == name


def test_a_message_that_lies_on_makes_a_worker_deaf():
    lying = WaitingMessages()

    seen = [lying.look({"symbol.AAPL": "AAPL-1-e0/0"}, now, taken=0) for now in (0.0, 5.0, DEAF_AFTER_S)]

    assert seen == [0.0, 5.0, DEAF_AFTER_S]


def test_queues_that_are_never_empty_but_move_on_do_not():
    lying = WaitingMessages()

    seen = [lying.look({"symbol.AAPL": f"AAPL-{now}-e0/0"}, float(now), taken=0) for now in range(0, 60, 2)]

    assert max(seen) == 0.0


def test_a_busy_worker_is_not_deaf_and_the_count_begins_anew_when_it_is_free():
    lying = WaitingMessages()
    lying.look({"symbol.AAPL": "AAPL-1-e0/0"}, 0.0, taken=0)
    lying.look({}, 2.0, taken=0)  # no free slot: not even looked at

    assert lying.look({"symbol.AAPL": "AAPL-1-e0/0"}, 11.0, taken=0) == 0.0


def test_a_worker_that_takes_a_thousand_symbols_messages_in_turn_is_not_deaf_to_the_last_ones():
    lying = WaitingMessages()

    seen = []
    for second in range(0, 20, 2):  # fifty a second: the last one's turn comes after twenty
        waiting = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(50 * second, 1_000)}
        seen.append(lying.look(waiting, float(second), taken=50 * second))

    assert max(seen) == 0.0


def test_a_worker_that_goes_deaf_amid_a_thousand_messages_is_deaf_ten_seconds_later():
    lying = WaitingMessages()
    waiting = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(1_000)}
    lying.look(waiting, 0.0, taken=0)
    lying.look(waiting, 8.0, taken=300)

    seen = [lying.look(waiting, now, taken=300) for now in (10.0, 8.0 + DEAF_AFTER_S)]

    assert seen == [2.0, DEAF_AFTER_S]


def test_a_worker_that_takes_from_its_other_queues_alone_is_deaf_to_the_one():
    lying = WaitingMessages()

    seen = [lying.look({"symbol.NEW": "NEW-1-e0/0"}, now, taken=round(now)) for now in (0.0, 2.0, 5.0, DEAF_AFTER_S)]

    assert seen == [0.0, 0.0, 5.0, DEAF_AFTER_S]


def test_a_trickle_from_others_keeps_a_worker_that_is_deaf_to_one_alive_for_a_minute_at_most():
    lying = WaitingMessages()
    burst = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(200)}
    deaf_to = {"symbol.NEW": "NEW-1-e0/0"}
    lying.look(burst | deaf_to, 0.0, taken=0)

    seen = {now: lying.look(deaf_to, float(now), taken=200 + now) for now in range(2, 70, 2)}

    assert max(seen[now] for now in range(2, 60, 2)) < DEAF_AFTER_S
    assert seen[62] > DEAF_AFTER_S


def test_beginning_with_new_queues_is_not_deafness():
    lying = WaitingMessages()
    waiting = {"symbol.AAPL": "AAPL-1-e0/0"}
    lying.look(waiting, 0.0, taken=0)
    lying.busy(8.0)

    assert lying.look(waiting, 10.0, taken=0) == 2.0
