import pytest

from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import mistaken
from scanner_app.feeds.demo_venue.script import Script, Written
from tests.venues import klines

MINUTE = 60_000
T0 = 1_800_000_000_000 // MINUTE * MINUTE
BARS = klines(T0, 6)


def at(minute):
    return int(T0 + minute * MINUTE)


def script(*faults, update_ms=20_000):
    return Script(Written({("BTCUSDT", "1m"): BARS}), faults, update_ms=update_ms)


def closed_on_stream(played, upto=10, *, step_ms=7_000):
    """The closed bars that the stream sends, played in small steps."""
    found, now = [], at(0)
    while now < at(upto):
        found += [each for each in played.messages(now, now + step_ms) if each.closed]
        now += step_ms
    return found


def test_each_bar_forms_and_is_closed_once_at_its_end():
    sent = script().messages(at(0), at(2))

    assert [(each.at_ms - T0, each.closed, each.kline.open_ms - T0) for each in sent] == [
        (20_000, False, 0), (40_000, False, 0), (60_000, True, 0),
        (80_000, False, 60_000), (100_000, False, 60_000), (120_000, True, 60_000),
    ]  # fmt: skip
    assert sent[2].kline == BARS[0]


def test_small_steps_and_one_large_one_send_the_same():
    played = script(
        Fault(kind=FaultKind.DELAY, first_ms=at(1), until_ms=at(2), delay_s=90),
        Fault(kind=FaultKind.CORRECT, first_ms=at(3), until_ms=at(4), delay_s=45),
    )

    small, now = [], at(0)
    while now < at(9):
        small += played.messages(now, now + 1_000)
        now += 1_000

    assert small == played.messages(at(0), at(9))
    assert len([each for each in small if each.closed]) == len(BARS) + 1


@pytest.mark.parametrize(
    ("fault", "on_stream", "in_history"),
    [
        pytest.param({"kind": FaultKind.HALT}, [0, 1, 4, 5], [0, 1, 4, 5], id="no trade: nobody has the bars"),
        pytest.param({"kind": FaultKind.SKIP}, [0, 1, 4, 5], range(6), id="the stream lacks what history has"),
        pytest.param({"kind": FaultKind.DUPLICATE}, [0, 1, 2, 2, 3, 3, 4, 5], range(6), id="sent twice"),
        pytest.param({"kind": FaultKind.DELAY, "delay_s": 150}, [0, 1, 4, 2, 5, 3], range(6), id="out of order"),
        pytest.param({"kind": FaultKind.SKIP, "symbol": "ETHUSDT"}, range(6), range(6), id="another symbol's"),
    ],
)
def test_faults_of_bars(fault, on_stream, in_history):
    played = script(Fault(first_ms=at(2), until_ms=at(4), **fault))

    assert [BARS.index(each.kline) for each in closed_on_stream(played)] == list(on_stream)
    assert played.closed("BTCUSDT", "1m", at(0), at(6)) == [BARS[each] for each in in_history]
    assert list(played.history("BTCUSDT", "1m", at(0), at(5), at(6))) == [BARS[each] for each in in_history]


def test_a_revised_bar_has_its_true_values_in_history_alone():
    played = script(Fault(kind=FaultKind.REVISE, first_ms=at(2), until_ms=at(3)))

    assert [each.kline for each in closed_on_stream(played)] == [*BARS[:2], mistaken(BARS[2]), *BARS[3:]]
    assert list(played.history("BTCUSDT", "1m", at(2), at(2), at(6))) == [BARS[2]]


def test_a_corrected_bar_comes_again_with_its_true_values():
    played = script(Fault(kind=FaultKind.CORRECT, first_ms=at(2), until_ms=at(3), delay_s=5))

    assert [each.kline for each in closed_on_stream(played)] == [*BARS[:2], mistaken(BARS[2]), *BARS[2:]]


def test_history_ends_with_the_bar_that_forms():
    *closed, forming = script().history("BTCUSDT", "1m", at(0), at(9), at(2.5))

    assert closed == BARS[:2]
    assert forming.open_ms == at(2)
    assert forming.volume == BARS[2].volume / 2


def test_history_that_lags_is_what_it_was():
    played = script(Fault(kind=FaultKind.LAG, first_ms=at(3), until_ms=at(4), delay_s=90))

    assert [each.open_ms for each in played.history("BTCUSDT", "1m", at(0), at(9), at(3.5))] == [at(0), at(1), at(2)]
    assert len(list(played.history("BTCUSDT", "1m", at(0), at(9), at(4)))) == 5


def test_moments_happen_once():
    played = script(
        Fault(kind=FaultKind.DROP, first_ms=at(2)), Fault(kind=FaultKind.MUTE, first_ms=at(2), until_ms=at(3))
    )

    assert played.moments(at(0), at(2) - 1) == []
    assert [each.kind for each in played.moments(at(2) - 1, at(2))] == [FaultKind.DROP]
    assert played.moments(at(2), at(9)) == []
