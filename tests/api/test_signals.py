"""`signals`: the list."""

import csv

import pytest

from scanner_app.api import signals
from scanner_app.models import Bar
from tests import loops
from tests.api.conftest import API, signal_on
from tests.conftest import make_symbol


def test_a_signal_has_every_documented_field(reader, symbol):
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
        "revised": False,
        "withdrawn_at": None,
        "detector_version": "",
        "window_gaps": None,
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


def test_an_unknown_direction_is_a_400(reader):
    answer = reader.get(f"{API}/signals?direction=up")

    assert (answer.status_code, list(answer.json())) == (400, ["direction"])


def text_of(answer):
    """A streamed answer as a whole."""

    async def whole():
        return b"".join([piece async for piece in answer.streaming_content])

    return loops.run(whole()).decode()


@pytest.mark.django_db(transaction=True)
def test_csv_is_read_piece_by_piece_up_to_its_limit(reader, symbol, monkeypatch):
    monkeypatch.setattr(signals, "READ_AT_ONCE", 2)
    monkeypatch.setattr(signals, "MAX_CSV", 5)
    stored = [signal_on(symbol, day).pk for day in range(7)]

    answer = reader.get(f"{API}/signals?format=csv")

    assert answer.is_async, "so it holds no thread while a slow client takes it"
    assert [int(line["id"]) for line in csv.DictReader(text_of(answer).splitlines())] == stored[:1:-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("query", "accept"), [("format=csv", "*/*"), ("", "text/csv")])
def test_signals_as_csv_are_all_those_that_the_filters_choose(reader, symbol, query, accept):
    for day in range(3):
        signal_on(symbol, day)
    signal_on(make_symbol("A,B".replace(",", "/")), 4, pattern='say "so", twice')

    answer = reader.get(f"{API}/signals?page_size=1&{query}", HTTP_ACCEPT=accept)

    lines = list(csv.DictReader(text_of(answer).splitlines()))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="signals.csv"'
    assert [line["symbol"] for line in lines] == ["A/B", "TSLA", "TSLA", "TSLA"]
    assert lines[0]["pattern"] == 'say "so", twice'
    assert lines[1]["timestamp"] == "2024-01-03T00:00:00Z"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_no_text_of_csv_is_a_formula_and_numbers_stay_numbers(reader, symbol, sign):
    signal_on(symbol, 0, pattern=f"{sign}HYPERLINK(1)", detector=f"{sign}1", strength=-3.5)

    (line,) = csv.DictReader(text_of(reader.get(f"{API}/signals?format=csv")).splitlines())

    assert (line["pattern"], line["detector"]) == (f"'{sign}HYPERLINK(1)", f"'{sign}1")
    assert (line["strength"], line["symbol"]) == ("-3.5", "TSLA")


def test_a_wrong_filter_of_csv_is_said_as_json(reader, symbol):
    answer = reader.get(f"{API}/signals?format=csv&direction=up")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert b"direction" in answer.content


def test_signals_by_when_they_were_found(reader, symbol):
    signal_on(symbol, 0)

    found = [
        len(reader.get(f"{API}/signals?{query}").json()["results"])
        for query in (
            "created_from=2024-05-31T14:30:00Z",
            "created_from=2024-05-31T14:31:00Z",
            "created_to=2024-05-31T14:30:00Z",
            "created_to=2024-05-31T14:31:00Z",
        )
    ]

    assert found == [1, 0, 0, 1]
