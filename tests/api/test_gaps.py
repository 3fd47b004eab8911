"""`symbols/{symbol}/gaps`: the list, its queries, permissions."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from scanner_app.engine import gaps
from tests.api.conftest import API
from tests.conftest import make_symbol
from tests.engine.test_gaps import accept


def listed(client: APIClient, ticker: str = "TSLA", query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{API}/symbols/{ticker}/gaps{query}").json()["results"]
    return rows


@pytest.mark.django_db(transaction=True)
def test_the_list_is_newest_first_over_all_timeframes(reader):
    make_symbol("TSLA")
    accept("2026-03-03 15:00", "2026-03-03 15:02", "2026-03-03 15:05")
    accept("2026-02-27 00:00", "2026-03-04 00:00", timeframe="1d")

    rows = listed(reader)

    assert [(row["timeframe"], row["from"], row["to"], row["missing"]) for row in rows] == [
        ("1d", "2026-02-28T00:00:00Z", "2026-03-04T00:00:00Z", 2),
        ("1m", "2026-03-03T15:03:00Z", "2026-03-03T15:05:00Z", 2),
        ("1m", "2026-03-03T15:01:00Z", "2026-03-03T15:02:00Z", 1),
    ]
    assert len({row["id"] for row in rows}) == 3
    assert [row["timeframe"] for row in listed(reader, query="?timeframe=1d")] == ["1d"]


@pytest.mark.django_db(transaction=True)
def test_a_late_bar_closes_its_gap(reader):
    make_symbol("TSLA")
    accept("2026-03-03 15:00", "2026-03-03 15:02")
    before = listed(reader)

    accept("2026-03-03 15:01")

    assert [row["missing"] for row in before] == [1]
    assert listed(reader) == []


@pytest.mark.django_db(transaction=True)
def test_gaps_before_the_last_bars_are_not_listed(reader, monkeypatch):
    monkeypatch.setattr(gaps, "LOOK_BACK", 2)
    make_symbol("TSLA")
    accept("2026-03-03 15:00", "2026-03-03 15:02", "2026-03-03 15:04")

    assert [row["to"] for row in listed(reader)] == ["2026-03-03T15:04:00Z"]


@pytest.mark.django_db(transaction=True)
def test_the_list_takes_one_query_for_each_timeframe_however_many_gaps_it_has(reader):
    make_symbol("TSLA")
    counts = []
    for minutes in (range(0, 4, 2), range(4, 60, 2)):
        accept(*(f"2026-03-03 15:{minute:02}" for minute in minutes))
        with CaptureQueriesContext(connection) as queries:
            listed(reader)
        counts.append(len(queries))

    assert counts == [4, 4], "the token, its user, the symbol, the bars of one timeframe"


def test_an_unknown_timeframe_is_a_400(reader, symbol):
    answer = reader.get(f"{API}/symbols/TSLA/gaps?timeframe=7m")

    assert (answer.status_code, list(answer.json())) == (400, ["timeframe"])


def test_gaps_need_a_signed_in_user_unless_the_status_is_public(anonymous, symbol, settings):
    closed = anonymous.get(f"{API}/symbols/TSLA/gaps").status_code
    settings.SCANNER_PUBLIC_STATUS = True

    assert (closed, anonymous.get(f"{API}/symbols/TSLA/gaps").status_code) == (401, 200)
