from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.notifications.digests import MINUTE, QUIET, SINGLES, Candidate, PlannedMessage, plan
from tests.conftest import T0

ALONE = lambda *ids: [PlannedMessage(ids=(each,)) for each in ids]  # noqa: E731 - reads as a word in the tables


def at(*seconds: float, first_id: int = 1, in_digest: bool = False) -> list[Candidate]:
    """Candidates at these seconds after T0, numbered from `first_id`."""
    return [
        Candidate(id=number, at=T0 + timedelta(seconds=each), in_digest=in_digest)
        for number, each in enumerate(seconds, first_id)
    ]


@pytest.mark.parametrize(
    ("pending", "earlier", "now_s", "messages"),
    [
        pytest.param(at(), at(), 0, [], id="nothing to send"),
        pytest.param(at(0), at(), 0, ALONE(1), id="the first goes out at once"),
        pytest.param(at(0, 1, 2, 3), at(), 3, ALONE(1, 2, 3, 4), id="four of one moment go out by themselves"),
        pytest.param(at(50, first_id=4), at(0, 10, 20), 50, ALONE(4), id="the fourth of a minute goes out at once"),
        pytest.param(at(50, first_id=5), at(0, 10, 20, 30), 50, [], id="the fifth of a minute waits for the digest"),
        pytest.param(
            at(60, first_id=5), at(0, 10, 20, 30), 60, ALONE(5), id="the fifth, a minute after the first, is the fourth"
        ),
        pytest.param(at(4, first_id=5), at(0, 1, 2, 3), 18.9, [], id="it waits just under 15 s of quiet"),
        pytest.param(
            at(4, first_id=5),
            at(0, 1, 2, 3),
            19,
            [PlannedMessage(ids=(5,), also=(1, 2, 3, 4))],
            id="after 15 s of quiet one message names it and the four that were sent",
        ),
        pytest.param(
            at(4, 18, 32, 46, first_id=5), at(0, 1, 2, 3), 59.9, [], id="more keep coming: all wait, the minute lasts"
        ),
        pytest.param(
            at(4, 18, 32, 46, 59, first_id=5),
            at(0, 1, 2, 3),
            60,
            [PlannedMessage(ids=(5, 6, 7, 8, 9), also=(1, 2, 3, 4))],
            id="more keep coming: sent when the minute since the first is over",
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 0), at(), 0, ALONE(1), id="six of one moment: one at once, five wait for the digest"
        ),
        pytest.param(at(0, 0, 0, 0, 0, first_id=2), at(0), 10, [], id="one of them is sent: all others wait"),
        pytest.param(
            at(0, 0, 0, 0, 0, first_id=2),
            at(0),
            15,
            [PlannedMessage(ids=(2, 3, 4, 5, 6), also=(1,))],
            id="which names all six",
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 0),
            at(),
            300,
            [PlannedMessage(ids=(1, 2, 3, 4, 5, 6))],
            id="six that could not be sent in time: one message",
        ),
        pytest.param(
            at(20, first_id=6), at(0, 1, 2, 3, 4, in_digest=True), 34.9, [], id="a straggler after a digest waits too"
        ),
        pytest.param(
            at(20, first_id=6),
            at(0, 1, 2, 3, 4, in_digest=True),
            35,
            ALONE(6),
            id="a straggler that stayed alone is a message of its own",
        ),
        pytest.param(
            at(20, 30, first_id=6),
            at(0, 1, 2, 3, 4, in_digest=True),
            45,
            [PlannedMessage(ids=(6, 7))],
            id="stragglers are named together, without those that a digest has named",
        ),
        pytest.param(
            at(0, 100, 100, 100, 100, 100),
            at(),
            115,
            [*ALONE(1), PlannedMessage(ids=(2, 3, 4, 5, 6))],
            id="one long before the burst is not part of it",
        ),
        pytest.param(
            at(0, 0, 0, 0, 0, 200),
            at(),
            300,
            [*ALONE(6), PlannedMessage(ids=(1, 2, 3, 4, 5))],
            id="nor is one long after",
        ),
    ],
)
def test_which_notifications_are_sent_alone_and_which_as_a_digest(pending, earlier, now_s, messages):
    assert plan(pending, earlier, T0 + timedelta(seconds=now_s)) == messages


def test_the_order_of_the_candidates_changes_nothing():
    pending, earlier = at(4, 9, first_id=5), at(0, 1, 2, 3)

    forwards, backwards = (plan(p, t, T0 + MINUTE) for p, t in ((pending, earlier), (pending[::-1], earlier[::-1])))

    assert forwards == backwards == [PlannedMessage(ids=(5, 6), also=(1, 2, 3, 4))]


@given(st.lists(st.floats(0, 300), max_size=40), st.booleans())
def test_each_opening_is_sent_once_within_a_minute_and_never_in_many_messages(openings, runs_at_once):
    candidates = at(*sorted(openings))
    earlier: dict[int, Candidate] = {}
    sent: list[tuple[float, PlannedMessage]] = []

    # A run every 10 s, by beat; and, if the trigger gets through, one at each opening.
    for now_s in sorted({float(s) for s in range(0, 400, 10)} | ({*openings} if runs_at_once else set())):
        now = T0 + timedelta(seconds=now_s)
        pending = [candidate for candidate in candidates if candidate.at <= now and candidate.id not in earlier]
        for message in plan(pending, list(earlier.values()), now):
            sent.append((now_s, message))
            for each in (*message.ids, *message.also):
                earlier[each] = Candidate(id=each, at=candidates[each - 1].at, in_digest=message.is_digest)

    first_sent = [each for _, message in sent for each in message.ids]
    waits = [now_s - (candidates[each - 1].at - T0).total_seconds() for now_s, message in sent for each in message.ids]
    assert sorted(first_sent) == [candidate.id for candidate in candidates]
    assert max(waits, default=0) <= MINUTE.total_seconds() + 10
    at_most = SINGLES + MINUTE // QUIET + 1
    for now_s, _ in sent:
        assert sum(now_s <= other < now_s + 50 for other, _ in sent) <= at_most
