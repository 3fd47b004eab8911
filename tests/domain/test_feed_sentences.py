"""What is said about live feeds and holes."""

import pytest

from scanner_app.domain.enums import FeedState
from scanner_app.domain.feed_sentences import day_summary, trouble


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        (FeedState.LIVE, {"error": "old"}, ""),
        (FeedState.CATCHING_UP, {}, ""),
        (FeedState.DOWN, {}, "Live feed binance is down."),
        (FeedState.DOWN, {"error": "refused. "}, "Live feed binance is down: refused."),
        (FeedState.SILENT, {}, "Live feed binance is connected, but its bars are overdue."),
        (
            FeedState.SILENT,
            {"quiet_s": 75},
            "Live feed binance is connected, but its bars are overdue. The last message came 1 min 15 s ago.",
        ),
    ],
)
def test_trouble_is_a_sentence_and_nothing_while_there_is_none(state, more, said):
    assert trouble("binance", state, **more) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        pytest.param((0, 0, 0, 0, 0, 0), "today: no holes", id="none"),
        pytest.param(
            (3, 41, 40, 1, 0, 0),
            "today: 3 holes of 41 bars, 40 refilled, 1 empty by the venue",
            id="as the issue has it",
        ),
        pytest.param((1, 1, 0, 0, 0, 1), "today: 1 hole of 1 bar, 1 still missing", id="one"),
        pytest.param(
            (2, 2_000, 1_000, 0, 990, 10),
            "today: 2 holes of 2,000 bars, 1,000 refilled, 990 given up, 10 still missing",
            id="many",
        ),
    ],
)
def test_a_days_summary_names_only_what_there_was(numbers, said):
    holes, missing, refilled, empty, given_up, still_open = numbers

    assert said == day_summary(
        "today",
        holes=holes,
        missing=missing,
        refilled=refilled,
        empty=empty,
        given_up=given_up,
        still_open=still_open,
    )
