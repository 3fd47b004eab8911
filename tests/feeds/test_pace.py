"""Rate and time left."""

import pytest

from scanner_app.feeds.pace import Meter


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def meter(clock):
    return Meter(lambda: clock[0])


def test_rate_and_time_left_of_a_steady_replay(meter, clock):
    for second in range(1, 21):
        clock[0] = 100.0 + second
        meter.note(1_500 * second, second / 100)

    assert str(meter) == "1,500 bars a second, about 1 min 20 s left"


def test_the_rate_is_that_of_the_last_half_minute(meter, clock):
    done = 0
    for second in range(1, 201):
        clock[0] = 100.0 + second
        done += 1_000 if second <= 100 else 50
        meter.note(done, second / 1_000)

    assert str(meter).startswith("50 bars a second")


def test_the_rate_falls_while_nothing_moves(meter, clock):
    clock[0] += 10
    meter.note(1_000, 0.5)
    clock[0] += 90

    assert str(meter) == "10 bars a second, about 1 min 40 s left"


def test_many_notes_take_no_more_memory_than_few(meter, clock):
    for note in range(100_000):
        clock[0] += 0.001
        meter.note(note, 0.5)

    assert len(meter._samples) < 40


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "2.5 bars a second"), (0.5, "2.5 bars a second, about 4 s left")],
)
def test_where_no_share_is_known_there_is_no_time_left(meter, clock, share, text):
    clock[0] += 4
    meter.note(10, share)

    assert str(meter) == text


def test_before_the_first_second_nothing_is_claimed(meter):
    assert str(meter) == ""
