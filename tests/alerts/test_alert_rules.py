"""Each rule fires with its cause, clears with it, and is notified twice.

Where a cause is a process, these tests write what it would leave in Redis. tests/integration/test_watch.py kills,
stops and deafens real processes.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from scanner_app import mailbox
from scanner_app.alerts import gather, unexpected
from scanner_app.detectors import BarUnusable
from scanner_app.domain.alert_rules import RULES, BrokerFacts, Facts, Limits, SymbolFacts, WorkerFacts
from scanner_app.domain.enums import ErrorSource, FeedState, GapState
from scanner_app.domain.unexpected import DOWN_FOR, RECENT
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import live_feeds, redis_client, sweep_memory
from scanner_app.models import (
    Alert,
    Evaluation,
    Feed,
    Gap,
    Notification,
    Rule,
    RuleFailure,
    Symbol,
    SymbolStatus,
)
from tests.alerts.watching import LOOK_S, Watched, notified, redis_server, state_of, watched
from tests.conftest import T0, TODAY, accept_days, fail_head, live_message, make_symbol, new_bar, row_of, start_head

__all__ = ["redis_server", "watched"]  # fixtures


@dataclass(frozen=True, kw_only=True)
class Case:
    """What makes a rule fire, and what ends it."""

    cause: Callable[[Watched, Any], object]
    cure: Callable[[Watched, Any], object]
    says: str  # part of the message
    name: str = ""  # symbol or subject


def tsla() -> Symbol:
    return Symbol.objects.get(ticker="TSLA")


def complete(scanner: Watched, ticker: str = "TSLA") -> None:
    symbol = Symbol.objects.get(ticker=ticker)
    now = max(scanner.clock.now, row_of(symbol).next_attempt_at or T0)
    mailbox.complete(start_head(symbol, now=now), [], now=now)


def one_of_two_fails(scanner: Watched, _: Any) -> None:
    make_symbol("AAPL")
    accept_days("TSLA", 1, now=scanner.clock.now)
    fail_head(tsla(), now=scanner.clock.now)


def twenty_bars_take_300_ms(scanner: Watched, _: Any) -> None:
    for day in range(20):
        accept_days("TSLA", 1, first=TODAY + day, now=scanner.clock.now)
        scanner.clock.move(0.3)
        complete(scanner)


def four_breakers_open(scanner: Watched, _: Any) -> None:
    symbols = []
    for ticker in ("TSLA", "AAPL", "IBM", "MSFT"):
        accept_days(ticker, 1, now=scanner.clock.now)
        symbols.append(Symbol.objects.get(ticker=ticker))
        opened_at = fail_head(symbols[-1], 3, now=scanner.clock.now)
    scanner.clock.now = opened_at

    def probes_fail() -> None:
        for symbol in symbols:
            due = row_of(symbol).next_attempt_at
            if due is not None and due <= scanner.clock.now:
                mailbox.fail(start_head(symbol, now=scanner.clock.now), ValueError("no"), now=scanner.clock.now)

    scanner.at_each_look = probes_fail


def they_are_reset(scanner: Watched, _: Any) -> None:
    scanner.at_each_look = lambda: None
    for symbol in Symbol.objects.all():
        mailbox.reset(symbol, by="olga", now=scanner.clock.now)


def a_fresh_bar_comes(scanner: Watched, _: Any) -> None:
    create_symbols(["BTC-USD"], at_most=100, now=scanner.clock.now)
    mailbox.accept([new_bar("BTC-USD", timeframe="1m", timestamp=scanner.clock.now)], now=scanner.clock.now)
    complete(scanner, "BTC-USD")


def its_feed_stops(scanner: Watched, settings: Any) -> None:
    a_fresh_bar_comes(scanner, settings)
    allowed_s = 60 + 60 + settings.SCANNER_STALE_GRACE_S  # its own time, the next one's, and the grace
    scanner.clock.move(allowed_s + 900)
    scanner.look()
    assert state_of("stale_symbol") == [], "for exactly 15 minutes"


def a_bar_waits_unheard(scanner: Watched, _: Any) -> None:
    accept_days("TSLA", 1, now=scanner.clock.now)
    scanner.clock.move(61)


def three_bars_wait(scanner: Watched, settings: Any) -> None:
    settings.SCANNER_ALERT_BACKLOG = 2
    accept_days("TSLA", 3, now=scanner.clock.now)


def a_bar_is_unusable(scanner: Watched, _: Any) -> None:
    accept_days("TSLA", 1, now=scanner.clock.now)
    mailbox.quarantine_head(start_head(tsla(), now=scanner.clock.now), BarUnusable("rubbish"), now=scanner.clock.now)


def a_rule_has_failed(scanner: Watched, _: Any) -> None:
    made = {"created_at": T0, "changed_at": T0}
    owner = User.objects.create_user("ann")
    Rule.objects.create(pk=1, owner=owner, name="Up", expression="close > 1", timeframes=["1d"], **made)
    failed = {"timeframe": "1d", "timestamp": T0, "revision": 1, "error": "KeyError: 'x'", "at": T0}
    RuleFailure.objects.create(rule_id=1, symbol=tsla(), **failed)


def it_is_discarded(scanner: Watched, _: Any) -> None:
    mailbox.discard(tsla().quarantine.get(), by="olga", now=scanner.clock.now)


def feed_is(scanner: Watched, state: FeedState, **more: Any) -> None:
    """A feed whose process writes this heartbeat at each look."""
    Feed.objects.get_or_create(name="binance", venue="binance", entry="BTCUSDT@1m")

    def beat() -> None:
        live_feeds.write({"binance": live_feeds.Heartbeat(at=scanner.clock.now, venue="binance", state=state, **more)})

    scanner.at_each_look = beat


def hole(found_at: datetime, **values: Any) -> Gap:
    """An open hole of the feed binance, of 41 bars of which one has come."""
    fields = {"timeframe": "1m", "first": T0, "last": T0 + timedelta(minutes=40), "missing": 41, "refilled": 1}
    feed, _ = Feed.objects.get_or_create(name="binance", venue="binance", entry="BTCUSDT@1m")
    more: dict[str, Any] = {"symbol": tsla(), "feed": feed, "cause": "reconnect", **fields, **values}
    return Gap.objects.create(found_at=found_at, **more)


def a_hole_is_old(scanner: Watched, _: Any) -> None:
    feed_is(scanner, FeedState.LIVE)
    hole(scanner.clock.now)
    scanner.clock.move(900)
    scanner.look()
    assert state_of("gap_open") == [], "for exactly 15 minutes"


def beat_stops(scanner: Watched, _: Any) -> None:
    scanner.by_beat = False
    scanner.clock.move(15)


def beat_is_back(scanner: Watched, _: Any) -> None:
    scanner.by_beat = True


def the_broker_dawdles(scanner: Watched, settings: Any) -> None:
    # Far apart, as are a look's usual few milliseconds: a busy machine may stop this process in between.
    settings.SCANNER_ALERT_ANSWER_MS = 250
    scanner.at_each_look = lambda: redis_client.client().execute_command("CLIENT PAUSE", 500, "ALL")


def nothing_more(scanner: Watched, _: Any) -> None:
    scanner.at_each_look = lambda: None


def ten_runs_end_with_an_outage(scanner: Watched, _: Any) -> None:
    accept_days("TSLA", 1, now=scanner.clock.now)
    for _run in range(10):
        sweep_memory.mark_outage(live_message(tsla()).identity)


def an_error(scanner: Watched, source: ErrorSource, name: str) -> None:
    at = scanner.clock.now
    unexpected.store({(source, name): unexpected.Noted(41, at, at, "E: no")})


def the_broker_is_back(scanner: Watched, _: Any) -> None:
    scanner.redis.start()
    scanner.all_well()


CASES = {
    "healthy_share": Case(
        cause=one_of_two_fails, cure=lambda s, _: complete(s), says="1 of 2 symbols were healthy at 2024-05-31"
    ),
    "slow_symbol": Case(
        cause=twenty_bars_take_300_ms,
        cure=lambda s, _: s.clock.move(300),
        says="its p95 latency was 300 ms at 2024-05-31 14:30:",
        name="TSLA",
    ),
    "open_breakers": Case(
        cause=four_breakers_open, cure=they_are_reset, says="UTC, more than 3: AAPL, IBM, MSFT, TSLA."
    ),
    "stale_symbol": Case(
        cause=its_feed_stops, cure=a_fresh_bar_comes, says=" UTC no new bar for 16 minutes", name="BTC-USD"
    ),
    "stuck_head": Case(
        cause=a_bar_waits_unheard,
        cure=lambda s, _: complete(s),
        says="its next bar could run, and had not been processed for",
        name="TSLA",
    ),
    "backlog": Case(cause=three_bars_wait, cure=lambda s, _: complete(s), says="3 bars waited at ", name="TSLA"),
    "quarantine": Case(cause=a_bar_is_unusable, cure=it_is_discarded, says="1 bar was in quarantine at "),
    "failed_rule": Case(
        cause=a_rule_has_failed,
        cure=lambda s, _: Rule.objects.update(revision=2),
        says="ann's rule 'Up' had failed at 2024-05-31 14:30:",
        name="rule 1",
    ),
    "no_worker": Case(
        cause=lambda s, _: s.forget("slow"),
        cure=lambda s, _: s.beat("slow"),
        says="No living worker takes the bars of the slow lane",
        name="slow",
    ),
    "no_notifier": Case(
        cause=lambda s, _: s.forget("notify"), cure=lambda s, _: s.beat("notify"), says="No living notify worker"
    ),
    "deaf_worker": Case(
        cause=lambda s, _: s.beat("main", unanswered_s=12),
        cure=lambda s, _: s.beat("main"),
        says="has had no answer from the broker for 12 s",
        name="main@here",
    ),
    "worker_clock": Case(
        cause=lambda s, _: s.beat("slow", clock_ahead_s=-3),
        cure=lambda s, _: s.beat("slow"),
        says="its clock is 3.0 s behind the database's",
        name="slow@here",
    ),
    "beat_late": Case(cause=beat_stops, cure=beat_is_back, says="Beat has triggered no periodic task for"),
    "sweeper_late": Case(
        cause=lambda s, _: redis_client.client().delete(sweep_memory.SWEPT_KEY),
        cure=lambda s, _: sweep_memory.remember_sweep({}),
        says="The sweeper has not run for 1 min or more",
    ),
    "slow_broker": Case(cause=the_broker_dawdles, cure=nothing_more, says="ms for one small question, over 250 ms"),
    "broker_away": Case(
        cause=lambda s, _: s.redis.kill(), cure=the_broker_is_back, says="The broker does not answer: ConnectionError"
    ),
    "feed_down": Case(
        cause=lambda s, _: feed_is(s, FeedState.DOWN, last_error="refused"),
        cure=lambda s, _: feed_is(s, FeedState.LIVE),
        says="Live feed binance is down: refused.",
        name="binance",
    ),
    "feed_silent": Case(
        cause=lambda s, _: feed_is(s, FeedState.SILENT),
        cure=lambda s, _: feed_is(s, FeedState.CATCHING_UP),
        says="Live feed binance is connected, but its bars are overdue.",
        name="binance",
    ),
    "gap_open": Case(
        cause=a_hole_is_old,
        cure=lambda s, _: Gap.objects.update(state=GapState.REFILLED),
        says="Live feed binance had 1 hole of 40 bars open",
        name="binance",
    ),
    "unexpected_errors": Case(
        cause=lambda s, _: an_error(s, ErrorSource.WEB, "500 to POST /api/v1/scanner/bars"),
        cure=lambda s, _: s.clock.move(RECENT.total_seconds()),
        says="The web answered 500 to POST /api/v1/scanner/bars 41 times since 2024-05-31 14:30:",
        name="web",
    ),
    "program_down": Case(
        cause=lambda s, _: an_error(s, ErrorSource.GIVEN_UP, "worker-main"),
        cure=lambda s, _: s.clock.move(DOWN_FOR.total_seconds()),
        says="Program worker-main could not be kept running, last tried at ",
        name="worker-main",
    ),
    "repeated_outages": Case(
        cause=ten_runs_end_with_an_outage,
        cure=lambda s, _: complete(s),
        says="10 runs in a row of its next bar ended with an outage",
        name="TSLA",
    ),
}
MADE_UP = {"no_worker", "no_notifier", "deaf_worker", "worker_clock", "sweeper_late", "repeated_outages"}
MADE_UP |= {"feed_down", "feed_silent", "gap_open"}
"""Rules of which the test writes what a dead, deaf or failing process would leave in Redis."""

ELSEWHERE = {"slow_database"}
"""Rules whose causes need other means: below."""


def test_every_rule_has_a_case():
    assert set(CASES) | ELSEWHERE == set(RULES)


@pytest.mark.parametrize("name", [name for name in CASES if name not in MADE_UP])
def test_a_rule_fires_and_clears_with_its_real_cause_and_is_notified_twice(watched, settings, name):
    fires_and_clears(watched, settings, name)


@pytest.mark.parametrize("name", sorted(MADE_UP))
def test_a_rule_fires_and_clears_with_what_its_cause_leaves_in_redis_and_is_notified_twice(watched, settings, name):
    fires_and_clears(watched, settings, name)


def fires_and_clears(watched: Watched, settings: Any, name: str) -> None:
    rule, case = RULES[name], CASES[name]
    make_symbol("TSLA")
    watched.look()
    assert not Alert.objects.filter(rule=name).exists()

    case.cause(watched, settings)
    if rule.for_s:
        watched.look_for(rule.for_s - LOOK_S)
        assert (state_of(name), notified(name)) == (["pending"], []), "not before its time"
    watched.look()
    assert (state_of(name), notified(name)) == (["firing"], ["fired"])
    watched.look_for(45)
    assert (state_of(name), notified(name)) == (["firing"], ["fired"]), "once"

    case.cure(watched, settings)
    watched.look()
    assert (state_of(name), notified(name)) == (["recovering"], ["fired"])
    watched.look_for(rule.clear_s)

    assert (state_of(name), notified(name)) == (["resolved"], ["fired", "cleared"])
    alert = Alert.objects.get(rule=name)
    times = [alert.began_at, alert.fired_at, alert.clear_since, alert.cleared_at]
    assert case.says in alert.message
    assert alert.severity == rule.severity
    assert (alert.symbol.ticker if alert.symbol else alert.subject) == case.name
    assert times == sorted(time for time in times if time is not None)
    fired, cleared = Notification.objects.filter(alert=alert).order_by("pk")
    assert fired.subject == f"{rule.severity}: " + (f"{case.name}: {rule.title}" if case.name else rule.title)
    assert rule.runbook in fired.body
    assert cleared.subject.startswith(f"{rule.severity}: " + (f"{case.name}: over: " if case.name else "over: "))
    assert (fired.severity, cleared.severity) == (rule.severity, rule.severity)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_keeps_a_small_write_waiting_fires_and_clears(clock, redis_server, settings):
    settings.SCANNER_HEARTBEAT_S, settings.SCANNER_ALERT_ANSWER_MS = 60, 250
    scanner = Watched(clock, redis_server)
    scanner.all_well()
    scanner.look()
    threads = []

    def hold_the_row() -> None:
        held = threading.Event()

        def hold() -> None:
            with transaction.atomic():
                Evaluation.objects.update(complete=True)  # on SQLite the lock of all, on PostgreSQL that of the row
                held.set()
                threading.Event().wait(0.5)
            connection.close()

        threads.append(threading.Thread(target=hold))
        threads[-1].start()
        assert held.wait(10)

    scanner.at_each_look = hold_the_row
    scanner.look_for(RULES["slow_database"].for_s)
    assert notified("slow_database") == ["fired"]
    scanner.at_each_look = lambda: None
    for thread in threads:
        thread.join()
    for _ in range(20):  # on a machine with other work, a real write may be slow at one look or another
        scanner.look_for(RULES["slow_database"].clear_s + LOOK_S)
        if len(notified("slow_database")) > 1:
            break

    assert notified("slow_database") == ["fired", "cleared"]
    assert "ms for one small write, over 250 ms" in Alert.objects.get().message


# ------------------------------------------------------------------------------- the rules on made-up facts

LIMITS = Limits(
    healthy_percent=80, p95_ms=200, open_breakers=3, stale_s=900, stuck_s=60, backlog=100, answer_ms=500, gap_s=900
)


def facts_of(**values: Any) -> Facts:
    return Facts(**{"now": T0, "limits": LIMITS, **values})


def worker(role: str, **values: Any) -> WorkerFacts:
    return WorkerFacts(name=f"{role}@here", role=role, **values)


@pytest.mark.parametrize(
    ("workers", "missing"),
    [
        pytest.param([], ["main", "slow"], id="nobody"),
        pytest.param([worker("main"), worker("slow")], [], id="one of each lane"),
        pytest.param([worker("main"), worker("main"), worker("upkeep")], ["slow"], id="one lane has nobody"),
    ],
)
def test_no_worker_names_each_lane_whose_bars_nobody_takes(workers, missing):
    found = RULES["no_worker"].find(facts_of(broker=BrokerFacts(workers=tuple(workers))))

    assert [finding.subject for finding in found or ()] == missing


@pytest.mark.parametrize(
    ("roles", "missing"),
    [(["notify", "hits"], []), (["notify"], ["hits"]), (["hits"], [""]), (["main"], ["", "hits"])],
)
def test_no_notifier_says_whether_notifications_or_hits_are_sent_by_nobody(roles, missing):
    found = RULES["no_notifier"].find(facts_of(broker=BrokerFacts(workers=tuple(worker(role) for role in roles))))

    assert [finding.subject for finding in found or ()] == missing


def test_symbols_that_wait_in_line_for_a_free_worker_are_one_finding_and_lost_ones_each_their_own():
    long_ago = T0 - timedelta(seconds=90)

    def waiting(number: int, *, in_line: bool) -> SymbolFacts:
        return SymbolFacts(
            id=number, ticker=f"S{number}", enabled=True, healthy=True, breaker_open=False, due_since=long_ago,
            in_line=in_line,
        )  # fmt: skip

    symbols = (waiting(1, in_line=False), *(waiting(number, in_line=True) for number in range(2, 2_002)))

    found = list(RULES["stuck_head"].find(facts_of(symbols=symbols)) or ())

    assert [finding.ticker for finding in found] == ["S1", ""]
    assert found[1].message.startswith("Bars of 2,000 symbols wait for a free worker for up to ")


@pytest.mark.parametrize("name", sorted(RULES))
def test_without_the_broker_only_the_rules_that_need_it_are_undecided(name):
    away = facts_of(broker=BrokerFacts(error="refused"), beat_ago_s=1)

    found = RULES[name].find(away)

    by_broker = {"no_worker", "no_notifier", "deaf_worker", "worker_clock", "sweeper_late", "slow_broker"}
    by_broker |= {"feed_down", "feed_silent", "gap_open"}
    if name in by_broker | {"repeated_outages"}:
        assert found is None
    else:
        assert len(list(found or ())) == (1 if name == "broker_away" else 0)


@pytest.mark.parametrize(
    ("name", "values", "holds"),
    [
        pytest.param("stuck_head", {"due_since": T0 - timedelta(seconds=60)}, False, id="due for exactly 60 s"),
        pytest.param("stuck_head", {"due_since": T0 - timedelta(seconds=60.1)}, True, id="due for longer"),
        pytest.param("backlog", {"backlog": 100}, False, id="a backlog of the limit"),
        pytest.param("backlog", {"backlog": 101}, True, id="one bar more"),
        pytest.param("backlog", {"backlog": 101, "enabled": False}, True, id="more, of a disabled symbol"),
        pytest.param("stale_symbol", {"stale_for_s": 900}, False, id="stale for 15 minutes"),
        pytest.param("stale_symbol", {"stale_for_s": 901}, True, id="stale for longer"),
        pytest.param("stale_symbol", {"stale_for_s": 901, "enabled": False}, False, id="stale and disabled"),
        pytest.param("repeated_outages", {"outages": 9}, False, id="nine outages"),
        pytest.param("repeated_outages", {"outages": 10}, True, id="ten outages"),
    ],
)
def test_the_edge_of_each_limit(name, values, holds):
    symbol = SymbolFacts(
        **{"id": 1, "ticker": "TSLA", "enabled": True, "healthy": True, "breaker_open": False} | values
    )

    found = list(RULES[name].find(facts_of(symbols=(symbol,))) or ())

    assert bool(found) is holds
    assert all((one.symbol_id, one.ticker) == (1, "TSLA") for one in found)


@pytest.mark.parametrize(
    ("sweep_s", "ago_s", "says"),
    [
        pytest.param(2, 14, "", id="not yet"),
        pytest.param(2, 16, "for 16 s", id="three sweeps, and 15 s at least"),
        pytest.param(10, 29, "", id="slow sweeps: not yet"),
        pytest.param(10, 31, "for 31 s", id="slow sweeps: three"),
        pytest.param(2, None, "for 1 min or more", id="longer than it is remembered"),
        pytest.param(10, None, "for 1 min 40 s or more", id="slow sweeps: longer than it is remembered"),
    ],
)
def test_the_sweeper_is_late_by_the_patience_and_memory_that_readyz_goes_by(watched, settings, sweep_s, ago_s, says):
    settings.SCANNER_SWEEP_S = sweep_s
    swept = sweep_memory.SWEPT_KEY, time.time() - (ago_s or 0)
    redis_client.client().delete(sweep_memory.SWEPT_KEY) if ago_s is None else redis_client.client().set(*swept)

    found = list(RULES["sweeper_late"].find(gather.gather(T0)) or ())

    assert [says in finding.message for finding in found] == ([True] if says else [])


def test_rules_come_after_those_that_mute_them():
    names = list(RULES)

    for rule in RULES.values():
        for stronger in rule.muted_by:
            assert names.index(stronger) < names.index(rule.name), f"{stronger} mutes {rule.name}"


# --------------------------------------------------------------------------- since when a head could have run


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda now: None, id="nothing happens to it"),
        pytest.param(
            lambda now: SymbolStatus.objects.update(bars_processed=7, last_processed_at=now - timedelta(minutes=5)),
            id="its last bar is long done",
        ),
    ],
)
def test_a_head_that_nobody_runs_is_stuck(watched, trouble):
    a_bar_waits_unheard(watched, None)
    trouble(watched.clock.now)

    watched.look_for(15)

    assert notified("stuck_head") == ["fired"]


@pytest.mark.parametrize(
    "excuse",
    [
        pytest.param(lambda s: mailbox.disable(tsla(), by="olga", now=s.clock.now), id="disabled"),
        pytest.param(lambda s: fail_head(tsla(), now=s.clock.now), id="waits for its retry"),
        pytest.param(lambda s: fail_head(tsla(), 3, now=s.clock.now), id="its breaker is open"),
        pytest.param(
            lambda s: [act(tsla(), by="olga", now=s.clock.now) for act in (mailbox.disable, mailbox.enable)],
            id="just enabled again",
        ),
        pytest.param(lambda s: mailbox.reset(tsla(), by="olga", now=s.clock.now), id="just reset"),
        pytest.param(complete, id="just done"),
        pytest.param(lambda s: mailbox.skip(tsla(), by="olga", now=s.clock.now), id="just skipped"),
    ],
)
def test_a_head_with_an_excuse_is_not_stuck(watched, excuse):
    accept_days("TSLA", 2, now=watched.clock.now)
    watched.clock.move(61)
    excuse(watched)

    watched.look_for(15)

    assert state_of("stuck_head") == []


def test_after_a_stop_of_the_scanner_old_heads_that_run_at_once_are_not_notified(watched):
    accept_days("TSLA", 1, now=watched.clock.now)
    watched.clock.move(12 * 3_600)
    watched.look()
    complete(watched)

    watched.look_for(30)

    assert (state_of("stuck_head"), notified("stuck_head")) == ([], [])


def test_a_head_is_stuck_since_the_bar_before_it_was_done_not_since_it_was_accepted(watched):
    accept_days("TSLA", 2, now=watched.clock.now)
    watched.clock.move(3_600)
    complete(watched)
    watched.clock.move(62)

    watched.look_for(15)

    assert "had not been processed for 1 min 17 s" in Alert.objects.get(rule="stuck_head").message


def test_a_retry_that_nobody_runs_is_stuck_a_minute_after_its_time(watched):
    accept_days("TSLA", 1, now=watched.clock.now)
    fail_head(tsla(), now=watched.clock.now)  # the retry is due a second later
    watched.clock.move(61)
    watched.look()
    assert state_of("stuck_head") == []

    watched.look_for(15)

    assert notified("stuck_head") == ["fired"]


# ---------------------------------------------------------------------------------------- live feeds


def test_a_feed_that_no_process_runs_is_down(watched):
    Feed.objects.create(name="kraken", venue="ccxt.kraken", entry="BTC/USD@1m")

    watched.look_for(60)

    assert Alert.objects.get(rule="feed_down").message == (
        "Live feed kraken is down: no process runs it (manage.py feed)."
    )


def test_a_feed_whose_process_has_ended_is_down_whatever_its_last_heartbeat_says(watched):
    feed_is(watched, FeedState.LIVE, last_error="odd")
    watched.look()
    watched.at_each_look = lambda: None
    watched.clock.move(60)

    watched.look_for(60)

    assert Alert.objects.get(rule="feed_down").message == (
        "Live feed binance is down: no process runs it (manage.py feed); before that: odd."
    )


def test_a_feed_that_is_switched_off_is_no_alert_and_costs_the_broker_nothing(watched, monkeypatch):
    feed_is(watched, FeedState.DOWN)
    Feed.objects.update(enabled=False)
    make_symbol("TSLA")
    hole(watched.clock.now - timedelta(days=1))

    watched.look_for(120)

    assert not Alert.objects.exists()


def test_one_feed_that_is_down_does_not_hide_the_holes_of_another(watched):
    make_symbol("TSLA")
    Feed.objects.create(name="kraken", venue="ccxt.kraken", entry="BTC/USD@1m")
    feed_is(watched, FeedState.LIVE)
    hole(watched.clock.now - timedelta(days=1))

    watched.look_for(120)

    assert state_of("feed_down") == state_of("gap_open") == ["firing"]
    assert notified("gap_open") == ["fired"]


def test_holes_of_a_feed_that_is_down_are_told_once_by_its_being_down(watched):
    make_symbol("TSLA")
    feed_is(watched, FeedState.DOWN)
    hole(watched.clock.now - timedelta(days=1))

    watched.look_for(120)

    assert (notified("feed_down"), state_of("gap_open")) == (["fired"], [])
