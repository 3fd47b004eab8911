from datetime import UTC, datetime, timedelta

from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live.acts import Instant
from scanner_app.feeds.live.corrections import AUDIT_S, MOST_RECHECKS, RECHECK_S, Corrections
from scanner_app.feeds.live.venue import VenueBar, VenueSeries

T0 = datetime(2026, 3, 2, 10, tzinfo=UTC)
NAME = VenueSeries("BTCUSDT", "1m")
BTC, ETH = Series("BTCUSDT", "1m"), Series("ETHUSDT", "1m")


def at(seconds: float) -> Instant:
    return Instant(T0 + timedelta(seconds=seconds), 1_000 + seconds)


def bar() -> VenueBar:
    return VenueBar(series=NAME, timestamp=T0, open=1, high=1, low=1, close=1, volume=1)


def test_a_bar_that_came_with_other_values_is_looked_at_once_some_seconds_later():
    one = Corrections()
    one.came_otherwise(BTC, [bar()], at(0))

    assert list(one.due(at(RECHECK_S - 0.1))) == []
    assert list(one.due(at(RECHECK_S))) == [(BTC, T0, T0)]
    assert list(one.due(at(RECHECK_S + 1))) == []


def test_so_many_at_most_wait_to_be_looked_at():
    one = Corrections()
    one.came_otherwise(BTC, [bar()] * (MOST_RECHECKS + 5), at(0))
    one.came_otherwise(BTC, [bar()], at(0))

    assert len(list(one.due(at(RECHECK_S)))) == MOST_RECHECKS


def test_each_series_is_audited_again_and_again_not_all_in_one_moment():
    one = Corrections()
    one.add({BTC: NAME, ETH: NAME}, at(0))

    times: dict[object, list[int]] = {BTC: [], ETH: []}
    for second in range(0, int(2.5 * AUDIT_S), 10):
        for series, first, last in one.due(at(second)):
            assert last - first == timedelta(hours=1)
            times[series].append(second)

    assert [len(each) for each in times.values()] == [2, 2]
    assert times[BTC][0] != times[ETH][0]
    one.remove(BTC)
    assert {series for series, _, _ in one.due(at(9 * AUDIT_S))} == {ETH}
