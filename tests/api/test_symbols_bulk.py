"""Operators' actions on all symbols that match a filter, the filters of lists, a disable with an end, thresholds."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.models import QuarantinedBar, Symbol, SymbolEvent
from tests.api.conftest import API
from tests.conftest import accept_days, fail_head, make_symbol


@pytest.fixture
def watch_list(db):
    """Symbols in each state: OPEN and WORSE failed, PAUSED retries, GOOD works, OFF is disabled."""
    now = timezone.now()
    for ticker, failures, error in (
        ("OPEN", 3, ValueError("no good")),
        ("WORSE", 3, KeyError("x")),
        ("PAUSED", 1, ValueError("also no good")),
        ("GOOD", 0, None),
        ("OFF", 0, None),
    ):
        accept_days(ticker, 2, now=now)
        if failures:
            fail_head(Symbol.objects.get(ticker=ticker), failures, now=now, error=error)
    # Failing three times has moved the time on: what opened must be open now.
    for symbol in Symbol.objects.filter(ticker__in=["OPEN", "WORSE"]):
        symbol.breaker.opened_at = now
        symbol.breaker.save(update_fields=["opened_at"])
    mailbox.disable(Symbol.objects.get(ticker="OFF"), by="olga", now=now)


FILTERS = [
    pytest.param({"state": "failed"}, ["OPEN", "WORSE"], id="failed"),
    pytest.param({"state": "paused"}, ["OFF", "PAUSED"], id="paused"),
    pytest.param({"state": "processing"}, ["GOOD"], id="processing"),
    pytest.param({"retrying": True}, ["PAUSED"], id="retrying now"),
    pytest.param({"error_type": "ValueError"}, ["OPEN", "PAUSED"], id="by error"),
    pytest.param({"error_type": "Value"}, [], id="the beginning of a type is none"),
    pytest.param({"state": "failed", "error_type": "KeyError"}, ["WORSE"], id="both"),
    pytest.param({"enabled": False}, ["OFF"], id="disabled"),
    pytest.param({"symbol": "open"}, ["OPEN"], id="by ticker"),
]


@pytest.mark.parametrize(("wanted", "tickers"), FILTERS)
def test_a_list_and_a_dry_run_choose_the_same_symbols(operator, watch_list, wanted, tickers):
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in wanted.items()}

    listed = operator.get(f"{API}/symbols", query).json()["results"]
    counted = operator.post(f"{API}/symbols/reset", {**wanted, "dry_run": True}, format="json")

    assert sorted(one["symbol"] for one in listed) == tickers
    assert counted.json() == {"count": len(tickers), "symbols": tickers}
    assert not SymbolEvent.objects.filter(kind="reset").exists()


def test_a_reset_of_all_that_match_leaves_the_others_alone_and_says_what_it_changed(operator, watch_list):
    answer = operator.post(
        f"{API}/symbols/reset", {"error_type": "ValueError", "reason": "mended", "dry_run": False}, format="json"
    )

    assert (answer.status_code, answer.json()) == (200, {"count": 2, "symbols": ["OPEN", "PAUSED"]})
    events = SymbolEvent.objects.filter(kind="reset").order_by("id").select_related("symbol")
    assert [(one.symbol.ticker, one.actor, one.reason) for one in events] == [
        ("OPEN", "olga", "mended"),
        ("PAUSED", "olga", "mended"),
    ]
    opened, paused = (one.detail or {} for one in events)
    assert opened["filter"] == paused["filter"] == {"error_type": "ValueError"}
    before, after = opened["before"], opened["after"]
    assert (before["attempts"], before["failures"], before["opened_at"] is None) == (3, 3, False)
    assert (after["attempts"], after["failures"], after["opened_at"], after["head"]) == (0, 0, None, 1)
    states = {one["symbol"]: one["state"] for one in operator.get(f"{API}/status").json()["symbols"]}
    assert (states["OPEN"], states["WORSE"], states["PAUSED"]) == ("processing", "failed", "processing")


def test_skip_counts_only_what_has_a_bar_to_skip(operator, watch_list):
    make_symbol("EMPTY")

    answer = operator.post(f"{API}/symbols/skip", {"all": True}, format="json")

    assert answer.json()["count"] == 5
    assert QuarantinedBar.objects.count() == 5
    detail = SymbolEvent.objects.filter(kind="skipped", symbol__ticker="GOOD").get().detail or {}
    assert (detail["before"]["head"], detail["after"]["head"]) == (1, 2)


def test_disable_until_and_enable_by_filter(operator, watch_list):
    until = (timezone.now() + timedelta(hours=1)).isoformat()

    disabled = operator.post(f"{API}/symbols/disable", {"state": "failed", "until": until}, format="json")
    enabled = operator.post(f"{API}/symbols/enable", {"enabled": False}, format="json")

    assert disabled.json() == {"count": 2, "symbols": ["OPEN", "WORSE"]}
    assert enabled.json() == {"count": 3, "symbols": ["OFF", "OPEN", "WORSE"]}


def test_the_filter_may_be_an_object_of_its_own(operator, watch_list):
    answer = operator.post(f"{API}/symbols/reset", {"filter": {"state": "failed"}, "dry_run": True}, format="json")

    assert answer.json() == {"count": 2, "symbols": ["OPEN", "WORSE"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "all", id="no filter"),
        pytest.param({"dry_run": False}, "all", id="no filter, said explicitly"),
        pytest.param({"all": True, "state": "failed"}, "all", id="all and a filter"),
        pytest.param({"stat": "failed"}, "stat", id="mistyped"),
        pytest.param({"filter": {"stat": "failed"}}, "stat", id="mistyped inside"),
        pytest.param({"state": "broken"}, "state", id="no such state"),
        pytest.param({"filter": "failed"}, "filter", id="a filter that is none"),
        pytest.param({"state": "failed", "until": "2999-01-01T00:00:00Z"}, "until", id="an end of a reset"),
    ],
)
def test_a_body_that_may_mean_too_much_is_refused(operator, watch_list, body, field):
    answer = operator.post(f"{API}/symbols/reset", body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not SymbolEvent.objects.filter(kind="reset").exists()


@pytest.mark.parametrize("action", ["reset", "skip", "enable", "disable"])
def test_a_reader_may_not(reader, watch_list, action):
    assert reader.post(f"{API}/symbols/{action}", {"all": True}, format="json").status_code == 403


# ------------------------------------------------------------------------------- one symbol


def test_a_disabled_symbol_says_until_when_and_in_its_timeline_what_changed(operator, symbol):
    until = timezone.now() + timedelta(hours=1)

    answer = operator.post(f"{API}/symbols/TSLA/disable", {"until": until.isoformat(), "reason": "noon"}, format="json")

    assert (answer.json()["enabled"], datetime.fromisoformat(answer.json()["disabled_until"])) == (False, until)
    line = operator.get(f"{API}/symbols/TSLA/timeline").json()["results"][0]
    assert line["sentence"].startswith("olga disabled the symbol: until ")
    assert line["detail"] == {
        "before": {"enabled": True, "disabled_until": None},
        "after": {"enabled": False, "disabled_until": until.isoformat()},
    }


def test_an_end_in_the_past_is_refused(operator, symbol):
    answer = operator.post(f"{API}/symbols/TSLA/disable", {"until": "2024-01-01T00:00:00Z"}, format="json")

    assert (answer.status_code, answer.json()) == (400, {"until": ["must be in the future"]})


def test_a_symbol_can_have_a_limit_for_slow_bars_of_its_own(operator, symbol):
    assert operator.get(f"{API}/symbols/TSLA").json()["p95_limit_ms"] == 200

    answer = operator.patch(f"{API}/symbols/TSLA", {"p95_ms": 1500, "reason": "heavy"}, format="json")
    again = operator.patch(f"{API}/symbols/TSLA", {"p95_ms": 1500}, format="json")

    assert (answer.json()["p95_limit_ms"], again.json()["p95_limit_ms"]) == (1500, 1500)
    event = symbol.events.get(kind="threshold")
    assert (event.reason, event.detail) == ("1,500 ms: heavy", {"before": {"p95_ms": None}, "after": {"p95_ms": 1500}})
    assert operator.patch(f"{API}/symbols/TSLA", {"p95_ms": None}, format="json").json()["p95_limit_ms"] == 200
    assert operator.patch(f"{API}/symbols/TSLA", {"p95_ms": 0}, format="json").status_code == 400
