"""`symbols`: the list and each symbol."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.engine import ingest
from scanner_app.models import CircuitBreaker, Symbol, SymbolEvent, SymbolStatus
from tests.api.conftest import API
from tests.api.test_symbols_actions import ACTIONS
from tests.conftest import T0, accept_days, make_symbol, raw_bar, snapshot, start_head

SYMBOLS = f"{API}/symbols"


def test_a_new_symbol_is_stored_in_upper_case_with_all_its_rows(operator):
    answer = operator.post(SYMBOLS, {"symbol": "btc/usd"}, format="json")

    assert answer.status_code == 201
    assert (answer.json()["symbol"], answer.json()["state"], answer.json()["enabled"]) == (
        "BTC/USD",
        "processing",
        True,
    )
    symbol = Symbol.objects.get(ticker="BTC/USD")
    assert SymbolStatus.objects.filter(symbol=symbol).exists()
    assert CircuitBreaker.objects.filter(symbol=symbol).exists()


@pytest.mark.parametrize(
    "ticker",
    [
        pytest.param("", id="empty"),
        pytest.param("A,B", id="a comma"),
        pytest.param("A//B", id="an empty segment"),
        pytest.param("../A", id="a parent directory"),
        pytest.param("A/Status", id="an action's name"),
        pytest.param("X" * 33, id="too long"),
        pytest.param("Ä", id="a letter that is not ASCII"),
        pytest.param("\ud800", id="half of a surrogate pair"),
        pytest.param(None, id="null"),
        pytest.param({"a": 1}, id="an object"),
    ],
)
def test_an_invalid_ticker_is_refused(operator, ticker):
    answer = operator.post(SYMBOLS, json.dumps({"symbol": ticker}), content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, ["symbol"])
    assert not Symbol.objects.exists()


@pytest.mark.parametrize("body", [{}, {"ticker": "TSLA"}, ["TSLA"], "TSLA"])
def test_a_body_without_a_symbol_is_refused(operator, body):
    answer = operator.post(SYMBOLS, body, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) in (["symbol"], ["detail"])


def test_adding_a_known_symbol_is_a_409_and_changes_nothing(operator, symbol):
    mailbox.disable(symbol, by="olga", now=T0)
    before = snapshot(symbol)

    answer = operator.post(SYMBOLS, {"symbol": "tsla"}, format="json")

    assert (answer.status_code, answer.json()) == (409, {"detail": "Symbol TSLA exists already"})
    assert snapshot(symbol) == before


def test_adding_a_symbol_that_is_being_deleted_is_a_409(operator, symbol):
    Symbol.objects.update(deleted_at=T0)

    answer = operator.post(SYMBOLS, {"symbol": "TSLA"}, format="json")

    assert answer.status_code == 409
    assert "being deleted" in answer.json()["detail"]


def test_adding_a_symbol_to_a_full_watch_list_is_a_409(operator, symbol, settings):
    settings.SCANNER_MAX_SYMBOLS = 1

    answer = operator.post(SYMBOLS, {"symbol": "AAPL"}, format="json")

    assert answer.status_code == 409
    assert Symbol.objects.count() == 1


def test_the_watch_list_is_newest_first_and_shows_each_symbols_status(reader):
    for ticker in ("TSLA", "AAPL"):
        make_symbol(ticker)
    mailbox.disable(Symbol.objects.get(ticker="TSLA"), by="olga", now=T0)
    Symbol.objects.filter(pk=make_symbol("GONE").pk).update(deleted_at=T0)

    rows = reader.get(SYMBOLS).json()["results"]

    assert [(row["symbol"], row["enabled"], row["state"]) for row in rows] == [
        ("AAPL", True, "processing"),
        ("TSLA", False, "paused"),
    ]
    alone = reader.get(f"{SYMBOLS}/AAPL").json()
    assert alone == reader.get(f"{SYMBOLS}/AAPL/status").json()
    assert alone == {**rows[0], "is_slow": False, "quarantined": 0, "reruns": [], "forming": []}


def test_the_status_of_one_symbol_says_whether_it_is_slow_and_counts_its_bars_in_quarantine(reader):
    now = timezone.now()
    accept_days("TSLA", 2, now=now)
    symbol = Symbol.objects.get()
    SymbolStatus.objects.update(
        latencies=[[201, int(now.timestamp())]] * 20, longest_latency_ms=201, last_processed_at=now
    )
    mailbox.quarantine_head(start_head(symbol, now=now), BarUnusable("no"), now=now)
    make_symbol("AAPL")

    events = [reader.get(f"{SYMBOLS}/{ticker}/status").json() for ticker in ("TSLA", "AAPL")]

    assert [(one["is_slow"], one["quarantined"]) for one in events] == [(True, 1), (False, 0)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["BRK.B", "TSLA"]),
        ("?enabled=true", ["TSLA"]),
        ("?enabled=false", ["BRK.B"]),
        ("?symbol=brk.b", ["BRK.B"]),
        ("?symbol=X", []),
    ],
)
def test_filters_of_the_watch_list(reader, query, found):
    for ticker in ("TSLA", "BRK.B"):
        make_symbol(ticker)
    mailbox.disable(Symbol.objects.get(ticker="BRK.B"), by="olga", now=T0)

    assert [row["symbol"] for row in reader.get(SYMBOLS + query).json()["results"]] == found


def test_the_watch_list_takes_three_queries(reader):
    for number in range(50):
        make_symbol(f"S{number}")

    with CaptureQueriesContext(connection) as queries:
        rows = reader.get(SYMBOLS).json()["results"]

    assert len(rows) == 50
    assert len(queries) == 3, "the token, its user, and the page"


ODD_TICKERS = ["TSLA", "BRK.B", "BTC/USD", "A/B/C", "^GSPC", "EURUSD=X", "X:Y", "A-B_C", ".A", "-"]


@pytest.mark.parametrize("ticker", ODD_TICKERS)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["/api/v1/scanner", "/api/scanner"])
def test_a_symbol_is_found_with_special_characters_and_in_either_case(operator, ticker, slash, prefix):
    make_symbol(ticker)
    make_symbol("OTHER")
    spellings = {quote(ticker, safe=""), quote(ticker.lower(), safe="/"), ticker}

    for spelling in spellings:
        address = f"{prefix}/symbols/{spelling}"
        assert operator.get(f"{address}/status{slash}").json()["symbol"] == ticker
        assert operator.get(f"{address}{slash}").json()["symbol"] == ticker
        assert operator.patch(f"{address}{slash}", {"enabled": True}, format="json").json()["symbol"] == ticker
        assert operator.get(f"{address}/gaps{slash}").json()["results"] == []
        for action in ("reset", "disable", "enable"):
            assert operator.post(f"{address}/{action}{slash}").json()["symbol"] == ticker


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("xyz", "XYZ"),
        ("btc%2Fusd", "BTC/USD"),
        ("btc/usd", "BTC/USD"),
        ("a%20b", "A B"),
        ("a%00", "A\0"),
        ("%C3%A4", "Ä"),
        ("tsla%2Freset%2Fx", "TSLA/RESET/X"),
        ("x" * 200, "X" * 200),
        ("GONE", "GONE"),
    ],
)
def test_an_unknown_symbol_is_a_404_that_names_it(operator, symbol, path, shown):
    Symbol.objects.filter(pk=make_symbol("GONE").pk).update(deleted_at=T0)
    expected = (404, {"detail": f"Symbol {shown} not found"})

    answers = [operator.post(f"{SYMBOLS}/{path}/{action}") for action in ACTIONS]
    answers += [
        operator.get(f"{SYMBOLS}/{path}"),
        operator.get(f"{SYMBOLS}/{path}/status"),
        operator.get(f"{SYMBOLS}/{path}/gaps"),
        operator.patch(f"{SYMBOLS}/{path}", {"enabled": False}, format="json"),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [expected] * len(answers)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_patch_enables_and_disables_a_symbol(operator, symbol, enabled):
    if enabled:
        mailbox.disable(symbol, by="somebody", now=T0)

    answer = operator.patch(f"{SYMBOLS}/TSLA", {"enabled": enabled}, format="json")

    assert (answer.status_code, answer.json()["enabled"]) == (200, enabled)
    assert Symbol.objects.get().enabled is enabled
    assert SymbolEvent.objects.latest("id").actor == "olga"


def test_an_empty_patch_changes_nothing(operator, symbol):
    before = snapshot(symbol)

    assert operator.patch(f"{SYMBOLS}/TSLA", {}, format="json").status_code == 200
    assert snapshot(symbol) == before


@pytest.mark.parametrize("enabled", [None, "perhaps", 2, [], {}])
def test_a_patch_with_an_invalid_bool_is_refused(operator, symbol, enabled):
    answer = operator.patch(f"{SYMBOLS}/TSLA", {"enabled": enabled}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["enabled"])
    assert Symbol.objects.get().enabled is True


@pytest.mark.parametrize("method", ["put", "post"])
def test_a_symbol_allows_neither_put_nor_post(operator, symbol, method):
    assert getattr(operator, method)(f"{SYMBOLS}/TSLA").status_code == 405
    assert Symbol.objects.filter(deleted_at=None).count() == 1


def test_the_next_attempt_is_in_utc_with_z(reader, dispatched_head):
    dispatched_head()
    later = T0 + timedelta(days=10_000)
    SymbolStatus.objects.update(next_attempt_at=later, attempts=1)

    assert reader.get(f"{SYMBOLS}/TSLA/status").json()["next_attempt_at"] == later.isoformat().replace("+00:00", "Z")


def test_the_status_of_one_symbol_takes_eight_queries(reader):
    accept_days("TSLA", 3)

    with CaptureQueriesContext(connection) as queries:
        reader.get(f"{SYMBOLS}/TSLA/status")

    assert len(queries) == 8, "token, its user, symbol by ticker and by id, latencies, quarantine, re-runs, what forms"


def test_the_status_of_one_symbol_shows_the_bar_that_forms(reader):
    opens = timezone.now().replace(minute=0, second=0, microsecond=0)
    bar = raw_bar(timeframe="1h", timestamp=opens.isoformat(), closed=False)
    ingest.accept([bar], now=timezone.now())

    status = reader.get(f"{SYMBOLS}/TSLA/status").json()

    stamp = opens.isoformat().replace("+00:00", "Z")
    values = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1000.0}
    assert status["forming"] == [{"timeframe": "1h", "timestamp": stamp, **values}]
    assert (status["backlog"], status["last_bar_time"]) == (0, None)


def test_a_calendar_is_changed_once_and_set_back_each_with_an_event(operator, symbol):
    changed = operator.patch(f"{SYMBOLS}/TSLA", {"calendar": "XETR", "reason": "moved"}, format="json")
    again = operator.patch(f"{SYMBOLS}/TSLA", {"calendar": "XETR"}, format="json")
    back = operator.patch(f"{SYMBOLS}/TSLA", {"calendar": ""}, format="json")

    assert [answer.json()["calendar"] for answer in (changed, again, back)] == ["XETR", "XETR", "XNYS"]
    events = SymbolEvent.objects.filter(kind="calendar").order_by("id").values_list("actor", "reason")
    assert list(events) == [("olga", "XETR: moved"), ("olga", "by the settings")]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param("XNYX", "'XNYX' is not a trading calendar: did you mean XNYS", id="a mistyped name"),
        pytest.param("Klingon", "names are those of exchange_calendars", id="a name like no other"),
        pytest.param(None, "null", id="null"),
    ],
)
def test_an_unknown_calendar_is_a_400_with_a_hint_and_changes_nothing(operator, symbol, value, says):
    before = snapshot(symbol)

    answer = operator.patch(f"{SYMBOLS}/TSLA", {"calendar": value, "enabled": False}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["calendar"])
    assert says in answer.json()["calendar"][0]
    assert snapshot(symbol) == before
    assert Symbol.objects.get().enabled


def test_a_reader_may_not_change_a_calendar(reader, symbol):
    assert reader.patch(f"{SYMBOLS}/TSLA", {"calendar": "XETR"}, format="json").status_code == 403
    assert Symbol.objects.get().calendar == ""
