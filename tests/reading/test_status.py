"""The status of symbols and of the whole: states, verdicts, figures, and what they cost."""

from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.domain import latency
from scanner_app.domain.alert_rules import SymbolFacts
from scanner_app.domain.breaker import State
from scanner_app.domain.drill import AlarmPath
from scanner_app.domain.enums import OverallStatus, SymbolState
from scanner_app.models import Bar, CircuitBreaker, Symbol, SymbolStatus
from scanner_app.reading import status, symbol_status
from tests.conftest import T0, TODAY, accept_days, fail_head, make_symbol

SECOND = timedelta(seconds=1)


def seen(symbol: Symbol, now: datetime) -> symbol_status.SymbolSummary:
    shown = symbol_status.shown_symbols().get(pk=symbol.pk)
    return symbol_status.summary(shown, now)


@pytest.mark.parametrize(
    ("circuit", "attempts", "enabled", "state"),
    [
        pytest.param(State.CLOSED, 0, True, SymbolState.PROCESSING, id="closed, and the head has not failed"),
        pytest.param(State.CLOSED, 1, True, SymbolState.PAUSED, id="closed, and the head waits for its retry"),
        pytest.param(State.HALF_OPEN, 3, True, SymbolState.PAUSED, id="half-open with a head that failed"),
        pytest.param(State.HALF_OPEN, 0, True, SymbolState.PAUSED, id="half-open with a new head"),
        pytest.param(State.OPEN, 3, True, SymbolState.FAILED, id="open"),
        pytest.param(State.OPEN, 0, True, SymbolState.FAILED, id="open with a new head"),
        pytest.param(State.CLOSED, 0, False, SymbolState.PAUSED, id="disabled, closed"),
        pytest.param(State.HALF_OPEN, 3, False, SymbolState.PAUSED, id="disabled, half-open"),
        pytest.param(State.OPEN, 3, False, SymbolState.PAUSED, id="disabled, open"),
    ],
)
def test_the_state_follows_from_breaker_head_and_operator(circuit, attempts, enabled, state):
    assert symbol_status.symbol_state(enabled=enabled, circuit=circuit, attempts=attempts) is state


def facts_of(*, enabled: int, healthy: int, open_breakers: int, worst_p95_ms: int) -> list[SymbolFacts]:
    """Symbols in these numbers; open breakers beyond the enabled ones are those of disabled symbols."""
    return [
        SymbolFacts(
            id=number,
            ticker=f"S{number}",
            enabled=number < enabled,
            healthy=number < healthy,
            breaker_open=number >= max(enabled, open_breakers) - open_breakers,
            slow_p95_ms=worst_p95_ms if number == 0 else 0,
        )
        for number in range(max(enabled, open_breakers))
    ]


@pytest.mark.parametrize(
    ("enabled", "healthy", "open_breakers", "worst_p95_ms", "verdict", "reasons"),
    [
        pytest.param(0, 0, 0, 0, "healthy", 0, id="no symbols at all"),
        pytest.param(10, 10, 0, 0, "healthy", 0, id="all of ten"),
        pytest.param(10, 9, 1, 0, "healthy", 0, id="nine of ten"),
        pytest.param(10, 8, 2, 0, "healthy", 0, id="exactly 80 %"),
        pytest.param(5, 4, 1, 0, "healthy", 0, id="exactly 80 % of five"),
        pytest.param(10, 7, 0, 0, "degraded", 1, id="70 %"),
        pytest.param(19, 15, 0, 0, "degraded", 1, id="just under 80 %"),
        pytest.param(1, 0, 1, 0, "degraded", 1, id="the only one"),
        pytest.param(10, 10, 0, 200, "healthy", 0, id="a p95 of exactly 200 ms"),
        pytest.param(10, 10, 0, 201, "degraded", 1, id="a p95 of over 200 ms"),
        pytest.param(100, 97, 3, 0, "healthy", 0, id="three open of a hundred"),
        pytest.param(100, 96, 4, 0, "unhealthy", 1, id="four open of a hundred"),
        pytest.param(10, 3, 4, 900, "unhealthy", 3, id="error beats warnings, and each is a reason"),
        pytest.param(0, 0, 4, 0, "unhealthy", 1, id="four open, all disabled"),
    ],
)
def test_the_rules_of_the_requirements_judge_the_whole(enabled, healthy, open_breakers, worst_p95_ms, verdict, reasons):
    seen = facts_of(enabled=enabled, healthy=healthy, open_breakers=open_breakers, worst_p95_ms=worst_p95_ms)

    wrong = status.problems(seen, [], None, T0)

    assert status.verdict(severity for severity, _ in wrong) == verdict
    assert len(wrong) == reasons


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ([], "healthy"),
        (["info"], "healthy"),
        (["info", "warning"], "degraded"),
        (["warning", "error", "info"], "unhealthy"),
    ],
)
def test_the_worst_severity_is_the_verdict_and_info_does_not_count(severities, verdict):
    assert status.verdict(severities) == verdict


