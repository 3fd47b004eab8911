from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.notifications.digests import MINUTE, QUIET, SINGLES, Mail, Notice, plan
from tests.conftest import T0

ALONE = lambda *ids: [Mail(ids=(each,)) for each in ids]  # noqa: E731 - reads as a word in the tables


def at(*seconds: float, first_id: int = 1, named: bool = False) -> list[Notice]:
    """Notices of these seconds after T0, numbered from `first_id`."""
    return [
        Notice(id=number, at=T0 + timedelta(seconds=each), named=named) for number, each in enumerate(seconds, first_id)
    ]


@pytest.mark.parametrize(
    ("pending", "told", "now_s", "mails"),
    [
        pytest.param(at(), at(), 0, [], id="nothing to tell"),
        pytest.param(at(0), at(), 0, ALONE(1), id="the first goes out at once"),
        pytest.param(at(0, 1, 2, 3), at(), 3, ALONE(1, 2, 3, 4), id="four of one moment go out by themselves"),
        pytest.param(at(50, first_id=4), at(0, 10, 20), 50, ALONE(4), id="the fourth of a minute goes out at once"),
        pytest.param(at(50, first_id=5), at(0, 10, 20, 30), 50, [], id="the fifth of a minute waits for its like"),
        pytest.param(
            at(60, first_id=5), at(0, 10, 20, 30), 60, ALONE(5), id="the fifth, a minute after the first, is the fourth"
        ),
        pytest.param(at(4, first_id=5), at(0, 1, 2, 3), 18.9, [], id="it waits just under 15 s of quiet"),
        pytest.param(
            at(4, first_id=5),
            at(0, 1, 2, 3),
            19,
            [Mail(ids=(5,), also=(1, 2, 3, 4))],
            id="after 15 s of quiet one message names it and the four that were told",
        ),
        pytest.param(
            at(4, 18, 32, 46, first_id=5), at(0, 1, 2, 3), 59.9, [], id="more keep coming: all wait, the minute lasts"
        ),
        pytest.param(
            at(4, 18, 32, 46, 59, first_id=5),
            at(0, 1, 2, 3),
            60,
            [Mail(ids=(5, 6, 7, 8, 9), also=(1, 2, 3, 4))],
            id="more keep coming: told when the minute since the first is over",
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 0), at(), 0, ALONE(1), id="six of one moment: one at once, five wait for the digest"
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, first_id=2), at(0), 10, [], id="with one of them told, none of the others hurries"
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, first_id=2), at(0), 15, [Mail(ids=(2, 3, 4, 5, 6), also=(1,))], id="which names all six"
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 0),
            at(),
            300,
            [Mail(ids=(1, 2, 3, 4, 5, 6))],
            id="six that nobody could be told in time: one message",
        ),
        pytest.param(
            at(20, first_id=6), at(0, 1, 2, 3, 4, named=True), 34.9, [], id="a straggler of a told burst waits too"
        ),
        pytest.param(
            at(20, first_id=6),
            at(0, 1, 2, 3, 4, named=True),
            35,
            ALONE(6),
            id="a straggler that stayed alone is a message of its own",
        ),
        pytest.param(
            at(20, 30, first_id=6),
            at(0, 1, 2, 3, 4, named=True),
            45,
            [Mail(ids=(6, 7))],
            id="stragglers are named together, without those that a digest has named",
        ),
        pytest.param(
            at(0, 100, 100, 100, 100, 100),
            at(),
            115,
            [*ALONE(1), Mail(ids=(2, 3, 4, 5, 6))],
            id="one of long before the burst is none of it",
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 200), at(), 300, [*ALONE(6), Mail(ids=(1, 2, 3, 4, 5))], id="nor is one of long after"
        ),
    ],
)
def test_which_messages_go_out_alone_and_which_as_one(pending, told, now_s, mails):
    assert plan(pending, told, T0 + timedelta(seconds=now_s)) == mails


def test_the_order_in_which_notices_are_given_changes_nothing():
    pending, told = at(4, 9, first_id=5), at(0, 1, 2, 3)

    forwards, backwards = (plan(p, t, T0 + MINUTE) for p, t in ((pending, told), (pending[::-1], told[::-1])))

    assert forwards == backwards == [Mail(ids=(5, 6), also=(1, 2, 3, 4))]


@given(st.lists(st.floats(0, 300), max_size=40), st.booleans())
def test_whenever_breakers_open_each_is_told_once_within_a_minute_and_never_by_many_messages(openings, runs_at_once):
    notices = at(*sorted(openings))
    told: dict[int, Notice] = {}
    sent: list[tuple[float, Mail]] = []

    # A run every 10 s, as beat asks; and, if the ask gets through, one at each opening.
    for now_s in sorted({float(s) for s in range(0, 400, 10)} | ({*openings} if runs_at_once else set())):
        now = T0 + timedelta(seconds=now_s)
        pending = [notice for notice in notices if notice.at <= now and notice.id not in told]
        for mail in plan(pending, list(told.values()), now):
            sent.append((now_s, mail))
            for each in (*mail.ids, *mail.also):
                told[each] = Notice(id=each, at=notices[each - 1].at, named=mail.is_digest)

    first_told = [each for _, mail in sent for each in mail.ids]
    waits = [now_s - (notices[each - 1].at - T0).total_seconds() for now_s, mail in sent for each in mail.ids]
    assert sorted(first_told) == [notice.id for notice in notices]
    assert max(waits, default=0) <= MINUTE.total_seconds() + 10
    at_most = SINGLES + MINUTE // QUIET + 1
    for now_s, _ in sent:
        assert sum(now_s <= other < now_s + 50 for other, _ in sent) <= at_most
