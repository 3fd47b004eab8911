"""The statements by hand: how the database goes about them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app.mailbox import sql_accept, sql_derived
from scanner_app.mailbox.statements import to_database
from scanner_app.models import Bar, DerivedSeries
from tests.conftest import T0, accept_days, make_symbol, start_head


@pytest.mark.parametrize("keys", [1, 2, 500])
def test_known_bars_are_looked_up_and_not_searched_for(symbol, keys):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of its tables")
    statement = "EXPLAIN QUERY PLAN " + sql_accept.known_bars_sql(keys)

    with connection.cursor() as cursor:
        cursor.execute(statement, [symbol.pk, "1d", to_database(T0)] * keys)
        steps = [step for *_, step in cursor.fetchall()]

    (of_bars,) = (step for step in steps if "bar" in step.split()[1])
    assert of_bars.startswith("SEARCH bar USING INDEX")
    assert of_bars.endswith("(symbol_id=? AND timeframe=? AND timestamp=?)")


def test_known_bars_are_those_with_symbol_timeframe_and_time(symbol):
    accept_days("TSLA", 3)
    (one, other, _) = symbol.bars.order_by("timestamp")
    absent = (symbol.pk, "1h", one.timestamp)

    found = sql_accept.known_bars([(symbol.pk, "1d", one.timestamp), absent, (symbol.pk, "1d", other.timestamp)])

    assert {bar.pk for bar in found} == {one.pk, other.pk}
    assert list(sql_accept.known_bars([])) == []


def test_postgresql_plans_a_heads_statements_once_a_connection(symbol):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has nothing to prepare")
    accept_days("TSLA", 1)
    start_head(symbol)

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [statement for (statement,) in cursor.fetchall()]
    assert any("scanner_app_circuitbreaker" in statement for statement in prepared)
    assert any("INSERT INTO scanner_app_bar" in statement for statement in prepared)


def test_new_bars_are_stored_whole_and_in_their_order(symbol):
    values = {"open": 1.5, "high": 2.5, "low": 0.5, "close": 2.0, "volume": 1e12}
    bars = [
        Bar(
            symbol=symbol,
            timeframe="1d",
            timestamp=T0 + timedelta(days=number),
            sequence=number,
            accepted_at=T0,
            **values,
        )
        for number in (1, 2)
    ]
    bars[1].late, bars[1].held, bars[1].attempts, bars[1].latency_ms = True, True, 3, 7
    bars[1].finished_at, bars[1].request_id = T0 + timedelta(seconds=1), "abc"

    sql_accept.insert_bars(bars)

    names = [field.attname for field in Bar._meta.concrete_fields if field.attname != "id"]
    stored = list(Bar.objects.order_by("id").values(*names))
    assert stored == [{name: getattr(bar, name) for name in names} for bar in bars]


def test_tickers_are_known_that_are_symbols(symbol):
    assert sql_accept.known_tickers({"TSLA", "XYZ"}) == {"TSLA"}
    assert sql_accept.known_tickers(set()) == set()


def test_rows_are_locked_in_the_order_of_tickers_each_with_its_symbol_and_breaker(db):
    for ticker in ("C", "A", "B"):
        make_symbol(ticker)

    with CaptureQueriesContext(connection) as queries:
        rows = sql_accept.lock_rows({"B", "A", "XYZ"})
        found = [(row.symbol.ticker, row.symbol.breaker.symbol_id == row.symbol_id) for row in rows]

    assert found == [("A", True), ("B", True)]
    assert len(queries) == 3, "rows, symbols, breakers"
    assert all(row.get_deferred_fields() == {"latencies", "last_error"} for row in rows)
    assert sql_accept.lock_rows({"XYZ"}) == sql_accept.lock_rows(set()) == []


def test_of_a_known_series_its_begin_and_its_end_stay(symbol):
    hour = timedelta(hours=1)
    DerivedSeries.objects.create(symbol=symbol, timeframe="5m", base="1m", since=T0, ended_at=T0 + hour)
    later = {"base": "2m", "since": T0 + hour}

    sql_derived.save_progress(
        [
            DerivedSeries(symbol=symbol, timeframe="5m", **later, open_at=T0 + 2 * hour, due_at=T0 + 3 * hour),
            DerivedSeries(symbol=symbol, timeframe="1h", **later),
        ]
    )

    stored = sql_derived.series_of(symbol.pk)
    found = {
        timeframe: (row.base, row.since, row.open_at, row.due_at, row.ended_at) for timeframe, row in stored.items()
    }
    assert found == {
        "5m": ("2m", T0, T0 + 2 * hour, T0 + 3 * hour, T0 + hour),
        "1h": ("2m", T0 + hour, None, None, None),
    }


def test_a_symbols_newest_bars_are_read_by_timeframe(symbol):
    assert sql_derived.read_symbol(symbol.pk) == ("TSLA", "", {})
    accept_days("TSLA", 2)

    ticker, _, newest = sql_derived.read_symbol(symbol.pk) or ("", "", {})

    assert (ticker, list(newest)) == ("TSLA", ["1d"])
    assert sql_derived.read_symbol(0) is None
