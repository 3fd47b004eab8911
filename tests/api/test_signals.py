"""`signals`: the list."""

import pytest

from scanner_app.models import Bar
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