@pytest.mark.django_db
def test_a_new_symbol_is_processing_and_has_no_figures(symbol):
    assert seen(symbol, T0) == symbol_status.SymbolSummary(
        id=symbol.pk,
        symbol="TSLA",
        state=SymbolState.PROCESSING,
        last_processed=None,
        consecutive_failures=0,
        circuit_state=State.CLOSED,
        avg_latency_ms=0,
        p95_latency_ms=0,
        bars_processed=0,
        backlog=0,
        last_bar_time=None,
        last_error=None,
        next_attempt_at=None,
        enabled=True,
        lane="main",
        is_stale=False,
        data_age_seconds=None,
        stale_for_s=0,
        calendar="XNYS",
        gaps=0,
        created_at=symbol.created_at,
        disabled_until=None,
        p95_limit_ms=200,
    )


def test_a_processed_bar_shows_in_every_figure(dispatched_head):
    symbol, ticket = dispatched_head(waiting=2, first=TODAY)

    mailbox.complete(ticket, [], now=T0 + timedelta(milliseconds=40))

    shown = seen(symbol, T0 + SECOND)
    assert shown.last_processed == T0 + timedelta(milliseconds=40)
    assert shown.last_bar_time == ticket.timestamp
    assert (shown.avg_latency_ms, shown.p95_latency_ms) == (40, 40)
    assert (shown.bars_processed, shown.backlog) == (1, 2)
    assert shown.state is SymbolState.PROCESSING


def test_one_failure_pauses_until_the_retry_and_three_fail_until_the_probe(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)

    fail_head(symbol, now=T0)
    paused = seen(symbol, T0)
    third = fail_head(symbol, 2, now=T0)
    failed = seen(symbol, third + 29 * SECOND)
    probe = seen(symbol, third + 30 * SECOND)

    assert (paused.state, paused.circuit_state, paused.consecutive_failures) == ("paused", "closed", 1)
    assert paused.next_attempt_at == T0 + SECOND
    assert paused.last_error == "ValueError: no good"
    assert (failed.state, failed.circuit_state, failed.consecutive_failures) == ("failed", "open", 3)
    assert failed.next_attempt_at == third + 30 * SECOND, "the half-open moment, not the retry's 4 s"
    assert (probe.state, probe.circuit_state, probe.next_attempt_at) == ("paused", "half_open", None)
    assert {one.backlog for one in (paused, failed, probe)} == {2}


