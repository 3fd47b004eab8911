"""What the stored signals were worth."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from scanner_app import mailbox
from scanner_app.domain.enums import BarStatus
from scanner_app.models import Bar, Hit, Rule, Signal, SignalWorth
from scanner_app.signals import outcomes
from tests.api.conftest import signal_on
from tests.conftest import T0, accept_days, make_symbol, start_head
from tests.signals.conftest import make_rule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch):
    monkeypatch.setattr(outcomes, "_under_way", None)
    monkeypatch.setattr(outcomes, "_began_at", None)


@pytest.fixture
def series(settings):
    """A processed series of ten days with signals on three of them, of which one was withdrawn."""
    settings.SCANNER_WORTH_HORIZONS = [1, 5]
    symbol = make_symbol("TSLA")
    signals = []
    for day in range(10):
        if day in {1, 4, 8}:
            signals.append(signal_on(symbol, day))
        else:
            accept_days("TSLA", 1, first=day)
            mailbox.complete(start_head(symbol), [], now=T0)
        Bar.objects.filter(sequence=day + 1).update(close=100 + day)
    Signal.objects.filter(pk=signals[2].pk).update(withdrawn_at=T0)
    return symbol


def test_the_figures_of_all_kinds_are_replaced(series):
    assert outcomes.compute(T0) == 2
    first = SignalWorth.objects.get(horizon=1)
    assert (first.detector, first.pattern, first.direction, first.timeframe) == ("wyckoff", "spring", "bullish", "1d")
    assert (first.count, first.verdict, first.computed_at) == (2, "too_few", T0)
    assert first.mean_return == pytest.approx((1 / 101 + 1 / 104) / 2)

    assert outcomes.compute(T0 + timedelta(days=1)) == 2

    assert SignalWorth.objects.count() == 2
    assert {row.computed_at for row in SignalWorth.objects.all()} == {T0 + timedelta(days=1)}


def test_bars_that_were_not_processed_do_not_count(series):
    Bar.objects.filter(timestamp__day=6).update(status=BarStatus.QUARANTINED)

    outcomes.compute(T0)

    assert SignalWorth.objects.get(horizon=1).mean_return == pytest.approx((1 / 101 + 2 / 104) / 2)


def test_a_deleted_symbol_does_not_count(series):
    series.deleted_at = T0
    series.save()

    assert outcomes.compute(T0) == 0


def test_it_is_due_once_a_day(series):
    assert outcomes.due(T0)
    outcomes.compute(T0)

    assert not outcomes.due(T0 + timedelta(hours=22))
    assert outcomes.due(T0 + timedelta(hours=23))


@pytest.fixture
def rule(series):
    """A rule made on the third day, that hit on that day and the sixth; and before, by an earlier life of its name."""
    made = make_rule(name="Cross")
    bars = list(Bar.objects.order_by("timestamp"))
    Rule.objects.filter(pk=made.pk).update(created_at=bars[2].timestamp)
    for place in (0, 2, 5):
        fields = {"timeframe": "1d", "timestamp": bars[place].timestamp, "values": {}, "created_at": T0}
        Hit.objects.create(rule_id=made.pk, symbol=series, bar=bars[place], **fields)
    return made


def test_hits_of_a_rule_are_compared_with_the_bars_since_it_was_made(rule):
    outcomes.compute(T0)

    row = SignalWorth.objects.get(rule_id=rule.pk, horizon=1)
    assert (row.detector, row.pattern, row.direction, row.count) == ("", "", "neutral", 2)
    assert row.mean_return == pytest.approx((1 / 102 + 1 / 105) / 2)
    assert row.baseline_return == pytest.approx(sum(1 / (100 + day) for day in (3, 4, 6, 7, 8)) / 5)
    assert SignalWorth.objects.filter(rule_id=None).count() == 2


def test_a_rule_without_any_signal_of_a_detector_counts_and_a_deleted_one_does_not(rule):
    Signal.objects.all().delete()

    assert outcomes.compute(T0) == 2
    Rule.objects.update(deleted_at=T0)
    assert outcomes.compute(T0) == 0


class Ticking:
    """A clock by which each look takes two seconds: each piece ends at its first step."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 2.0
        return self.now


def test_in_pieces_the_figures_are_those_of_one_run_and_the_old_ones_stay_until_the_end(rule):
    outcomes.compute(T0)
    fields = ("rule_id", "pattern", "horizon", *outcomes.FIGURES)
    before = sorted(map(repr, SignalWorth.objects.values_list(*fields)))
    later = T0 + timedelta(days=2)
    pieces = 0
    while outcomes.go_on(later + timedelta(seconds=5 * pieces), clock=Ticking()):
        pieces += 1
        assert {row.computed_at for row in SignalWorth.objects.all()} == {T0}

    assert pieces > 3
    assert sorted(map(repr, SignalWorth.objects.values_list(*fields))) == before
    assert {row.computed_at for row in SignalWorth.objects.all()} == {later}
    assert not outcomes.go_on(later + timedelta(hours=1), clock=Ticking())


def test_after_an_error_the_figures_are_worked_out_from_the_beginning(series, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "rows_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            outcomes.go_on(T0, clock=lambda: 0.0)

    assert not outcomes.go_on(T0 + timedelta(minutes=4)), "it would fail again and again, every five seconds"
    while outcomes.go_on(T0 + timedelta(minutes=5)):
        pass

    assert {row.computed_at for row in SignalWorth.objects.all()} == {T0 + timedelta(minutes=5)}


def test_one_that_finds_nothing_to_store_is_not_begun_again_at_once(monkeypatch):
    begun: list[datetime] = []

    def nothing(now: datetime) -> Iterator[None]:
        begun.append(now)
        return iter(())

    monkeypatch.setattr(outcomes, "in_steps", nothing)
    moments = [T0 + timedelta(seconds=seconds) for seconds in range(0, 610, 5)]

    for moment in moments:
        outcomes.go_on(moment)

    assert begun == [T0, T0 + timedelta(minutes=5), T0 + timedelta(minutes=10)]


def test_a_series_of_several_pages_is_read_to_its_end(series, monkeypatch):
    outcomes.compute(T0)
    before = list(SignalWorth.objects.order_by("horizon").values_list(*outcomes.FIGURES))
    monkeypatch.setattr(outcomes, "READ_AT_ONCE", 2)

    outcomes.compute(T0)

    assert list(SignalWorth.objects.order_by("horizon").values_list(*outcomes.FIGURES)) == before


def test_it_takes_three_queries_a_series(series, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        outcomes.compute(T0)
