"""What all lists have in common, and signals, failures and quarantine."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.detectors import Finding
from scanner_app.models import Bar, ProcessingFailure, QuarantinedBar, Signal, Symbol
from tests.api.conftest import API
from tests.conftest import T0, accept_days, fail_head, make_symbol, row_of, start_head


def walk(client, address):
    """Every page's rows, by the `next` links."""
    while address:
        page = client.get(address).json()
        yield page["results"]
        address = page["next"]


def test_pages_are_newest_first_and_lead_from_one_to_the_next_and_back(reader):
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


def test_what_arrives_between_two_pages_shifts_and_repeats_nothing(reader):
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
    ("asked", "rows"),
    [
        pytest.param("", 100, id="default"),
        pytest.param("?page_size=1", 1, id="one"),
        pytest.param("?page_size=1000", 1_000, id="the most"),
        pytest.param("?page_size=1001", 1_000, id="more than the most is the most"),
        pytest.param("?page_size=" + "9" * 30, 1_000, id="far more"),
    ],
)
def test_the_page_size_is_100_or_as_asked_up_to_1000(reader, asked, rows):
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

    assert len(reader.get(f"{API}/bars{asked}").json()["results"]) == rows


@pytest.mark.parametrize("name", ["bars", "signals", "failures", "quarantine", "symbols"])
@pytest.mark.parametrize("path", ["/api/v1/scanner/{}", "/api/v1/scanner/{}/", "/api/scanner/{}", "/api/scanner/{}/"])
def test_every_list_is_there_under_both_prefixes_with_and_without_a_slash(reader, path, name):
    answer = reader.get(path.format(name))

    assert answer.status_code == 200
    assert answer.json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("name", ["signals", "failures", "quarantine", "status"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_lists_are_read_only(staff, name, method):
    answer = getattr(staff, method)(f"{API}/{name}")

    assert answer.status_code == 405
    assert "detail" in answer.json()


def signal_on(symbol: Symbol, day: int, **values) -> Signal:
    accept_days(symbol.ticker, 1, first=day)
    ticket = start_head(symbol)
    fields = {"detector": "wyckoff", "pattern": "spring", "direction": "bullish", "strength": 0.5}
    mailbox.complete(ticket, [Finding(**{**fields, **values})], now=T0)
    return Signal.objects.get(bar_id=ticket.bar_id)


def test_a_signal_has_every_field_of_the_contract(reader, symbol):
    stored = signal_on(symbol, 0)

    (row,) = reader.get(f"{API}/signals").json()["results"]

    assert row == {
        "id": stored.pk,
        "symbol": "TSLA",
        "timeframe": "1d",
        "timestamp": "2024-01-01T00:00:00Z",
        "bar": Bar.objects.get().pk,
        "detector": "wyckoff",
        "pattern": "spring",
        "direction": "bullish",
        "strength": 0.5,
        "late": False,
        "created_at": "2024-05-31T14:30:00Z",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 2, 1]),
        ("?symbol=aapl", [3]),
        ("?symbol=NONE", []),
        ("?detector=candlesticks", [2]),
        ("?pattern=hammer", [2]),
        ("?direction=bearish", [3]),
        ("?from=2024-01-02T00:00:00Z", [3, 2]),
        ("?to=2024-01-02T00:00:00Z", [1]),
        ("?timeframe=1d&symbol=TSLA", [2, 1]),
        ("?timeframe=1h", []),
    ],
)
def test_filters_of_signals(reader, symbol, query, found):
    stored = [
        signal_on(symbol, 0),
        signal_on(symbol, 1, detector="candlesticks", pattern="hammer"),
        signal_on(make_symbol("AAPL"), 2, direction="bearish"),
    ]

    rows = reader.get(f"{API}/signals{query}").json()["results"]

    assert [row["id"] for row in rows] == [stored[number - 1].pk for number in found]


def test_a_direction_that_there_is_not_is_a_400(reader):
    answer = reader.get(f"{API}/signals?direction=up")

    assert (answer.status_code, list(answer.json())) == (400, ["direction"])


def test_a_failure_has_every_field_of_the_contract(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 3, now=T0)

    latest, second, first = reader.get(f"{API}/failures?symbol=tsla").json()["results"]

    assert first.pop("traceback").endswith("ValueError: no good\n")
    assert first == {
        "id": ProcessingFailure.objects.order_by("id")[0].pk,
        "symbol": "TSLA",
        "bar": Bar.objects.get().pk,
        "timestamp": "2024-01-01T00:00:00Z",
        "attempt": 1,
        "failed_at": "2024-05-31T14:30:00Z",
        "error_type": "ValueError",
        "message": "no good",
        "retry_delay_s": 1.0,
        "next_attempt_at": "2024-05-31T14:30:01Z",
        "times": 1,
    }
    assert (second["attempt"], second["next_attempt_at"]) == (2, "2024-05-31T14:30:03Z")
    assert (latest["retry_delay_s"], latest["next_attempt_at"]) == (4.0, "2024-05-31T14:30:33Z"), "the breaker is open"


def test_a_bar_in_quarantine_is_shown_as_a_failure_with_a_reason(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 2, now=T0)
    mailbox.skip(symbol, by="olga", now=T0, reason="bad print")

    (row,) = reader.get(f"{API}/quarantine").json()["results"]

    assert "ValueError" in row.pop("traceback")
    assert row == {
        "id": QuarantinedBar.objects.get().pk,
        "symbol": "TSLA",
        "bar": Bar.objects.get().pk,
        "timestamp": "2024-01-01T00:00:00Z",
        "attempt": 2,
        "failed_at": "2024-05-31T14:30:00Z",
        "error_type": "ValueError",
        "message": "no good",
        "retry_delay_s": None,
        "next_attempt_at": None,
        "times": 1,
        "reason": "skipped by olga: bad print",
        "resolution": None,
        "resolved_at": None,
    }


def test_what_has_left_quarantine_is_not_in_its_list(reader, dispatched_head):
    symbol, _ = dispatched_head()
    mailbox.skip(symbol, by="olga", now=T0)
    QuarantinedBar.objects.update(resolution="discarded", resolved_at=T0)

    assert reader.get(f"{API}/quarantine").json()["results"] == []


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
def test_a_list_takes_two_queries_and_hides_what_is_being_deleted(reader, name):
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
    assert len(queries) == 2, "the token's user, and the page"
