"""Forming bars' values in the broker."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.messaging import forming
from scanner_app.messaging.forming import FormingValues, Period

OPENS = datetime(2026, 3, 3, 15, tzinfo=UTC)
HOUR = Period(7, "1h", OPENS + timedelta(hours=1))
DAY = Period(7, "1d", OPENS + timedelta(hours=9))
OTHER = Period(8, "1h", OPENS + timedelta(hours=1))

moments = st.datetimes(timezones=st.just(UTC))
prices = st.floats(allow_nan=False, allow_infinity=False)


def values(close: float) -> FormingValues:
    return FormingValues(timestamp=OPENS, open=1, high=9, low=0.5, close=close, volume=None, sent_at=OPENS)


@given(
    st.builds(
        FormingValues,
        timestamp=moments,
        open=prices,
        high=prices,
        volume=st.none() | prices,
        sent_at=moments,
        low=prices,
        close=prices,
    )
)
def test_values_come_back_as_they_went(sent):
    assert forming._parsed(forming._text(sent).encode()) == sent


def test_each_bar_has_its_own_values(broker_server):
    forming.write({HOUR: values(1), DAY: values(2), OTHER: values(3)})
    forming.write({HOUR: values(4)})

    assert forming.read([OTHER, DAY, HOUR]) == {HOUR: values(4), DAY: values(2), OTHER: values(3)}
    forming.remove([DAY, OTHER])
    assert forming.read([OTHER, DAY, HOUR]) == {HOUR: values(4)}


def test_nothing_is_kept_for_ever(broker_server):
    forming.write({HOUR: values(1)})

    assert 0 < broker_server.ttl(f"{forming.KEY}7") <= forming.KEEP_S


def test_after_a_failure_the_next_call_fails_at_once(settings, monkeypatch):
    settings.REDIS_URL = "unix:///nowhere"
    with pytest.raises(redis.RedisError):
        forming.read([HOUR])
    monkeypatch.setattr(forming, "client", None)  # asking for it would be a TypeError

    with pytest.raises(redis.ConnectionError, match="a moment ago"):
        forming.write({HOUR: values(1)})
