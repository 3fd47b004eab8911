"""`symbols/{symbol}/timeline` and `bars/{id}/timeline`: what happened to a symbol or a bar."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.models import Bar, ProcessingFailure
from tests.api.conftest import API
from tests.conftest import T0, accept_days, fail_head, start_head

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("bar", ["7", "99999999999999999999999"])
def test_the_timeline_of_an_unknown_bar_is_a_404(reader, db, bar):
    answer = reader.get(f"{API}/bars/{bar}/timeline")

    assert (answer.status_code, answer.json()) == (404, {"detail": f"Bar {bar} not found"})


def test_a_symbols_timeline_has_pages_newest_first(reader, paused):
    mailbox.reset(paused, by="olga", reason="mended", now=T0)

    first = reader.get(f"{API}/symbols/BTC%2FUSD/timeline?page_size=2").json()
    rest = reader.get(first["next"]).json()

    assert list(first) == ["next", "previous", "results"]
    assert [row["kind"] for row in first["results"] + rest["results"]] == ["reset", "paused", "created"]
    assert rest["next"] is None
    row = first["results"][0]
    assert (row["actor"], row["reason"], row["sentence"]) == ("olga", "mended", "olga reset the symbol: mended.")
    assert (row["at"], row["bar"]) == ("2024-05-31T14:30:00Z", Bar.objects.get(sequence=1).pk)
    paused_row = first["results"][1]
    assert (paused_row["attempt"], paused_row["times"], paused_row["retry_delay_s"]) == (1, 1, 1)
    assert paused_row["failure"] == ProcessingFailure.objects.get().pk


def test_a_symbols_timeline_has_only_its_own_lines(reader, paused):
    accept_days("AAPL", 1)

    rows = reader.get(f"{API}/symbols/AAPL/timeline").json()["results"]

    assert [row["kind"] for row in rows] == ["created"]


def test_a_bars_timeline_has_all_lines_with_the_seconds_between_them(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 1)
    mailbox.complete(start_head(symbol, now=T0 + SECOND), [], now=T0 + SECOND)

    answer = reader.get(f"{API}/bars/{Bar.objects.get().pk}/timeline").json()

    assert (answer["next"], answer["previous"]) == (None, None)
    assert [(row["id"], row["kind"], row["after_s"]) for row in answer["results"]] == [
        (4, "recovered", 0),
        (3, "processed", 1),
        (2, "failed", 0),
        (1, "accepted", None),
    ]
    assert answer["results"][2]["next_attempt_at"] == "2024-05-31T14:30:01Z"


def test_a_long_page_takes_as_many_queries_as_a_short_one(reader, paused):
    def queries(size):
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"{API}/symbols/BTC%2FUSD/timeline?page_size={size}").status_code == 200
        return len(captured)

    fail_head(paused, 5, now=T0 + 10 * SECOND)

    assert queries(2) == queries(100)