def test_a_new_head_of_an_open_breaker_runs_at_the_half_open_moment(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    third = fail_head(symbol, 3, now=T0)
    mailbox.skip(symbol, by="olga", now=third)
    SymbolStatus.objects.filter(symbol=symbol).update(next_attempt_at=None)

    shown = seen(symbol, third)

    assert shown.next_attempt_at == third + 30 * SECOND


def test_without_a_head_no_attempt_is_planned_even_while_the_breaker_is_open(dispatched_head):
    symbol, _ = dispatched_head()
    third = fail_head(symbol, 3, now=T0)
    mailbox.skip(symbol, by="olga", now=third)

    shown = seen(symbol, third)

    assert (shown.state, shown.next_attempt_at, shown.backlog) == ("failed", None, 0)


def test_a_disabled_symbol_is_paused_and_has_no_next_attempt(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, now=T0)
    mailbox.disable(symbol, by="olga", now=T0)

    shown = seen(symbol, T0)

    assert (shown.state, shown.enabled, shown.next_attempt_at, shown.backlog) == ("paused", False, None, 2)


@pytest.mark.django_db
def test_no_symbols_are_healthy():
    seen_whole = status.overview(T0)

    assert seen_whole == status.Overview(
        overall_status=OverallStatus.HEALTHY,
        reasons=[],
        alerts=0,
        total_symbols=0,
        enabled_symbols=0,
        healthy_symbols=0,
        paused_symbols=0,
        failed_symbols=0,
        bars_per_second=0,
        backlog=0,
        stale_symbols=0,
        symbols=[],
        alarm_path=AlarmPath(said="alarm path never proven: see manage.py drill"),
    )


@pytest.mark.django_db
def test_the_overview_counts_states_sums_backlogs_and_sorts_by_ticker():
    for ticker, days in [("TSLA", 1), ("BTC/USD", 2), ("BRK.B", 1), ("AAPL", 3), ("BRKA", 0)]:
        make_symbol(ticker)
        if days:
            accept_days(ticker, days)
    opened = fail_head(Symbol.objects.get(ticker="TSLA"), 3, now=T0)
    fail_head(Symbol.objects.get(ticker="AAPL"), now=opened)
    mailbox.disable(Symbol.objects.get(ticker="BRK.B"), by="olga", now=T0)

    whole = status.overview(opened)

    assert [(one.symbol, one.state.value) for one in whole.symbols] == [
        ("AAPL", "paused"),
        ("BRK.B", "paused"),
        ("BRKA", "processing"),
        ("BTC/USD", "processing"),
        ("TSLA", "failed"),
    ]
    assert (whole.total_symbols, whole.enabled_symbols) == (5, 4)
    assert (whole.healthy_symbols, whole.paused_symbols, whole.failed_symbols) == (2, 2, 1)
    assert whole.backlog == 7
    assert whole.overall_status is OverallStatus.DEGRADED


@pytest.mark.django_db
def test_a_disabled_symbol_does_not_count_against_the_healthy_share():
    for ticker in ("A", "B"):
        make_symbol(ticker)
    mailbox.disable(Symbol.objects.get(ticker="B"), by="olga", now=T0)

    whole = status.overview(T0)

    assert (whole.overall_status, whole.healthy_symbols, whole.paused_symbols) == ("healthy", 1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("opened", "verdict"), [(3, "healthy"), (4, "unhealthy")])
def test_more_than_three_open_breakers_are_unhealthy_until_they_are_half_open(opened, verdict):
    for number in range(20):
        make_symbol(f"S{number}")
    some = list(CircuitBreaker.objects.values_list("pk", flat=True)[:opened])
    CircuitBreaker.objects.filter(pk__in=some).update(failures=3, opened_at=T0, incident_at=T0)

    assert status.overview(T0 + 29 * SECOND).overall_status == verdict
    assert status.overview(T0 + 30 * SECOND).overall_status == "healthy"


@pytest.mark.django_db
def test_a_symbol_that_is_being_deleted_is_hidden_and_not_counted():
    accept_days("GONE", 3)
    gone = Symbol.objects.get(ticker="GONE")
    fail_head(gone, 3, now=T0)
    quick_and_slow(gone, [(900, T0)])
    Symbol.objects.filter(pk=gone.pk).update(deleted_at=T0)

    whole = status.overview(T0)

    assert (whole.symbols, whole.total_symbols, whole.backlog) == ([], 0, 0)
    assert whole.overall_status is OverallStatus.HEALTHY


def quick_and_slow(symbol: Symbol, latencies: list[tuple[int, datetime]]) -> None:
    """Store figures as the mailbox would after bars of these latencies, the last one processed last."""
    values = [ms for ms, _ in latencies]
    SymbolStatus.objects.filter(symbol=symbol).update(
        latencies=[[ms, int(at.timestamp())] for ms, at in latencies],
        avg_latency_ms=round(sum(values) / len(values), 1),
        p95_latency_ms=latency.percentile(values, 95),
        longest_latency_ms=max(values),
        last_processed_at=latencies[-1][1],
    )


def test_a_single_symbol_is_shown_as_in_the_overview(symbol):
    accept_days("TSLA", 3)
    fail_head(symbol, 3, now=T0)

    assert status.overview(T0).symbols == [seen(symbol, T0)]


@pytest.mark.django_db
def test_the_quick_way_of_the_overview_shows_each_symbol_as_the_way_of_one_does():
    fresh, old = make_symbol("FRESH"), make_symbol("OLD")
    for symbol, newest in ((fresh, T0 - SECOND), (old, T0 - timedelta(days=3))):
        SymbolStatus.objects.filter(symbol=symbol).update(
            newest={"1m": newest.isoformat(), "1d": newest.isoformat()},
            watched=["1m"],
            last_bar_time=newest,
            last_processed_at=T0 - timedelta(microseconds=1),
            last_error="ValueError: no",
        )
    accept_days("FAILING", 2)
    failing = Symbol.objects.get(ticker="FAILING")
    SymbolStatus.objects.filter(symbol=failing).update(attempts=3, next_attempt_at=T0 + SECOND)
    CircuitBreaker.objects.filter(symbol=failing).update(failures=3, opened_at=T0 - SECOND, incident_at=T0 - SECOND)
    Symbol.objects.filter(pk=make_symbol("OFF").pk).update(
        enabled=False, disabled_until=T0 + SECOND, p95_ms=77, calendar="XLON"
    )

    shown = symbol_status.all_summaries(T0)

    assert [one.symbol for one in shown] == ["FAILING", "FRESH", "OFF", "OLD"]
    assert shown == [seen(Symbol.objects.get(ticker=one.symbol), T0) for one in shown]
    assert [one.is_stale for one in shown] == [False, False, False, True]
    assert {type(one.enabled) for one in shown} == {bool}


def test_an_upgrade_finds_the_longest_of_the_stored_latencies(symbol):
    quick_and_slow(symbol, [(30, T0), (900, T0), (20, T0)])
    SymbolStatus.objects.update(longest_latency_ms=0)
    make_symbol("NONE")

    import_module("scanner_app.migrations.0007_longest_latency").of_those_kept(
        apps, SimpleNamespace(connection=connection)
    )

    assert dict(SymbolStatus.objects.values_list("symbol__ticker", "longest_latency_ms")) == {"TSLA": 900, "NONE": 0}


OLD = T0 - timedelta(minutes=5, seconds=1)
EDGE = T0 - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("latencies", "verdict"),
    [
        pytest.param([(900, OLD)] * 20, "healthy", id="slow, but more than five minutes ago"),
        pytest.param([(900, EDGE)] * 20, "degraded", id="slow, five minutes ago"),
        pytest.param([(900, T0)] * 19, "healthy", id="slow, but too few bars for a figure"),
        pytest.param([(10, OLD)] * 19 + [(900, T0)], "healthy", id="one slow bar among few fresh ones"),
        pytest.param([(10, OLD)] * 18 + [(900, T0)] * 2, "degraded", id="two slow bars of the last twenty"),
        pytest.param(
            [(10, OLD)] * 95 + [(900, T0)] * 5, "degraded", id="slow now, quick before: the stored p95 is low"
        ),
        pytest.param([(0, OLD)] * 80 + [(201, T0)] * 20, "degraded", id="twenty fresh bars, just over the limit"),
        pytest.param(
            [(900, OLD)] * 95 + [(10, T0)] * 5, "healthy", id="quick now, slow before: the stored p95 is high"
        ),
        pytest.param([(10, T0)] * 95 + [(900, T0)] * 5, "healthy", id="five slow bars of a hundred"),
        pytest.param([(10, T0)] * 94 + [(900, T0)] * 6, "degraded", id="six slow bars of a hundred"),
        pytest.param([(200, T0)] * 20, "healthy", id="exactly 200 ms"),
    ],
)
def test_only_fresh_latencies_over_200_ms_degrade(symbol, latencies, verdict):
    quick_and_slow(symbol, latencies)

    assert status.overview(T0).overall_status == verdict


