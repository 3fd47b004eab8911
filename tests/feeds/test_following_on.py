"""`--follow-on`: what is left out, and what is said about it."""

from datetime import timedelta

import pytest

from scanner_app.engine.overlap import Overlap, compare
from scanner_app.feeds.following_on import FollowOn
from scanner_app.feeds.patience import Outside, Patience
from scanner_app.feeds.tally import Tally, summary
from tests.conftest import T0 as NOW
from tests.conftest import accept_days, raw_bar
from tests.feeds.test_replay import T0, days


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture
def follow_on(tally):
    """What is left of some sources, where A has bars up to the given day."""

    def make(*sources, newest=None, **options):
        patience = Patience(Outside(now=lambda: T0, sleep=lambda _seconds: None, renew=lambda: None))
        options = {"oldest": None, "compare": None} | options
        newest = newest or {("A", "1d"): T0 + timedelta(days=1), ("B", "1h"): T0 + timedelta(days=9)}
        follow = FollowOn(newest=newest, tally=tally, patience=patience, **options)
        return [[line.number - 1 for line in follow.of(source).lines] for source in sources]

    return make


def test_what_is_known_of_the_same_symbol_and_timeframe_alone_is_left_out(follow_on, tally):
    left = follow_on(days("A", 4), days("B", 2), days("C", 1))

    assert left == [[2, 3], [0, 1], [0]]
    assert tally.skipped == 2
    assert "2 skipped as known or too old" in summary(tally)


def test_what_retention_has_forgotten_is_left_out_and_not_looked_up(follow_on, tally):
    left = follow_on(days("C", 4), oldest=T0 + timedelta(days=3), compare=None)

    assert left == [[3]]
    assert (tally.skipped, tally.changed_count, tally.missing) == (3, 0, 0)


def test_bars_that_are_stored_with_other_values_are_counted_and_the_first_are_named(follow_on, tally):
    def other_values(bars, *, now):
        return Overlap(changed=[1, 2, *range(10, 20)], missing=[3])

    left = follow_on(days("A", 30), newest={("A", "1d"): T0 + timedelta(days=25)}, compare=other_values)

    assert left == [[26, 27, 28, 29]]
    assert (tally.skipped, tally.changed_count, tally.missing) == (26, 12, 1)
    lines = summary(tally).splitlines()
    assert lines[1].startswith("History has changed: the files have other values for 12 stored bars that --follow")
    assert "--revise" in lines[1]
    assert lines[2] == "A.csv:2: changed: A 1d 2020-01-02T00:00:00Z"
    assert lines[7] == "... and 7 more"
    assert lines[8].startswith("--follow-on left out 1 bar that is not stored, though")
    assert tally.as_json()["changed"][0] == {
        "file": "A.csv",
        "line": 2,
        "symbol": "A",
        "timeframe": "1d",
        "timestamp": "2020-01-02T00:00:00Z",
    }


def test_a_long_overlap_is_looked_up_piece_by_piece(follow_on, tally):
    sizes: list[int] = []

    def equal(bars, *, now):
        sizes.append(len(bars))
        return Overlap()

    follow_on(days("A", 1_300), newest={("A", "1d"): T0 + timedelta(days=1_200)}, compare=equal)

    assert sizes == [500, 500, 201]
    assert (tally.skipped, tally.changed_count) == (1_201, 0)


# --- beside the stored bars


@pytest.mark.django_db
def test_bars_are_compared_with_the_stored_ones_as_ingest_would(django_assert_max_num_queries):
    accept_days("TSLA", 3)
    bars = [
        raw_bar(day=0),
        raw_bar(day=1, close=10.5),
        raw_bar("tsla", day=2),
        raw_bar(day=3),
        raw_bar("NEW", day=0),
        raw_bar(day=2, high=-1),
        raw_bar(day=2, volume=7.0),
    ]

    with django_assert_max_num_queries(2):
        overlap = compare(bars, now=NOW)

    assert (overlap.changed, overlap.missing) == ([1, 6], [3, 4])
