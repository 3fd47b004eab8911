"""`bars`: sending bars, and the list of accepted bars."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.models import Bar, Symbol
from tests.api.conftest import API
from tests.conftest import T0, accept_days, fail_head, raw_bar, start_head

BARS = f"{API}/bars"


def post(client, body):
    return client.post(BARS, body, format="json")


def rows(client, query=""):
    answer = client.get(f"{BARS}{query}")
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def test_one_bar_is_accepted(feeder):
    answer = post(feeder, raw_bar())

    assert answer.status_code == 202
    counts = {"accepted": 1, "duplicates": 0, "forming": 0, "revised": 0}
    assert answer.json() == {**counts, "conflicts": [], "rejected": []}
    assert Bar.objects.get().symbol.ticker == "TSLA"


def test_valid_bars_of_a_list_are_accepted_and_the_others_are_reported_by_index(feeder):
    post(feeder, raw_bar(day=9))

    answer = post(
        feeder,
        [
            raw_bar(day=1),
            raw_bar(day=2, low=99),
            raw_bar(day=9),
            raw_bar(day=9, close=10.5),
            raw_bar(day=3, close="NaN"),
            ["not", "a", "bar"],
            raw_bar(day=1),
        ],
    )

    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (1, 2)
    values = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1000.0}
    assert body["conflicts"] == [
        {
            "index": 3,
            "symbol": "TSLA",
            "timeframe": "1d",
            "timestamp": "2024-01-10T00:00:00Z",
            "stored": values,
            "sent": {**values, "close": 10.5},
            "message": "the stored bar has other values and was not changed; "
            "to replace them, send the bar with ?revise=true",
        }
    ]
    assert [(one["index"], one["field"], one["reason"]) for one in body["rejected"]] == [
        (1, "low", "invalid"),
        (4, "close", "invalid"),
        (5, "bar", "invalid"),
    ]
    assert all(one["message"] for one in body["rejected"])
    assert Bar.objects.count() == 2


def test_an_unknown_volume_comes_and_goes_as_null(feeder):
    absent = raw_bar(day=1)
    del absent["volume"]

    answer = post(feeder, [raw_bar(volume=None), absent, raw_bar(day=2, volume=0)])

    assert answer.json()["accepted"] == 3
    assert [row["volume"] for row in rows(feeder)] == [0.0, None, None]
    chart = feeder.get(f"{API}/chart?symbol=TSLA").json()
    assert [bar["volume"] for bar in chart["bars"]] == [None, None, 0.0]


@pytest.mark.parametrize("name", ["60m", "1H", "PT1H", "hour"])
def test_other_peoples_names_of_a_timeframe_are_understood_in_bars_and_queries(feeder, name):
    post(feeder, [raw_bar(timeframe=name), raw_bar(timeframe="Daily")])

    assert [row["timeframe"] for row in rows(feeder, f"?timeframe={name}")] == ["1h"]
    assert feeder.get(f"{API}/chart?symbol=TSLA&timeframe={name}").json()["timeframe"] == "1h"
    for path in ("signals", "symbols/TSLA/gaps"):
        answer = feeder.get(f"{API}/{path}?timeframe={name}")
        assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize("path", ["bars", "signals", "chart", "symbols/TSLA/gaps"])
def test_a_timeframe_that_bars_can_not_have_is_refused(feeder, symbol, path):
    answer = feeder.get(f"{API}/{path}?symbol=TSLA&timeframe=7m")

    assert answer.status_code == 400
    assert "7m" in answer.json()["timeframe"][0]


def test_forming_bars_alone_are_a_202(feeder):
    opens = timezone.now().replace(minute=0, second=0, microsecond=0)
    bar = raw_bar(timeframe="1h", timestamp=opens.isoformat())

    answer = post(feeder, bar | {"closed": False})

    counts = {"accepted": 0, "duplicates": 0, "forming": 1, "revised": 0}
    assert (answer.status_code, answer.json()) == (202, {**counts, "conflicts": [], "rejected": []})


def test_duplicates_alone_are_a_202(feeder):
    post(feeder, raw_bar())

    answer = post(feeder, raw_bar())

    assert (answer.status_code, answer.json()["duplicates"]) == (202, 1)


def test_when_every_bar_was_rejected_or_in_conflict_the_answer_is_400_with_the_same_body(feeder):
    post(feeder, raw_bar())
    before = list(Bar.objects.values())

    answer = post(feeder, [raw_bar(close=10.5), raw_bar(day=1, open=-1)])

    assert answer.status_code == 400
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (0, 0)
    assert [one["index"] for one in body["conflicts"]] == [0]
    assert [one["index"] for one in body["rejected"]] == [1]
    assert list(Bar.objects.values()) == before


def test_when_every_bar_is_rejected_as_backlog_full_the_answer_is_429_with_retry_after(feeder, settings):
    settings.SCANNER_MAX_BACKLOG = 1
    post(feeder, raw_bar())

    answer = post(feeder, [raw_bar(day=1), raw_bar(day=2)])

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert [one["reason"] for one in answer.json()["rejected"]] == ["backlog_full"] * 2
    assert Bar.objects.count() == 1


@pytest.mark.parametrize(
    ("other", "code"),
    [
        pytest.param(raw_bar(day=2, open=-1), 400, id="and an invalid one"),
        pytest.param(raw_bar(close=10.5), 400, id="and one in conflict"),
        pytest.param(raw_bar(), 202, id="and a duplicate"),
        pytest.param(raw_bar("AAPL"), 202, id="and a valid one of another symbol"),
    ],
)
def test_a_full_backlog_is_not_a_429_if_other_bars_had_another_result(feeder, settings, other, code):
    settings.SCANNER_MAX_BACKLOG = 1
    post(feeder, raw_bar())

    answer = post(feeder, [raw_bar(day=1), other])

    assert answer.status_code == code
    assert "Retry-After" not in answer


def test_5000_bars_are_accepted_in_one_request(feeder):
    answer = post(feeder, [raw_bar(day=day - 15_000) for day in range(5_000)])

    assert (answer.status_code, answer.json()["accepted"]) == (202, 5_000)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param([raw_bar()] * 5_001, 413, id="5,001 bars"),
        pytest.param([], 400, id="an empty list"),
        pytest.param("bar", 400, id="text"),
        pytest.param(7, 400, id="a number"),
        pytest.param(None, 400, id="null"),
    ],
)
def test_a_body_that_is_not_a_list_of_1_to_5000_bars_is_refused(feeder, body, code):
    answer = feeder.post(BARS, json.dumps(body), content_type="application/json")

    assert answer.status_code == code
    assert list(answer.json()) == ["detail"]
    assert not Bar.objects.exists()


GOOD = json.dumps(raw_bar())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GOOD[:-1], id="cut off"),
        pytest.param(GOOD.replace("11.0", "NaN"), id="NaN"),
        pytest.param(GOOD.replace("12.0", "Infinity"), id="Infinity"),
        pytest.param(GOOD.replace("12.0", "1e999"), id="a number that is infinite as a float"),
        pytest.param(GOOD.replace("12.0", "1" + "0" * 400), id="a whole number that is too big for a float"),
        pytest.param(GOOD.replace("12.0", "1" + "0" * 5_000), id="a whole number that Python refuses to read"),
        pytest.param(GOOD.replace("12.0", "true"), id="a bool"),
        pytest.param(GOOD.replace("TSLA", "\\ud800"), id="half of a surrogate pair"),
        pytest.param(GOOD.replace("TSLA", "\\u0000"), id="NUL"),
        pytest.param("[" * 100_000, id="nested too deeply"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param("{}", id="an object that is not a bar"),
        pytest.param("", id="empty"),
    ],
)
def test_broken_json_and_impossible_values_are_a_400(feeder, body):
    answer = feeder.post(BARS, body, content_type="application/json")

    assert answer.status_code == 400
    assert set(answer.json()) in ({"detail"}, {"accepted", "duplicates", "forming", "revised", "conflicts", "rejected"})
    assert not Bar.objects.exists()
    assert not Symbol.objects.exists()


def test_a_rejections_message_is_cut_if_the_sent_value_is_long(feeder):
    answer = post(feeder, raw_bar(timeframe="x" * 100_000))

    assert answer.status_code == 400
    assert len(answer.content) < 1_000


def test_a_body_that_is_too_large_is_refused_before_it_is_read(feeder):
    answer = feeder.post(BARS, "[" + " " * 10_000_000 + "]", content_type="application/json")

    assert answer.status_code == 413


def test_a_form_is_refused_with_415(feeder):
    assert feeder.post(BARS, {"symbol": "TSLA"}, format="multipart").status_code == 415


def test_unknown_symbols_and_too_many_symbols_have_different_reasons(feeder, settings):
    settings.SCANNER_MAX_SYMBOLS = 1
    full = post(feeder, [raw_bar("A"), raw_bar("B")])
    settings.SCANNER_UNKNOWN_SYMBOLS = "reject"
    closed = post(feeder, raw_bar("C"))

    assert (full.status_code, full.json()["rejected"][0]["reason"]) == (202, "too_many_symbols")
    assert (closed.status_code, closed.json()["rejected"][0]["reason"]) == (400, "unknown_symbol")


def test_a_bar_has_every_documented_field(reader):
    accept_days("TSLA", 1)
    symbol = Symbol.objects.get()
    mailbox.complete(start_head(symbol), [], now=T0 + timedelta(milliseconds=40))

    (row,) = rows(reader)

    assert row == {
        "id": Bar.objects.get().pk,
        "symbol": "TSLA",
        "timeframe": "1d",
        "timestamp": "2024-01-01T00:00:00Z",
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 1000.0,
        "sequence": 1,
        "status": "processed",
        "late": False,
        "held": False,
        "derived": False,
        "assumed": False,
        "revised": False,
        "attempts": 1,
        "accepted_at": "2024-05-31T14:30:00Z",
        "finished_at": "2024-05-31T14:30:00.040000Z",
        "latency_ms": 40,
    }


def test_the_head_is_shown_as_processing_with_its_failed_attempts(reader):
    accept_days("TSLA", 3)
    symbol = Symbol.objects.get()
    fail_head(symbol, 2)

    shown = [(row["sequence"], row["status"], row["attempts"]) for row in rows(reader)]

    assert shown == [(3, "waiting", 0), (2, "waiting", 0), (1, "processing", 2)]


def test_the_head_of_a_disabled_symbol_is_shown_as_waiting_with_its_failed_attempts(reader):
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get()
    fail_head(symbol)
    mailbox.disable(symbol, by="olga", now=T0)

    shown = [(row["sequence"], row["status"], row["attempts"]) for row in rows(reader)]

    assert shown == [(2, "waiting", 0), (1, "waiting", 1)]


@pytest.fixture
def bars_of_every_status(db):
    """TSLA: 1 processed, 2 skipped, 3 discarded, 4 the head, 5 and 6 behind it. OFF: disabled, two bars."""
    accept_days("TSLA", 6)
    symbol = Symbol.objects.get()
    mailbox.complete(start_head(symbol), [], now=T0)
    mailbox.skip(symbol, by="olga", now=T0)
    mailbox.skip(symbol, by="olga", now=T0)
    Bar.objects.filter(sequence=3).update(status="discarded")
    accept_days("OFF", 2)
    mailbox.disable(Symbol.objects.get(ticker="OFF"), by="olga", now=T0)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=processed", ["TSLA 1"]),
        ("?status=quarantined", ["TSLA 2"]),
        ("?status=discarded", ["TSLA 3"]),
        ("?status=processing", ["TSLA 4"]),
        ("?status=waiting", ["OFF 2", "OFF 1", "TSLA 6", "TSLA 5"]),
        ("?status=waiting&symbol=tsla", ["TSLA 6", "TSLA 5"]),
        ("?status=processing&symbol=OFF", []),
        ("?symbol=TSLA&from=2024-01-02T00:00:00Z&to=2024-01-04T00:00:00Z", ["TSLA 3", "TSLA 2"]),
        ("?symbol=TSLA&from=2024-01-06T01:00:00%2B01:00", ["TSLA 6"]),
        ("?symbol=TSLA&to=2024-01-02", ["TSLA 1"]),
        ("?symbol=off", ["OFF 2", "OFF 1"]),
        ("?symbol=NONE", []),
        ("?symbol=no%20ticker%00", None),
        ("?symbol=no%20ticker", []),
        ("?symbol=&status=&timeframe=&from=&to=", ["OFF 2", "OFF 1"] + [f"TSLA {n}" for n in (6, 5, 4, 3, 2, 1)]),
        ("?timeframe=1h", []),
        ("?timeframe=1d&symbol=OFF", ["OFF 2", "OFF 1"]),
    ],
)
def test_filters(reader, bars_of_every_status, query, found):
    if found is None:
        assert list(reader.get(BARS + query).json()) == ["symbol"]
    else:
        assert [f"{row['symbol']} {row['sequence']}" for row in rows(reader, query)] == found


def test_minutes_and_months_are_different_timeframes(feeder, reader):
    post(feeder, [raw_bar(timeframe="1m"), raw_bar(timeframe="1M")])

    assert [row["timeframe"] for row in rows(reader, "?timeframe=1m")] == ["1m"]
    assert [row["timeframe"] for row in rows(reader, "?timeframe=1M")] == ["1M"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("timeframe=2d", "timeframe"),
        ("from=yesterday", "from"),
        ("to=2024-13-01", "to"),
        ("to=9999-12-31T23:59:59-10:00", "to"),
        ("from=%00", "from"),
        ("page_size=x", "page_size"),
        ("page_size=0", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=%C2%B2", "page_size"),
        ("cursor=x", "cursor"),
        ("cursor=cD14", "cursor"),  # p=x
    ],
)
def test_an_invalid_parameter_is_a_400_that_names_it(reader, query, field):
    answer = reader.get(f"{BARS}?{query}")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert isinstance(answer.json()[field], list)


def test_bars_of_a_symbol_that_is_being_deleted_are_hidden(reader):
    accept_days("GONE", 1)
    Symbol.objects.update(deleted_at=T0)

    assert rows(reader) == []
    assert rows(reader, "?symbol=GONE") == []


def test_the_list_takes_three_queries_for_3_rows_and_for_273(reader):
    for number in range(3):
        accept_days(f"S{number}", 1)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            rows(reader, "?page_size=1000")
        return len(captured)

    few = queries()
    for number in range(30):
        accept_days(f"S{number}", 9, first=1)
    many = queries()

    assert Bar.objects.count() == 273
    assert few == many == 3, "the token, its user, and the page"


def test_an_accepted_bar_gets_the_current_time(feeder):
    before = timezone.now()

    post(feeder, raw_bar())

    assert before <= Bar.objects.get().accepted_at <= timezone.now()
