import pytest

from scanner_app.feeds.live.budget import LONGEST_S, PAUSES_S, Budget


def budget() -> Budget:
    return Budget(units=60, span_s=60)


def test_what_is_spent_fills_up_evenly():
    one = budget()
    one.spend(60, 100)

    assert one.wait_s(2, 100) == pytest.approx(2)
    assert one.wait_s(2, 101) == pytest.approx(1)
    assert one.wait_s(2, 102) == 0


def test_more_than_the_budget_is_never_saved_up():
    one = budget()
    one.spend(0, 100)
    one.spend(60, 10_000)

    assert one.wait_s(1, 10_000) > 0


def test_a_question_dearer_than_the_whole_budget_can_be_asked_all_the_same():
    assert budget().wait_s(1_000, 100) == 0


def test_retry_after_is_obeyed_and_not_shortened_by_a_later_failure():
    one = budget()

    assert one.failed(30, 100) == 30
    one.failed(None, 100)
    assert one.wait_s(1, 129) == pytest.approx(1)
    assert one.wait_s(1, 130) == 0


def test_without_a_word_from_the_venue_the_pauses_grow_until_it_answers():
    one = budget()

    assert [one.failed(None, 100) for _ in range(7)] == [*PAUSES_S, PAUSES_S[-1]]
    one.answered()
    assert one.failed(None, 100) == PAUSES_S[0]


def test_a_senseless_retry_after_does_not_block_for_ever():
    assert budget().failed(1e12, 100) == LONGEST_S