def test_latencies_are_read_only_where_the_longest_is_over_the_limit(symbol):
    quick_and_slow(symbol, [(900, T0)])
    SymbolStatus.objects.update(longest_latency_ms=200)

    assert symbol_status.slow_symbols(T0) == {}


@pytest.mark.parametrize(
    ("finished_at", "rate"),
    [
        pytest.param(T0, 0.3, id="just now"),
        pytest.param(T0 - timedelta(seconds=9.999), 0.3, id="within ten seconds"),
        pytest.param(T0 - timedelta(seconds=10), 0, id="ten seconds ago"),
        pytest.param(None, 0, id="never"),
    ],
)
def test_bars_per_second_is_of_the_last_ten_seconds(symbol, finished_at, rate):
    accept_days("TSLA", 5)
    Bar.objects.filter(sequence__lte=3).update(status="processed", finished_at=finished_at)
    Bar.objects.filter(sequence=4).update(status="quarantined", finished_at=T0)

    assert status.bars_per_second(T0) == pytest.approx(rate)


@pytest.mark.django_db
@pytest.mark.parametrize("symbols", [1, 20, 200])
def test_the_overview_takes_six_queries_whatever_the_number_of_symbols(symbols):
    for number in range(symbols):
        make_symbol(f"S{number}")
    SymbolStatus.objects.update(latencies=[[250, int(T0.timestamp())]], longest_latency_ms=250, last_processed_at=T0)

    with CaptureQueriesContext(connection) as queries:
        whole = status.overview(T0)

    assert len(whole.symbols) == symbols
    assert len(queries) == 6
