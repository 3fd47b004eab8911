"""Traders' rules in a run: hits are changes, told once, by bars that are new."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.domain.enums import BarStatus, Lane, Outcome
from scanner_app.domain.trading_hours import Hours, every_day
from scanner_app.engine import judging, rule_book, runs
from scanner_app.mailbox import NewBar
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, Hit, Rule, RuleFailure, RuleStates, Signal, Symbol, SymbolStatus, WatchList
from scanner_app.trader_rules import Expression
from tests.conftest import live_message, make_symbol

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def no_detectors(settings: Any) -> None:
    settings.SCANNER_DETECTORS = []


@pytest.fixture(autouse=True)
def rules_are_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every bar reads the rules anew."""
    monkeypatch.setattr(rule_book, "REFRESH_S", -1.0)
    yield
    rule_book.forget()


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("trader")


def add_rule(user: User, expression: str = "close > 100", **values: Any) -> Rule:
    now = timezone.now()
    fields = {"name": expression, "timeframes": ["1m"], "created_at": now, "changed_at": now, **values}
    return Rule.objects.create(owner=user, expression=expression, **fields)


def this_minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)


class Series:
    """Bars of a symbol, a minute each, the last of which is over now."""

    def __init__(self, ticker: str = "TSLA", *, first: datetime | None = None) -> None:
        create_symbols([ticker], at_most=10_000, now=timezone.now())
        self.symbol = Symbol.objects.get(ticker=ticker)
        self.next = first or this_minute() - 2 * MINUTE

    def bar(self, close: float, *, at: datetime | None = None, volume: float | None = 1000.0) -> Bar:
        """Accept a bar and run it."""
        timestamp = self.next if at is None else at
        bar = NewBar(
            symbol=self.symbol.ticker, timeframe="1m", timestamp=timestamp,
            open=close, high=close, low=close, close=close, volume=volume,
        )  # fmt: skip
        mailbox.accept([bar], now=timezone.now())
        if at is None:
            self.next += MINUTE / 60  # so that many bars are of now
        assert runs.process_head(live_message(self.symbol)) is Outcome.COMPLETED
        return Bar.objects.get(symbol=self.symbol, timestamp=timestamp)


def hits() -> list[tuple[str, datetime]]:
    return [(hit.symbol.ticker, hit.timestamp) for hit in Hit.objects.select_related("symbol").order_by("id")]


def test_a_change_from_not_true_to_true_is_a_hit_and_staying_true_is_none(user: User) -> None:
    rule = add_rule(user)
    series = Series()
    series.bar(99)
    hit = series.bar(101)
    series.bar(102)
    series.bar(98)
    again = series.bar(103)
    assert hits() == [("TSLA", hit.timestamp), ("TSLA", again.timestamp)]
    found = Hit.objects.order_by("id")[0]
    assert (found.rule_id, found.bar_id, found.values) == (rule.pk, hit.pk, {"close": 101.0})


def test_the_first_answer_after_saving_is_silent_and_so_is_the_first_after_a_change(user: User) -> None:
    rule = add_rule(user)
    series = Series()
    series.bar(101)
    series.bar(99)
    Rule.objects.filter(pk=rule.pk).update(revision=2)
    series.bar(101)
    assert hits() == []
    series.bar(99)
    series.bar(101)
    assert len(hits()) == 1


def test_what_is_not_known_changes_nothing(user: User) -> None:
    add_rule(user, "volume > 500")
    series = Series()
    series.bar(100, volume=None)  # the first answer is still to come
    series.bar(100, volume=1000)
    series.bar(100, volume=None)
    series.bar(100, volume=1000)  # it was true before
    assert hits() == []
    series.bar(100, volume=100)
    series.bar(100, volume=None)
    series.bar(100, volume=1000)
    assert len(hits()) == 1


