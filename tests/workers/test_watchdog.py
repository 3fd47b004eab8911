"""When the watchdog takes its worker for deaf."""

from scanner_app.domain.worker_health import DEAF_AFTER_S
from scanner_app.workers.watchdog import PAUSE_S, Waiting


def test_a_worker_with_free_slots_and_no_answer_is_deaf_after_ten_seconds():
    waiting = Waiting(0.0, every_s=5.0)

    seen = [waiting.look(now, could_take=True, answered_s=0.0) for now in (2.0, 5.0, DEAF_AFTER_S)]

    assert seen == [2.0, 5.0, DEAF_AFTER_S]


def test_a_worker_that_hears_every_second_that_there_is_nothing_is_not_deaf():
    waiting = Waiting(0.0, every_s=5.0)

    seen = [waiting.look(float(now), could_take=True, answered_s=now - 0.5) for now in range(0, 60, 2)]

    assert max(seen) == 0.5


def test_a_busy_worker_or_one_without_a_broker_is_not_deaf_and_the_time_begins_again():
    waiting = Waiting(0.0, every_s=5.0)
    waiting.look(9.0, could_take=True, answered_s=0.0)
    waiting.look(11.0, could_take=False, answered_s=0.0)

    assert waiting.look(13.0, could_take=True, answered_s=0.0) == 2.0


def test_a_worker_that_has_just_started_has_its_ten_seconds():
    assert Waiting(100.0, every_s=5.0).look(102.0, could_take=True, answered_s=0.0) == 2.0


def test_a_worker_that_was_stopped_itself_has_its_ten_seconds_once_it_goes_on():
    """As by a pause of its machine: answers have come that it has not read yet."""
    waiting = Waiting(0.0, every_s=2.0)
    waiting.look(2.0, could_take=True, answered_s=1.5)
    on = 4.1 + PAUSE_S

    assert waiting.look(on, could_take=True, answered_s=1.5) == 0.0
    assert waiting.look(on + 2.0, could_take=True, answered_s=1.5) == 2.0
    assert waiting.look(on + 4.0, could_take=True, answered_s=on + 3.5) == 0.5
