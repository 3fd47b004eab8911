"""What all lists have in common: pages, addresses, filters."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.models import Bar, Symbol
from tests.api.conftest import API, signal_on
from tests.conftest import T0, accept_days, fail_head, make_symbol, row_of


def walk(client, address):
    """Every page's rows, by the `next` links."""
    while address:
        page = client.get(address).json()
        yield page["results"]
        address = page["next"]


def test_pages_are_newest_first_and_link_to_the_next_and_the_previous_one(reader):
    accept_days("TSLA", 7)

    first = reader.get(f"{API}/bars?page_size=3").json()
    second = reader.get(first["next"]).json()
    third = reader.get(second["next"]).json()
    back = reader.get(third["previous"]).json()

    assert list(first) == ["next", "previous", "results"]
    assert first["previous"] is None
    assert [[row["sequence"] for row in page["results"]] for page in (first, second, third)] == [
        [7, 6, 5],
        [4, 3, 2],
        [1],
    ]
    assert third["next"] is None
    assert back["results"] == second["results"]


def test_rows_that_arrive_between_two_pages_neither_shift_nor_repeat_others(reader):
    accept_days("TSLA", 6)
    pages = walk(reader, f"{API}/bars?page_size=2")

    first = next(pages)
    accept_days("TSLA", 5, first=6)
    rest = list(pages)

    assert [row["sequence"] for page in [first, *rest] for row in page] == [6, 5, 4, 3, 2, 1]


def test_the_next_link_keeps_the_filters(reader):
    accept_days("TSLA", 3)
    accept_days("AAPL", 3)

    found = [row["symbol"] for page in walk(reader, f"{API}/bars?symbol=tsla&page_size=1") for row in page]

    assert found == ["TSLA"] * 3


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param("", 100, id="default"),
        pytest.param("?page_size=1", 1, id="one"),
        pytest.param("?page_size=1000", 1_000, id="the most"),
        pytest.param("?page_size=1001", 1_000, id="more than the most is the most"),
        pytest.param("?page_size=" + "9" * 30, 1_000, id="far more"),
    ],
)
def test_a_page_has_100_rows_or_page_size_but_at_most_1000(reader, query, rows):
    symbol = make_symbol("TSLA")
    Bar.objects.bulk_create(
        Bar(
            symbol=symbol,
            timeframe="1d",
            timestamp=T0 - timedelta(days=number),
            **dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0),
            sequence=number,
            accepted_at=T0,
        )
        for number in range(1, 1_101)
    )

    assert len(reader.get(f"{API}/bars{query}").json()["results"]) == rows


@pytest.mark.parametrize("name", ["bars", "signals", "failures", "quarantine", "symbols"])
@pytest.mark.parametrize("path", ["/api/v1/scanner/{}", "/api/v1/scanner/{}/", "/api/scanner/{}", "/api/scanner/{}/"])
def test_every_list_answers_under_both_prefixes_with_and_without_a_trailing_slash(reader, path, name):
    answer = reader.get(path.format(name))

    assert answer.status_code == 200
    assert answer.json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("name", ["signals", "failures", "quarantine", "status"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_lists_are_read_only(staff, name, method):
    answer = getattr(staff, method)(f"{API}/{name}")

    assert answer.status_code == 405
    assert "detail" in answer.json()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("symbol=tsla", 1),
        ("symbol=AAPL", 0),
        ("error_type=ValueError", 1),
        ("error_type=KeyError", 0),
        ("from=2024-01-01T00:00:00Z", 1),
        ("to=2024-01-01T00:00:00Z", 0),
    ],
)
@pytest.mark.parametrize("name", ["failures", "quarantine"])
def test_filters_of_failures_and_quarantine(reader, dispatched_head, name, query, rows):
    symbol, _ = dispatched_head()
    fail_head(symbol, now=T0)
    mailbox.skip(symbol, by="olga", now=T0)

    assert len(reader.get(f"{API}/{name}?{query}").json()["results"]) == rows


@pytest.mark.parametrize("name", ["signals", "failures", "quarantine"])
def test_a_list_takes_three_queries_and_hides_symbols_that_are_being_deleted(reader, name):
    for number in range(12):
        symbol = make_symbol(f"S{number}")
        signal_on(symbol, 0)
        accept_days(symbol.ticker, 1, first=1)
        fail_head(symbol, now=T0)
        mailbox.skip(symbol, by="olga", now=T0)
        assert row_of(symbol).head is None
    Symbol.objects.filter(ticker="S3").update(deleted_at=T0)

    with CaptureQueriesContext(connection) as queries:
        rows = reader.get(f"{API}/{name}").json()["results"]

    assert sorted(row["symbol"] for row in rows) == sorted(f"S{number}" for number in range(12) if number != 3)
    assert len(queries) == 3, "the token, its user, and the page"
