from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain.enums import GapCause, GapState
from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live import ledger
from scanner_app.feeds.live.acts import Hole
from scanner_app.mailbox import accept
from scanner_app.models import Feed, Gap
from tests.conftest import make_symbol, new_bar

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TSLA = Series("TSLA", "1m")


@pytest.fixture(autouse=True)
def known():
    Feed.objects.create(name="mine", venue="binance", entry="TSLA@1m")
    return make_symbol("TSLA")


def hole(first: int, last: int, missing: int | None = None) -> Hole:
    count = last - first + 1 if missing is None else missing
    return Hole(NOW + first * MINUTE, NOW + last * MINUTE, count, GapCause.SKIPPED)


def find(first: int, last: int) -> None:
    ledger.find(TSLA, hole(first, last), feed="mine", now=NOW)


def come(*minutes: int, **values) -> None:
    accept([new_bar(timeframe="1m", timestamp=NOW + minute * MINUTE, **values) for minute in minutes], now=NOW)


def rows() -> list[tuple[int, int, int, str]]:
    found = Gap.objects.order_by("first")
    return [(int((gap.first - NOW) / MINUTE), int((gap.last - NOW) / MINUTE), gap.missing, gap.state) for gap in found]


def answer(now: datetime = NOW + timedelta(hours=1), *, always_sends: bool = True) -> None:
    for gap in Gap.objects.filter(state=GapState.OPEN):
        ledger.answered(gap.pk, always_sends=always_sends, history_within=MINUTE, now=now)


def test_a_hole_is_a_row_that_is_asked_for_after_a_while():
    find(0, 2)

    gap = Gap.objects.get()
    assert gap.feed is not None
    assert (gap.missing, gap.cause, gap.state, gap.feed.name) == (3, "skipped", "open", "mine")
    assert ledger.due([TSLA], now=NOW, most=9) == []
    (due,) = ledger.due([TSLA], now=NOW + timedelta(seconds=10), most=9)
    assert (due.pk, due.series, due.first, due.last) == (gap.pk, TSLA, gap.first, gap.last)
    assert ledger.open_counts() == {TSLA: 1}


@pytest.mark.parametrize(
    ("holes", "expected"),
    [
        pytest.param([(0, 2), (3, 4)], [(0, 4, 5, "open")], id="a neighbour behind it"),
        pytest.param([(3, 4), (0, 2)], [(0, 4, 5, "open")], id="a neighbour before it"),
        pytest.param([(0, 2), (0, 2)], [(0, 2, 3, "open")], id="the same hole again"),
        pytest.param([(0, 2), (1, 4)], [(0, 4, 5, "open")], id="one that overlaps it"),
        pytest.param([(0, 2), (4, 4)], [(0, 2, 3, "open"), (4, 4, 1, "open")], id="a bar between them is there"),
    ],
)
def test_neighbouring_holes_are_one_row(holes, expected):
    for first, last in holes:
        find(first, last)

    assert rows() == expected


def test_a_hole_is_refilled_when_all_of_it_has_come():
    find(0, 2)
    come(0, 1)
    ledger.settle(TSLA, now=NOW)
    assert Gap.objects.get().refilled == 2
    come(2)

    ledger.settle(TSLA, now=NOW)

    gap = Gap.objects.get()
    assert (gap.state, gap.refilled, gap.ended_at, gap.next_ask_at) == ("refilled", 3, NOW, None)


def test_an_assumed_bar_does_not_fill_a_hole():
    find(0, 0)
    come(0, assumed=True)

    ledger.settle(TSLA, now=NOW)

    assert Gap.objects.get().state == GapState.OPEN


def test_a_hole_is_empty_after_three_answers_and_not_before():
    find(0, 2)
    come(1)

    states = []
    for _ in range(3):
        answer()
        states.append(Gap.objects.get().state)

    assert states == ["open", "open", "empty"]
    assert ledger.summary(since=NOW, until=NOW + MINUTE) == ledger.Summary(
        holes=1, missing=3, refilled=1, empty=2, given_up=0, open=0
    )


def test_answers_before_history_can_have_the_bars_do_not_make_it_empty():
    find(0, 2)

    for _ in range(9):
        answer(NOW + 3 * MINUTE)

    assert Gap.objects.get().state == GapState.OPEN


def test_where_nothing_is_sent_without_a_trade_one_answer_is_enough():
    find(0, 2)

    answer(always_sends=False)

    assert Gap.objects.get().state == GapState.EMPTY


def test_the_questions_come_at_growing_pauses():
    find(0, 2)
    pauses = []
    for _ in range(2):
        answer(NOW)
        next_ask_at = Gap.objects.get().next_ask_at
        assert next_ask_at is not None
        pauses.append((next_ask_at - NOW).total_seconds())
    ledger.not_answered(Gap.objects.get().pk, "status 500", now=NOW)

    assert pauses == [5, 15]
    assert Gap.objects.get().last_error == "status 500"
    assert Gap.objects.get().asked == 2


def test_bars_that_retention_would_refuse_are_given_up(settings):
    settings.SCANNER_KEEP_BARS_DAYS = 1
    find(0, 2)

    answer(NOW + timedelta(days=2))

    assert (Gap.objects.get().state, Gap.objects.get().ended_by) == ("given_up", "retention")


def test_an_operator_gives_up_an_open_hole_once():
    find(0, 2)
    gap = Gap.objects.get()

    assert ledger.give_up(gap.pk, by="ada", now=NOW)
    assert not ledger.give_up(gap.pk, by="bob", now=NOW)
    answer()
    come(0, 1, 2)
    ledger.settle(TSLA, now=NOW)

    gap.refresh_from_db()
    assert (gap.state, gap.ended_by, gap.ended_at) == ("given_up", "ada", NOW)
    assert ledger.open_counts() == {}


def test_holes_of_other_series_are_not_this_feed_s():
    find(0, 2)

    assert ledger.due([Series("TSLA", "1h"), Series("IBM", "1m")], now=NOW + MINUTE, most=9) == []


def test_the_hole_of_a_symbol_that_is_gone_is_forgotten():
    ledger.find(Series("GONE", "1m"), hole(0, 2), feed="mine", now=NOW)

    assert not Gap.objects.exists()