def test_a_bar_does_not_wait_for_a_calendar_and_until_it_is_made_the_rule_is_silent(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rule(user, "minutes_since_open >= 0 and close > 100")
    series = Series()
    monkeypatch.setattr(judging, "hours_of", None)  # would make it
    monkeypatch.setattr(judging, "hours_if_made", lambda *_: Hours([]))
    series.bar(101)
    series.bar(101)
    assert not RuleStates.objects.exists(), "nothing is known, so nothing changes"

    today = timezone.now().date()
    known = Hours(every_day(today - timedelta(days=3), today + timedelta(days=3)))
    monkeypatch.setattr(judging, "hours_if_made", lambda *_: known)
    series.bar(99)
    hit = series.bar(101)

    assert hits() == [("TSLA", hit.timestamp)]


def test_history_moves_the_state_but_is_silent(user: User) -> None:
    add_rule(user)
    series = Series(first=this_minute() - timedelta(days=2))
    for close in (99, 101, 99, 101, 99):
        series.bar(close)
    assert hits() == []
    series.next = this_minute() - 2 * MINUTE
    series.bar(101)
    assert len(hits()) == 1


def test_a_late_bar_is_silent_and_moves_no_state_unless_the_rule_asks_for_it(user: User) -> None:
    add_rule(user)
    asks = add_rule(user, "close > 100.5", tell_late=True)
    series = Series()
    series.bar(99, at=this_minute() - 3 * MINUTE)
    series.bar(99, at=this_minute() - 1 * MINUTE)
    late = series.bar(101, at=this_minute() - 2 * MINUTE)
    assert [(hit.rule_id, hit.bar_id, hit.late) for hit in Hit.objects.all()] == [(asks.pk, late.pk, True)]
    series.bar(101, at=this_minute())
    assert Hit.objects.count() == 3  # the state is that of the newest bar, so this is a change for both


def test_a_cool_down_is_in_bar_time(user: User) -> None:
    add_rule(user, cooldown_s=3)
    series = Series()
    for close in (99, 101, 99, 101, 99, 101):  # a second apart
        series.bar(close)
    first = series.next - 6 * MINUTE / 60
    assert [at for _, at in hits()] == [first + timedelta(seconds=1), first + timedelta(seconds=5)]


def test_a_rule_that_raises_is_off_for_that_series_and_the_bar_goes_on(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = add_rule(user, "close > 100"), add_rule(user, "close > 90")
    real = Expression.holds

    def holds(self: Expression, frame: Any) -> bool | None:
        if self.text == "close > 100" and frame.window.symbol == "TSLA":
            raise ArithmeticError("boom")
        return real(self, frame)

    monkeypatch.setattr(Expression, "holds", holds)
    series, other = Series(), Series("AAPL")
    for close in (80, 101):
        series.bar(close)
        other.bar(close)
    assert {(hit.rule_id, hit.symbol.ticker) for hit in Hit.objects.all()} == {
        (fine.pk, "TSLA"), (fine.pk, "AAPL"), (broken.pk, "AAPL"),
    }  # fmt: skip
    failure = RuleFailure.objects.get()  # told once: the second bar did not ask it
    assert (failure.rule_id, failure.symbol.ticker, failure.error) == (broken.pk, "TSLA", "ArithmeticError: boom")
    monkeypatch.setattr(Expression, "holds", real)
    series.bar(80)
    series.bar(101)
    assert Hit.objects.filter(rule_id=broken.pk, symbol__ticker="TSLA").count() == 0  # off until it is changed
    Rule.objects.filter(pk=broken.pk).update(revision=2)
    series.bar(80)
    series.bar(101)
    assert Hit.objects.filter(rule_id=broken.pk, symbol__ticker="TSLA").count() == 1


def test_an_error_of_ours_while_rules_are_asked_costs_no_bar(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    add_rule(user)
    series = Series()
    monkeypatch.setattr(judging, "read_states", lambda *_: 1 / 0)
    assert series.bar(101).status == "processed"
    monkeypatch.setattr(rule_book, "current", lambda: 1 / 0)
    assert series.bar(101).status == "processed"


@pytest.mark.parametrize("late", [False, True])
def test_a_bar_whose_time_is_over_while_rules_are_asked_goes_on_without_them(
    user: User, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    add_rule(user, tell_late=True)
    series = Series()
    series.bar(99)

    def holds(_self: Expression, _frame: Any) -> bool | None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(Expression, "holds", holds)

    bar = series.bar(101, at=series.next - MINUTE / 30 if late else None)

    assert bar.status == BarStatus.PROCESSED
    assert (Hit.objects.count(), RuleFailure.objects.count()) == (0, 0)


def test_a_symbol_whose_rules_are_slow_goes_to_the_slow_lane(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    add_rule(user)
    series = Series()
    now_s = [0.0]
    monkeypatch.setattr(runs, "time", SimpleNamespace(monotonic=lambda: now_s[0]))

    def holds(_self: Expression, _frame: Any) -> bool | None:
        now_s[0] += 1.5
        return False

    monkeypatch.setattr(Expression, "holds", holds)

    series.bar(99)

    assert SymbolStatus.objects.get(symbol=series.symbol).lane == Lane.SLOW


def test_a_rule_looks_at_its_watch_list_and_timeframes_alone(user: User) -> None:
    listed = WatchList.objects.create(owner=user, name="x", symbols=["T*", "IBM"], created_at=timezone.now())
    add_rule(user, watchlist=listed)
    add_rule(user, "close > 50", timeframes=["1h"])
    for ticker in ("TSLA", "AAPL", "IBM"):
        series = Series(ticker)
        series.bar(99)
        series.bar(101)
    assert [ticker for ticker, _ in hits()] == ["TSLA", "IBM"]


def test_a_series_that_leaves_a_watch_list_and_comes_back_starts_anew(user: User) -> None:
    listed = WatchList.objects.create(owner=user, name="x", symbols=["TSLA"], created_at=timezone.now())
    add_rule(user, watchlist=listed)
    add_rule(user, "close > 1")  # so that the series is looked at meanwhile
    series = Series()
    series.bar(99)
    WatchList.objects.update(symbols=["AAPL"])
    series.bar(99)
    WatchList.objects.update(symbols=["TSLA"])
    series.bar(101)
    assert hits() == []


def test_signals_of_the_bar_are_words(user: User, settings: Any) -> None:
    settings.SCANNER_DETECTORS = ["tests.detectors.samples.Up"]
    add_rule(user, "any_bullish and close > 100")
    series = Series()
    series.bar(99)
    series.bar(101)
    assert Signal.objects.filter(bar__close=101).count() == 1
    assert len(hits()) == 1


def test_states_are_one_row_a_series_and_written_only_when_they_change(user: User) -> None:
    rule = add_rule(user)
    series = Series()
    series.bar(99)
    row = RuleStates.objects.get()
    assert row.states == {str(rule.pk): [1, False, None]}
    RuleStates.objects.all().delete()
    series.bar(99)
    assert RuleStates.objects.exists()  # it was not there, so it is a first answer again
    make_symbol("IBM")


def test_an_answer_of_another_timeframe_is_that_of_its_last_bar_that_was_over(user: User) -> None:
    add_rule(user, "close > 100 and on('1h', 'close > 50')")
    series = Series("BTCUSDT", first=datetime(2024, 5, 31, 14, 58, tzinfo=UTC))
    for hour, close in ((13, 60), (14, 40)):
        mailbox.accept(
            [
                NewBar(
                    symbol="BTCUSDT", timeframe="1h", timestamp=datetime(2024, 5, 31, hour, tzinfo=UTC),
                    open=close, high=close, low=close, close=close, volume=1,
                )
            ],
            now=timezone.now(),
        )  # fmt: skip
        assert runs.process_head(live_message(series.symbol)) is Outcome.COMPLETED
    Rule.objects.update(tell_within_s=10**9)
    for minute, close in ((57, 99), (58, 101), (59, 99), (59.5, 101)):
        series.bar(close, at=datetime(2024, 5, 31, 14, tzinfo=UTC) + minute * MINUTE)
    # The bar of 14:58 ends before the hour of 14:00 does, so it sees the hour of 13:00; that of 14:59:30 the next.
    assert [at.minute for _, at in hits()] == [58]
