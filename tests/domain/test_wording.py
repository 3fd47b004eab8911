from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain import wording

NOW = datetime(2024, 5, 31, 10, 28, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "now", "said"),
    [
        pytest.param(NOW, NOW, "10:28:30 UTC", id="today"),
        pytest.param(NOW - timedelta(hours=11), NOW, "2024-05-30 23:28:30 UTC", id="yesterday has its date"),
        pytest.param(NOW, None, "2024-05-31 10:28:30 UTC", id="in a mail, which is read later"),
        pytest.param(datetime.fromisoformat("2024-05-31T01:00:00+02:00"), NOW, "2024-05-30 23:00:00 UTC", id="in UTC"),
    ],
)
def test_a_time_has_its_date_unless_that_is_today(moment, now, said):
    assert wording.clock(moment, now) == said


@pytest.mark.parametrize(
    ("timeframe", "said"),
    [
        pytest.param("1m", "1m bar of 10:28:30 UTC", id="intraday"),
        pytest.param("4h", "4h bar of 10:28:30 UTC", id="hours"),
        pytest.param("1d", "1d bar of 2024-05-31", id="days have a date"),
        pytest.param("1M", "1M bar of 2024-05-31", id="months too"),
    ],
)
def test_a_bar_is_named_by_its_timeframe_and_opening(timeframe, said):
    assert wording.bar_name(timeframe, NOW, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.04, "0 s"),
        (1.44, "1.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7384, "2 h 3 min"),
        (86_400, "1 day"),
        (86_400 * 3 + 3600 * 4 + 59, "3 days 4 h"),
        (86_400 * 1500, "1,500 days"),
    ],
)
def test_a_span_in_words(seconds, said):
    assert wording.span(seconds) == said


@pytest.mark.parametrize(("parts", "said"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_a_list_in_a_sentence(parts, said):
    assert wording.listed(parts, "or") == said
