"""`gaps`: which bars live feeds missed, and what became of each hole."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app.models import Feed, Gap, Symbol
from tests.api.conftest import API
from tests.conftest import T0, make_symbol

GAPS = f"{API}/gaps"


@pytest.fixture
def feed(db):
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")


def hole(feed, ticker="BTCUSDT", **values):
    symbol = Symbol.objects.filter(ticker=ticker).first() or make_symbol(ticker)
    more = {"timeframe": "1m", "first": T0, "last": T0, "missing": 1, "found_at": T0, "cause": "start", **values}
    return Gap.objects.create(symbol=symbol, feed=feed, **more)


def ids(client, query=""):
    answer = client.get(f"{GAPS}{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_a_hole_has_its_series_its_bars_and_what_became_of_it(reader, feed):
    one = hole(feed, missing=41, last=T0 + timedelta(minutes=40), refilled=3, asked=2, next_ask_at=T0, last_error="429")

    [row] = reader.get(GAPS).json()["results"]

    assert row == {
        "id": one.pk,
        "symbol": "BTCUSDT",
        "feed": "binance",
        "timeframe": "1m",
        "first": "2024-05-31T14:30:00Z",
        "last": "2024-05-31T15:10:00Z",
        "missing": 41,
        "refilled": 3,
        "found_at": "2024-05-31T14:30:00Z",
        "cause": "start",
        "state": "open",
        "asked": 2,
        "next_ask_at": "2024-05-31T14:30:00Z",
        "ended_at": None,
        "ended_by": "",
        "last_error": "429",
    }


def test_they_are_newest_first_and_found_by_symbol_timeframe_and_state(reader, feed):
    one = hole(feed)
    two = hole(feed, timeframe="1h", state="refilled")
    three = hole(None, "ETHUSDT")

    assert ids(reader) == [three.pk, two.pk, one.pk]
    assert ids(reader, "?symbol=btcusdt") == [two.pk, one.pk]
    assert ids(reader, "?symbol=NONE") == []
    assert ids(reader, "?timeframe=60m") == [two.pk]
    assert ids(reader, "?state=open") == [three.pk, one.pk]
    assert ids(reader, "?state=open&symbol=ethusdt") == [three.pk]
    assert reader.get(GAPS).json()["results"][0]["feed"] is None


@pytest.mark.parametrize("query", ["?state=closed", "?timeframe=7m", "?page_size=x"])
def test_a_wrong_parameter_is_a_400_by_its_name(reader, db, query):
    answer = reader.get(f"{GAPS}{query}")

    assert (answer.status_code, list(answer.json())) == (400, [query[1:].split("=")[0]])


def test_the_list_costs_the_same_whatever_its_length(reader, feed):
    for number in range(20):
        hole(feed, f"S{number}")

    with CaptureQueriesContext(connection) as queries:
        assert len(ids(reader)) == 20

    assert len(queries) == 3, "the token, its user, and the rows"


def test_holes_of_a_symbol_that_is_being_deleted_are_not_shown(reader, feed):
    hole(feed)
    Symbol.objects.update(deleted_at=T0)

    assert ids(reader) == []


def test_an_operator_gives_one_up_once(operator, feed):
    one = hole(feed, next_ask_at=T0)

    first = operator.post(f"{GAPS}/{one.pk}/give_up")
    again = operator.post(f"{GAPS}/{one.pk}/give_up")

    assert first.status_code == 200
    assert (first.json()["state"], first.json()["ended_by"], first.json()["next_ask_at"]) == ("given_up", "olga", None)
    assert (again.status_code, again.json()) == (409, {"detail": f"Gap {one.pk} is not open any more"})


@pytest.mark.parametrize("id_", ["7", "9" * 30])
def test_one_that_is_not_there_is_a_404(operator, db, id_):
    assert operator.post(f"{GAPS}/{id_}/give_up").status_code == 404


@pytest.mark.parametrize("who", ["reader", "feeder"])
def test_others_may_only_read(request, who, feed):
    client, one = request.getfixturevalue(who), hole(feed)

    assert ids(client) == [one.pk]
    assert client.post(f"{GAPS}/{one.pk}/give_up").status_code == 403
    one.refresh_from_db()
    assert one.state == "open"


def test_strangers_read_nothing_even_if_the_status_is_public(anonymous, db, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(GAPS).status_code == anonymous.get(f"{GAPS}/summary").status_code == 401


def test_a_days_summary_is_in_numbers_and_in_words(reader, feed):
    hole(feed, missing=30, refilled=30, state="refilled")
    hole(feed, missing=10, refilled=9, state="empty")
    hole(feed, "ETHUSDT", missing=1, refilled=1, state="refilled")
    hole(feed, missing=5, found_at=T0 - timedelta(days=1))

    answer = reader.get(f"{GAPS}/summary?day=2024-05-31")

    assert answer.json() == {
        "day": "2024-05-31",
        "symbol": "",
        "holes": 3,
        "missing": 41,
        "refilled": 40,
        "empty": 1,
        "given_up": 0,
        "open": 0,
        "sentence": "2024-05-31: 3 holes of 41 bars, 40 refilled, 1 empty by the venue",
    }
    of_one = reader.get(f"{GAPS}/summary?day=2024-05-31&symbol=ethusdt").json()
    assert (of_one["symbol"], of_one["sentence"]) == ("ETHUSDT", "2024-05-31: 1 hole of 1 bar, 1 refilled")


def test_without_a_day_it_is_today(reader, feed):
    hole(feed, found_at=timezone.now())

    answer = reader.get(f"{GAPS}/summary?symbol=&day=")

    assert answer.json()["sentence"] == "today: 1 hole of 1 bar, 1 still missing"
    assert date.fromisoformat(answer.json()["day"])


@pytest.mark.parametrize(("query", "code", "field"), [("?day=yesterday", 400, "day"), ("?symbol=NONE", 404, "detail")])
def test_a_wrong_day_or_symbol_is_said(reader, db, query, code, field):
    answer = reader.get(f"{GAPS}/summary{query}")

    assert (answer.status_code, list(answer.json())) == (code, [field])
