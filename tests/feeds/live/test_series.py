"""Decisions for one series, without sockets and without a clock."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain.enums import GapCause
from scanner_app.domain.feed_entries import Series
from scanner_app.domain.trading_hours import Hours, every_day
from scanner_app.feeds.live.acts import Act, Ask, Hole, Instant, Mute, Phase, Reread, Take
from scanner_app.feeds.live.series import HOLD_BARS, HOLD_S, Follower
from scanner_app.feeds.live.venue import Traits, VenueBar, VenueSeries

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURS = Hours(every_day(date(2026, 1, 1), date(2026, 12, 31)))
TRAITS = Traits(timeframes=frozenset({"1m"}), always_sends=True, history_is_truth=True)


def at(minutes: float) -> Instant:
    return Instant(T0 + minutes * MINUTE, 1_000 + minutes * 60)


def bar(minute: int, close: float = 1.5) -> VenueBar:
    return VenueBar(
        series=VenueSeries("BTCUSDT", "1m"),
        timestamp=T0 + minute * MINUTE,
        open=1,
        high=2,
        low=1,
        close=close,
        volume=10,
    )


def follower(newest: int | None = -1, **traits) -> Follower:
    """One whose newest stored bar is that of this minute."""
    frontier = None if newest is None else T0 + newest * MINUTE
    return Follower(
        series=Series("BTCUSDT", "1m"), hours=HOURS, traits=replace(TRAITS, **traits), warm_up=10, frontier=frontier
    )


def live(newest: int = -1, **traits) -> Follower:
    """One that is live shortly after the end of its newest bar."""
    one = follower(newest, **traits)
    assert one.join(at(newest + 1.1), GapCause.START) == []
    assert one.phase is Phase.LIVE
    return one


def taken(acts) -> list[datetime]:
    return [one.timestamp for act in acts if isinstance(act, Take) for one in act.bars]


def hole_and_ask(acts: Iterable[Act]) -> tuple[Hole, Ask]:
    """The two acts, a hole and a question."""
    hole, ask = acts
    assert isinstance(hole, Hole)
    assert isinstance(ask, Ask)
    return hole, ask


def only_ask(acts: Iterable[Act]) -> Ask:
    """The one act, a question."""
    (ask,) = acts
    assert isinstance(ask, Ask)
    return ask


def minutes(times) -> list[float]:
    return [(each - T0) / MINUTE for each in times]


def test_a_series_that_is_up_to_date_needs_no_history():
    one = live()

    assert one.closed(bar(0), at(1)) == [Take((bar(0),), by_history=False)]


def test_a_new_series_begins_with_as_many_bars_of_history_as_the_longest_window():
    one = follower(None)

    ask = only_ask(one.join(at(0.5), GapCause.START))
    assert ask == Ask(T0 - 10 * MINUTE, T0 - timedelta(seconds=1))
    assert one.closed(bar(0), at(1)) == []  # held behind it

    acts = one.answered([bar(-2), bar(-1)], ask.last, at(1.01))

    assert minutes(taken(acts)) == [-2, -1, 0]
    assert one.phase is Phase.LIVE
    assert not any(isinstance(act, Hole) for act in acts)


def test_before_the_history_of_a_new_series_nothing_is_missing_however_long_history_may_lag():
    """Neither where the longest window is shorter than that, nor where the venue lists the symbol since a moment."""
    one = follower(None, history_within_s=3_600)
    (ask,) = one.join(at(0.5), GapCause.START)
    assert isinstance(ask, Ask)

    acts = [*one.answered([bar(-2), bar(-1)], ask.last, at(0.51)), *one.tick(at(0.6)), *one.closed(bar(0), at(1))]

    assert minutes(taken(acts)) == [-2, -1, 0]
    assert one.phase is Phase.LIVE
    assert not any(isinstance(act, Hole) for act in acts)


def test_a_series_that_stands_back_records_its_hole_asks_and_hands_on_in_order():
    one = follower(-4)

    hole, ask = hole_and_ask(one.join(at(0.5), GapCause.RECONNECT))
    assert hole == Hole(T0 - 3 * MINUTE, T0 - MINUTE, 3, GapCause.RECONNECT)
    assert ask == Ask(T0 - 4 * MINUTE, T0 - timedelta(seconds=1))  # the newest too: it may have been corrected
    assert one.closed(bar(0), at(1)) == []

    acts = one.answered([bar(-4), bar(-3), bar(-2), bar(-1)], ask.last, at(1.01))

    assert minutes(taken(acts)) == [-4, -3, -2, -1, 0]
    assert one.phase is Phase.LIVE


def test_a_skipped_bar_holds_what_comes_after_it_and_is_asked_for():
    one = live()

    hole, ask = hole_and_ask(one.closed(bar(1), at(2)))

    assert hole == Hole(T0, T0, 1, GapCause.SKIPPED)
    assert (ask.first, ask.last) == (T0 - MINUTE, T0 + MINUTE - timedelta(seconds=1))
    assert minutes(taken(one.answered([bar(0)], ask.last, at(2.01)))) == [0, 1]
    assert one.phase is Phase.LIVE


def test_what_history_does_not_have_yet_is_asked_for_again():
    one = live()
    _, ask = hole_and_ask(one.closed(bar(1), at(2)))

    assert one.answered([], ask.last, at(2.01)) == []
    assert one.tick(at(2.011)) == []  # a pause first
    assert one.tick(at(2.03)) == [Ask(T0 - MINUTE, T0 + MINUTE - timedelta(seconds=1))]


@pytest.mark.parametrize("seconds", [HOLD_S - 0.1, HOLD_S])
def test_the_hold_is_bounded_in_time(seconds):
    one = live()
    one.closed(bar(1), at(2))

    acts = one.tick(at(2 + seconds / 60))

    assert minutes(taken(acts)) == ([1] if seconds >= HOLD_S else [])


def test_the_hold_is_bounded_in_number():
    one = live()
    one.closed(bar(1), at(200))
    for minute in range(2, HOLD_BARS + 1):
        one.closed(bar(minute), at(200))

    acts = one.tick(at(200.001))

    assert minutes(taken(acts)) == list(range(1, HOLD_BARS + 1))


def test_after_the_hold_a_refill_comes_late_and_disturbs_nothing():
    one = live()
    _, ask = hole_and_ask(one.closed(bar(1), at(2)))
    one.tick(at(2.2))

    assert one.answered([bar(0)], ask.last, at(2.3)) == [Take((bar(0),), by_history=True)]
    assert one.closed(bar(2), at(3)) == [Take((bar(2),), by_history=False)]


def test_bars_that_the_venue_does_not_have_hold_nothing_up():
    one = follower(-10)
    _, ask = hole_and_ask(one.join(at(0.5), GapCause.RECONNECT))

    acts = one.answered([bar(-3), bar(-2), bar(-1)], ask.last, at(0.6))

    assert minutes(taken(acts)) == [-3, -2, -1]
    assert one.phase is Phase.LIVE


def test_a_bar_that_comes_again_or_out_of_order_goes_to_ingest_at_once():
    one = live()
    one.closed(bar(0), at(1))

    assert one.closed(bar(0, close=1.7), at(1.1)) == [Take((bar(0, close=1.7),), by_history=False)]
    assert one.closed(bar(-5), at(1.2)) == [Take((bar(-5),), by_history=False)]


def test_an_overdue_bar_is_asked_for_and_a_connection_that_did_not_send_it_is_not_trusted():
    one = live()

    assert one.tick(at(1 + 9 / 60)) == []
    hole, ask = hole_and_ask(one.tick(at(1 + 11 / 60)))
    assert hole == Hole(T0, T0, 1, GapCause.SILENCE)

    acts = one.answered([bar(0)], ask.last, at(1.2))

    assert minutes(taken(acts)) == [0]
    assert acts[-1] == Mute()
    assert one.phase is Phase.LIVE


def test_a_connection_is_trusted_if_the_bar_came_while_history_was_asked():
    one = live()
    _, ask = hole_and_ask(one.tick(at(1.2)))
    one.closed(bar(0), at(1.21))

    assert Mute() not in one.answered([bar(0)], ask.last, at(1.22))


def test_without_a_connection_what_is_overdue_comes_by_history_and_nobody_is_mistrusted():
    one = live()
    one.disconnected()

    hole, ask = hole_and_ask(one.tick(at(1.2)))
    assert hole.cause is GapCause.RECONNECT
    assert one.answered([bar(0)], ask.last, at(1.21)) == [Take((bar(0),), by_history=True)]


def test_where_nothing_is_sent_without_a_trade_a_missing_bar_holds_nothing_up():
    one = live(always_sends=False)

    assert one.tick(at(5)) == []
    assert one.closed(bar(3), at(5)) == [
        Hole(T0, T0 + 2 * MINUTE, 3, GapCause.SKIPPED),
        Take((bar(3),), by_history=False),
    ]


def test_what_the_scanner_does_not_take_is_refilled_after_a_pause():
    one = live()
    one.closed(bar(0), at(1))
    one.not_taken(at(1.01))

    assert one.closed(bar(1), at(1.01)) == []
    assert one.tick(at(1.02)) == []
    assert one.tick(at(1.03)) == [Reread()]
    hole, ask = hole_and_ask(one.resume(T0 - MINUTE, at(2.5)))

    assert hole == Hole(T0, T0 + MINUTE, 2, GapCause.REFUSED)
    assert minutes(taken(one.answered([bar(-1), bar(0), bar(1)], ask.last, at(2.51)))) == [-1, 0, 1]


def test_pauses_grow_until_bars_are_taken_again():
    one = live()
    pauses = []
    for _ in range(3):
        one.not_taken(at(1))
        pauses.append(next(s for s in range(100) if one.tick(Instant(T0, at(1).s + s))))
        one.resume(T0, at(1))
    one.taken()
    one.not_taken(at(1))

    assert pauses == [1, 2, 4]
    assert one.tick(Instant(T0, at(1).s + 1)) == [Reread()]


def test_a_series_that_the_venue_refuses_is_tried_again_later():
    one = follower(None)
    one.join(at(0), GapCause.START)
    one.refused("no such symbol", at(0))

    assert one.closed(bar(0), at(1)) == []
    assert one.tick(at(14)) == []
    assert one.tick(at(15)) == [Reread()]


def test_a_hole_is_recorded_once_however_often_it_is_asked_for():
    one = follower(-4)
    acts = one.join(at(0.5), GapCause.RECONNECT)
    for step in range(1, 20):
        acts += one.tick(at(0.5 + step / 60))
        acts += one.join(at(0.5 + step / 60), GapCause.RECONNECT)

    assert [act for act in acts if isinstance(act, Hole)] == [Hole(T0 - 3 * MINUTE, T0 - MINUTE, 3, GapCause.RECONNECT)]


def test_a_venue_without_a_stream_is_asked_when_a_bar_is_due_and_that_is_no_hole():
    one = Follower(
        series=Series("BTC/USD", "1m"),
        hours=HOURS,
        traits=replace(TRAITS, closed_within_s=2),
        warm_up=10,
        polls=True,
        frontier=T0 - MINUTE,
    )
    one.join(at(0.5), GapCause.START)

    assert one.tick(at(1.01)) == []
    ask = only_ask(one.tick(at(1.04)))
    assert one.answered([bar(-1), bar(0)], ask.last, at(1.05)) == [
        Take((bar(-1),), by_history=True),
        Take((bar(0),), by_history=True),
    ]


@pytest.mark.parametrize("timeframe", ["1d", "1w", "1M"])
def test_long_bars_are_counted_by_their_periods(timeframe):
    one = Follower(series=Series("BTCUSDT", timeframe), hours=HOURS, traits=TRAITS, warm_up=3)
    one.frontier = datetime(2026, 2, 1, tzinfo=UTC) if timeframe == "1M" else datetime(2026, 2, 23, tzinfo=UTC)

    acts = one.join(at(0), GapCause.START)

    expected = {"1d": 6, "1w": 0, "1M": 0}[timeframe]  # 23 February to 1 March 2026, a Sunday, are behind us
    assert sum(act.missing for act in acts if isinstance(act, Hole)) == expected


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.integers(0, 7))
def test_whatever_comes_in_whichever_order_is_handed_on_once_the_hold_is_over(order, left_out, answered_after):
    """And what is not late is in order."""
    one = live()
    acts = []
    asked = None
    for number, minute in enumerate(order):
        if minute not in left_out:
            acts += one.closed(bar(minute), at(9 + number / 1_000))
        asked = next((act for act in reversed(acts) if isinstance(act, Ask)), None)
        if asked is not None and number == answered_after:
            acts += one.answered([bar(each) for each in range(-1, 8)], asked.last, at(9.01))
    for step in range(40):
        acts += one.tick(at(9.1 + step / 4))

    times = minutes(taken(acts))
    assert set(times) >= set(range(8)) - left_out
    newest = -1.0
    frontier = []
    for each in times:
        if each > newest:
            newest = each
            frontier.append(each)
    recorded = {
        minute
        for act in acts
        if isinstance(act, Hole)
        for minute in range(int((act.first - T0) / MINUTE), int((act.last - T0) / MINUTE) + 1)
    }
    # Every bar that was passed over was recorded before.
    assert set(range(int(newest) + 1)) - set(frontier) <= recorded
