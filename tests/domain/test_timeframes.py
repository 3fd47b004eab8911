"""Names of timeframes: ours and other people's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain.timeframes import TIMEFRAMES, normal_name


@pytest.mark.parametrize("name", TIMEFRAMES)
def test_our_own_names_stay_as_they_are(name):
    assert normal_name(name) == name


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        pytest.param("1s", "s 1sec 1S 1Second PT1S second S1 1-second", id="1s"),
        pytest.param(
            "1m", "m 1Min 1min 1MIN 1T 1 M1 m1 minute 1minute minutely PT1M 60s Min1 ONE_MINUTE 1_min", id="1m"
        ),
        pytest.param("3m", "3min 3minute 180s 3", id="3m"),
        pytest.param("5m", "5T 5Min 5mins 5 M5 PT5M FIVE_MINUTE 5-min 300s", id="5m"),
        pytest.param("15m", "15 M15 15min FIFTEEN_MINUTE PT15M", id="15m"),
        pytest.param("1h", "60m 60 60min 1H H H1 hour hourly 1Hour 1hr PT1H PT60M 3600s Min60 ONE_HOUR", id="1h"),
        pytest.param("4h", "4H 240 H4 240m PT4H Hour4 4hours", id="4h"),
        pytest.param("12h", "720 12H TWELVE_HOUR", id="12h"),
        pytest.param(
            "1d", "D d 1D day daily Daily DAILY 1Day D1 P1D 24h 1440m 1440 PT24H Day1 ONE_DAY 86400s", id="1d"
        ),
        pytest.param("3d", "3D 72h 3day P3D", id="3d"),
        pytest.param("1w", "W w 1W wk 1wk week weekly 1Week W1 P1W P7D 7d 7D 168h 10080", id="1w"),
        pytest.param("1M", "M 1mo 1Mo 1mon month monthly 1Month MN1 MN mn1 P1M Month1", id="1M"),
    ],
)
def test_the_names_of_vendors_are_understood(name, texts):
    assert {text: normal_name(text) for text in texts.split()} == dict.fromkeys(texts.split(), name)


@pytest.mark.parametrize(
    ("text", "name"),
    [("1 day", "1d"), ("5 mins", "5m"), (" 1h ", "1h"), ("1 Min", "1m"), ("15 M", None), ("1 M", "1M"), ("m 5", "5m")],
)
def test_a_space_may_stand_between_number_and_unit(text, name):
    assert normal_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("90s", id="no timeframe of ours has this length"),
        pytest.param("5M", id="five months"),
        pytest.param("2M", id="two months"),
        pytest.param("30d", id="a month is no number of days"),
        pytest.param("43200", id="nor of minutes"),
        pytest.param("7m", id="seven minutes"),
        pytest.param("0m", id="nothing"),
        pytest.param("-5m", id="negative"),
        pytest.param("1.5h", id="a fraction"),
        pytest.param("", id="empty"),
        pytest.param("1h 1h", id="two"),
        pytest.param("year", id="a year"),
        pytest.param("3mo", id="a quarter"),
        pytest.param("P1DT1H", id="a day and an hour"),
        pytest.param("tick", id="ticks"),
        pytest.param("\N{ARABIC-INDIC DIGIT FIVE}m", id="other digits"),
        pytest.param("9" * 30 + "m", id="too long"),
    ],
)
def test_what_is_none_of_ours_is_none(text):
    assert normal_name(text) is None


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z]{0,6}[ _-]?[0-9]{0,7}[ _-]?[A-Za-z]{0,7}", fullmatch=True))
def test_any_text_is_a_name_of_ours_or_none(text):
    assert normal_name(text) in {None, *TIMEFRAMES}


@given(st.sampled_from([name for name in TIMEFRAMES if name != "1M"]), st.sampled_from(["s", "sec", "S", " seconds"]))
def test_the_length_decides_and_not_the_unit(name, unit):
    assert normal_name(f"{TIMEFRAMES[name].total_seconds():.0f}{unit}") == name
