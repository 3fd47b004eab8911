"""Which rules look at which bars, and how soon a change is seen."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from scanner_app.engine import rule_book
from scanner_app.models import Rule, WatchList
from tests.conftest import T0, make_symbol


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    rule_book.forget()
    yield
    rule_book.forget()


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("trader")


def add(user: User, expression: str = "close > 1", **values: object) -> Rule:
    fields = {"name": expression, "timeframes": ["1m"], "created_at": T0, "changed_at": T0, **values}
    return Rule.objects.create(owner=user, expression=expression, **fields)


def looking(ticker: str, timeframe: str = "1m") -> list[str]:
    rule_book.forget()
    return [rule.expression.text for rule in rule_book.current().rules_for(ticker, timeframe).rules]


def test_without_rules_there_is_one_query_in_two_seconds_and_none_besides(
    db: None, django_assert_num_queries: object
) -> None:
    now = 0.0
    with django_assert_num_queries(2):  # type: ignore[operator]
        for tenth in range(30):  # three seconds
            book = rule_book.current(lambda now=now + tenth / 10: now)  # type: ignore[misc]
            assert book.rules_for("TSLA", "1m") is rule_book.NONE


def test_a_change_is_seen_after_two_seconds(user: User) -> None:
    now = 10.0
    assert rule_book.current(lambda: now).rules_for("TSLA", "1m").rules == ()
    rule = add(user)
    assert rule_book.current(lambda: now + 1.9).rules_for("TSLA", "1m").rules == ()
    assert len(rule_book.current(lambda: now + 2).rules_for("TSLA", "1m").rules) == 1
    Rule.objects.filter(pk=rule.pk).update(expression="close > 2")
    seen = rule_book.current(lambda: now + 4).rules_for("TSLA", "1m").rules
    assert [one.expression.text for one in seen] == ["close > 2"]


def test_rules_of_a_user_who_is_locked_out_do_not_look(user: User) -> None:
    add(user)
    assert looking("TSLA") == ["close > 1"]

    User.objects.update(is_active=False)

    assert looking("TSLA") == []


def test_rules_that_are_off_deleted_or_unusable_do_not_look(user: User) -> None:
    add(user, "close > 1", enabled=False)
    add(user, "close > 2", deleted_at=T0)
    add(user, "a_word_that_was_taken_away > 3")
    add(user, "close > 4")
    assert looking("TSLA") == ["close > 4"]


def test_lists_name_tickers_and_patterns_and_the_ticker_wins(user: User) -> None:
    make_symbol("A*")
    make_symbol("AB")
    listed = WatchList.objects.create(owner=user, name="x", symbols=["A*", "*USDT", "IBM"], created_at=T0)
    add(user, watchlist=listed)
    assert [ticker for ticker in ("A*", "AB", "IBM", "BTCUSDT", "TSLA") if looking(ticker)] == ["A*", "IBM", "BTCUSDT"]
    WatchList.objects.update(symbols=["TSLA"])
    assert (looking("TSLA"), looking("IBM")) == (["close > 1"], [])


def test_a_rule_whose_list_is_gone_looks_at_nothing(user: User) -> None:
    listed = WatchList.objects.create(owner=user, name="x", symbols=["*"], created_at=T0)
    add(user, watchlist=listed)
    assert looking("TSLA")
    listed.delete()
    assert looking("TSLA") == []


def test_what_the_rules_need_is_put_together(user: User) -> None:
    add(user, "close > sma('close', 50)", timeframes=["1m", "1h"])
    add(user, "rsi(14) > 1 and on('1h', 'close > sma(close, 200)')")
    book = rule_book.current()
    chosen = book.rules_for("TSLA", "1m")
    assert (len(chosen.rules), chosen.bars, chosen.needs.others) == (2, 141, (("1h", 200),))
    assert (book.rules_for("TSLA", "1h").bars, book.rules_for("TSLA", "1d")) == (50, rule_book.NONE)
    assert [book.bars_needed(timeframe) for timeframe in ("1m", "1h", "1d")] == [141, 200, 1]
