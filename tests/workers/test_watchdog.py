"""When the watchdog takes its worker for deaf."""

from scanner_app.domain.worker_health import DEAF_AFTER_S
from scanner_app.workers.watchdog import WaitingMessages


def test_a_message_that_goes_on_waiting_makes_a_worker_deaf():
    waiting_messages = WaitingMessages()

    seen = [waiting_messages.look({"symbol.AAPL": "AAPL-1-e0/0"}, now, taken=0) for now in (0.0, 5.0, DEAF_AFTER_S)]

    assert seen == [0.0, 5.0, DEAF_AFTER_S]


def test_queues_that_are_never_empty_but_move_on_do_not():
    waiting_messages = WaitingMessages()

    seen = [waiting_messages.look({"symbol.AAPL": f"AAPL-{now}-e0/0"}, float(now), taken=0) for now in range(0, 60, 2)]

    assert max(seen) == 0.0


def test_a_busy_worker_is_not_deaf_and_the_count_begins_again_when_it_is_free():
    waiting_messages = WaitingMessages()
    waiting_messages.look({"symbol.AAPL": "AAPL-1-e0/0"}, 0.0, taken=0)
    waiting_messages.look({}, 2.0, taken=0)  # no free slot: not even looked at

    assert waiting_messages.look({"symbol.AAPL": "AAPL-1-e0/0"}, 11.0, taken=0) == 0.0


def test_a_worker_that_takes_a_thousand_symbols_messages_in_turn_is_not_deaf_to_the_last_ones():
    waiting_messages = WaitingMessages()

    seen = []
    for second in range(0, 20, 2):  # fifty a second: the last one's turn comes after twenty
        waiting = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(50 * second, 1_000)}
        seen.append(waiting_messages.look(waiting, float(second), taken=50 * second))

    assert max(seen) == 0.0


def test_a_worker_that_goes_deaf_amid_a_thousand_messages_is_deaf_ten_seconds_later():
    waiting_messages = WaitingMessages()
    waiting = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(1_000)}
    waiting_messages.look(waiting, 0.0, taken=0)
    waiting_messages.look(waiting, 8.0, taken=300)

    seen = [waiting_messages.look(waiting, now, taken=300) for now in (10.0, 8.0 + DEAF_AFTER_S)]

    assert seen == [2.0, DEAF_AFTER_S]


def test_a_worker_that_takes_from_its_other_queues_alone_is_deaf_to_the_one():
    waiting_messages = WaitingMessages()

    seen = [
        waiting_messages.look({"symbol.NEW": "NEW-1-e0/0"}, now, taken=round(now))
        for now in (0.0, 2.0, 5.0, DEAF_AFTER_S)
    ]

    assert seen == [0.0, 0.0, 5.0, DEAF_AFTER_S]


def test_a_trickle_from_others_keeps_a_worker_that_is_deaf_to_one_alive_for_a_minute_at_most():
    waiting_messages = WaitingMessages()
    burst = {f"symbol.{number}": f"{number}-1-e0/0" for number in range(200)}
    deaf_to = {"symbol.NEW": "NEW-1-e0/0"}
    waiting_messages.look(burst | deaf_to, 0.0, taken=0)

    seen = {now: waiting_messages.look(deaf_to, float(now), taken=200 + now) for now in range(2, 70, 2)}

    assert max(seen[now] for now in range(2, 60, 2)) < DEAF_AFTER_S
    assert seen[62] > DEAF_AFTER_S


def test_beginning_with_new_queues_is_not_deafness():
    waiting_messages = WaitingMessages()
    waiting = {"symbol.AAPL": "AAPL-1-e0/0"}
    waiting_messages.look(waiting, 0.0, taken=0)
    waiting_messages.busy(8.0)

    assert waiting_messages.look(waiting, 10.0, taken=0) == 2.0
