import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import SessionExtremes
from tests.detectors.beyond_candles.stories import story, told, upside_down

SESSIONS = SessionExtremes()
HIGH, LOW = [("SESSION_HIGH", "bullish")], [("SESSION_LOW", "bearish")]


def from_(start, bars, minutes=5):
    return np.datetime64(start, "us") + np.arange(bars) * np.timedelta64(minutes, "m")


# Yesterday ends at 150, far above. Today from 14:30 on: bar 12 is the session's first.
YESTERDAY = from_("2024-01-02T19:00", 12)
TODAY = from_("2024-01-03T14:30", 14)
CLOSES = [100, 101, 102, 101, 101, 101, 101, 101, 103, 104, 102, 102, 101, 101]
DAY = story([150] * 12 + CLOSES, open=[150] * 12 + CLOSES, times=np.r_[YESTERDAY, TODAY], timeframe="5m")


def test_the_first_high_above_the_sessions_own_is_told_whatever_yesterday_was():
    assert told(SESSIONS, DAY) == {20: HIGH}
    assert told(SESSIONS, upside_down(DAY)) == {20: LOW}


def test_its_strength_is_the_age_of_the_high_in_the_session():
    (signal,) = SESSIONS.detect(DAY.between(0, 21))

    assert signal.strength == 75  # 6 of 8 bars


def test_before_the_session_has_settled_nothing_is_told():
    assert told(SessionExtremes(settle_min=40), DAY) == {20: HIGH}
    assert told(SessionExtremes(settle_min=41), DAY) == {}


def test_a_market_that_never_closes_has_a_session_from_midnight_to_midnight():
    closes = [150] * 12 + CLOSES
    around = story(closes, open=closes, times=from_("2024-01-02T23:00", 26), timeframe="5m")

    assert told(SESSIONS, around) == {20: HIGH}


def test_while_the_sessions_beginning_is_not_seen_nothing_is_told():
    assert told(SESSIONS, DAY.between(12, 26)) == {}


@pytest.mark.parametrize("timeframe", ["1d", "1w"])
def test_bars_of_a_day_and_longer_have_no_session(timeframe):
    assert told(SESSIONS, story([100, 101, 102, 101, 101, 101, 101, 101, 103], timeframe=timeframe)) == {}


def test_a_pause_at_noon_ends_no_session():
    times = np.r_[YESTERDAY, TODAY[:4], TODAY[4:] + np.timedelta64(60, "m")]
    with_lunch = story(DAY.close, open=DAY.open, times=times, timeframe="5m")

    assert told(SESSIONS, with_lunch) == {20: HIGH}
