import json

import pytest

from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.requests import answer
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.demo_venue.weights import BANNED_AFTER, Weights
from tests.venues import klines

MINUTE = 60_000
T0 = 1_800_000_000_000 // MINUTE * MINUTE
NOW = T0 + 1_500 * MINUTE


def asked(path, *faults, weights=None, now_s=0.0):
    script = Script(Written({("BTCUSDT", "1m"): klines(T0, 2_000)}), faults)
    found = answer(path, script, weights or Weights(), now_ms=NOW, now_s=now_s)
    return found.status, json.loads(found.encoded()), found.headers


def minutes(query):
    status, rows, _ = asked(f"/api/v3/klines?symbol=BTCUSDT&interval=1m{query}")
    assert status == 200
    return [(row[0] - T0) // MINUTE for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("&limit=3", [1498, 1499, 1500], id="the newest, the forming one included"),
        pytest.param("", list(range(1001, 1501)), id="500 if nothing is said"),
        pytest.param("&limit=5000", list(range(501, 1501)), id="a thousand at most"),
        pytest.param(f"&startTime={T0}&limit=2", [0, 1], id="the oldest from the start on"),
        pytest.param("&startTime=0&limit=2", [0, 1], id="there is nothing before the first"),
        pytest.param(f"&startTime={T0 + 1}&endTime={T0 + 3 * MINUTE}", [1, 2, 3], id="both ends, inclusive"),
        pytest.param(f"&endTime={T0 + 3 * MINUTE}&limit=2", [2, 3], id="the newest up to the end"),
        pytest.param(f"&startTime={NOW + MINUTE}", [], id="nothing of the future"),
    ],
)
def test_klines(query, found):
    assert minutes(query) == found


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/klines?interval=1m", 400, -1102),
        ("/api/v3/klines?symbol=BTCUSDT", 400, -1120),
        ("/api/v3/klines?symbol=NOPE&interval=1m", 400, -1121),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=x", 400, -1100),
        ("/api/v3/exchangeInfo?symbol=NOPE", 400, -1121),
        ("/api/v3/exchangeInfo?symbols=[", 400, -1100),
        ("/api/v3/nothing", 404, -1000),
    ],
)
def test_bad_requests(path, status, code):
    found, body, _ = asked(path)

    assert (found, body["code"]) == (status, code)


def test_exchange_info_and_time():
    _, info, _ = asked('/api/v3/exchangeInfo?symbols=["BTCUSDT"]')
    _, time, _ = asked("/api/v3/time")

    assert info["symbols"][0] == {"symbol": "BTCUSDT", "status": "TRADING", "isSpotTradingAllowed": True}
    assert info["rateLimits"][0]["limit"] == 6_000
    assert time == {"serverTime": NOW}


def test_weights_are_told_and_a_minute_bears_so_much():
    weights = Weights(limit=5)
    path = "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1"

    answers = [asked(path, weights=weights, now_s=90.5) for _ in range(3)]

    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert [headers.get("X-MBX-USED-WEIGHT-1M") for _, _, headers in answers] == ["2", "4", None]
    assert answers[-1][2]["Retry-After"] == "30"
    assert asked(path, weights=weights, now_s=120.5)[0] == 200


def test_who_goes_on_asking_is_banned():
    weights = Weights(limit=0)

    statuses = [asked("/api/v3/time", weights=weights, now_s=1.0)[0] for _ in range(BANNED_AFTER + 1)]

    assert statuses == [429] * BANNED_AFTER + [418]
    assert asked("/api/v3/time", weights=weights, now_s=100.0)[0] == 418  # though a new minute has begun
    weights.limit = 1
    assert asked("/api/v3/time", weights=weights, now_s=122.0)[0] == 200


@pytest.mark.parametrize(("retry_after_s", "header"), [(30, "30"), (0.2, "1"), (None, None)])
def test_a_refusal_on_request(retry_after_s, header):
    fault = Fault(kind=FaultKind.FAIL, first_ms=NOW, until_ms=NOW + 1, status=429, retry_after_s=retry_after_s)

    status, _, headers = asked("/api/v3/time", fault)

    assert (status, headers.get("Retry-After")) == (429, header)
