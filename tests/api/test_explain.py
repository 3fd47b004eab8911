"""Why a symbol is as it is, and what happened to it and to its bars, through the addresses."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.engine import removal
from scanner_app.models import Bar, ProcessingFailure
from tests.api.conftest import API
from tests.conftest import T0, accept_days, fail_head, start_head

SECOND = timedelta(seconds=1)


@pytest.fixture
def paused(dispatched_head):
    """A symbol whose first bar failed just now, with one behind it."""
    symbol, _ = dispatched_head("BTC/USD", waiting=1)
    fail_head(symbol, 1, now=timezone.now())
    return symbol


def test_it_says_why_what_happens_next_and_what_can_be_done(reader, paused):
    answer = reader.get(f"{API}/symbols/BTC%2FUSD/explain")

    assert answer.status_code == 200
    said = answer.json()
    assert (said["symbol"], said["code"], said["waiting"]) == ("BTC/USD", "retry", 2)
    assert said["summary"].startswith("Paused since ")
    assert "failure 1 of 3 on the 1d bar of 2024-01-01" in said["summary"]
    assert said["cause"] == "ValueError: no good."
    assert "if it fails, it is tried again 2 s later" in said["next"]
    assert said["text"].endswith("You can reset it now, skip the bar or disable the symbol.")
    assert said["since"] == ProcessingFailure.objects.get().failed_at.isoformat().replace("+00:00", "Z")
    assert said["next_attempt_at"].endswith("Z")
    assert [one["name"] for one in said["actions"]] == ["reset", "skip", "disable"]


@pytest.mark.parametrize(
    ("who", "allowed"), [("reader", False), ("feeder", False), ("operator", True), ("staff", True)]
)
def test_an_act_says_whether_this_user_may_do_it(request, paused, who, allowed):
    client = request.getfixturevalue(who)

    actions = client.get(f"{API}/symbols/BTC%2FUSD/explain").json()["actions"]

    assert {one["allowed"] for one in actions} == {allowed}
    reset = actions[0]
    answer = client.post(reset["path"], {**reset["body"], "reason": "mended"}, format="json")
    assert answer.status_code == (200 if allowed else 403), "what it says is true, and its request works"


def test_the_acts_on_bars_in_quarantine_are_requests_that_work(operator, paused):
    mailbox.skip(paused, by="olga", now=T0)
    actions = {one["name"]: one for one in operator.get(f"{API}/symbols/btc/usd/explain").json()["actions"]}

    answer = operator.post(actions["discard"]["path"], actions["discard"]["body"], format="json")

    assert (answer.status_code, answer.json()) == (200, {"count": 1})


@pytest.mark.parametrize("spelling", ["BTC%2FUSD", "BTC/USD", "btc%2fusd"])
@pytest.mark.parametrize("what", ["explain", "timeline"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_odd_tickers_are_found_in_every_spelling(reader, paused, spelling, what, slash):
    assert reader.get(f"{API}/symbols/{spelling}/{what}{slash}").status_code == 200


@pytest.mark.parametrize("what", ["explain", "timeline"])
@pytest.mark.parametrize("ticker", ["NOPE", "BRK%2FB"])
def test_a_symbol_that_there_is_not_is_404(reader, db, what, ticker):
    answer = reader.get(f"{API}/symbols/{ticker}/{what}")

    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


@pytest.mark.parametrize("bar", ["7", "99999999999999999999999"])
def test_a_bar_that_there_is_not_is_404(reader, db, bar):
    answer = reader.get(f"{API}/bars/{bar}/timeline")

    assert (answer.status_code, answer.json()) == (404, {"detail": f"Bar {bar} not found"})


def test_a_symbol_that_is_being_deleted_is_explained_and_nothing_else_of_it_is_shown(reader, paused):
    bar = Bar.objects.get(sequence=1)
    removal.delete(paused, by="olga", now=timezone.now(), force=True, reason="delisted")

    said = reader.get(f"{API}/symbols/BTC%2FUSD/explain").json()

    assert (said["code"], said["actions"]) == ("deleted", [])
    assert said["cause"] == "olga deleted the symbol: delisted."
    assert reader.get(f"{API}/symbols/BTC%2FUSD/timeline").status_code == 404
    assert reader.get(f"{API}/bars/{bar.pk}/timeline").status_code == 404


def test_a_symbols_timeline_is_a_list_like_all_others(reader, paused):
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


def test_a_symbols_timeline_has_no_other_symbols_lines(reader, paused):
    accept_days("AAPL", 1)

    rows = reader.get(f"{API}/symbols/AAPL/timeline").json()["results"]

    assert [row["kind"] for row in rows] == ["created"]


def test_a_bars_timeline_is_its_whole_story(reader, dispatched_head):
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


def test_the_length_of_a_page_costs_no_queries(reader, paused):
    def queries(size):
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"{API}/symbols/BTC%2FUSD/timeline?page_size={size}").status_code == 200
        return len(captured)

    fail_head(paused, 5, now=T0 + 10 * SECOND)

    assert queries(2) == queries(100)
