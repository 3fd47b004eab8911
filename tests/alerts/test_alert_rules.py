"""Each rule fires with its cause, clears with it, and is notified twice.

Where a cause is a process, these tests write what it would leave in Redis. tests/integration/test_watch.py kills,
stops and deafens real processes.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from scanner_app import mailbox
from scanner_app.alerts import gather
from scanner_app.detectors import BarUnusable
from scanner_app.domain.alert_rules import RULES, BrokerFacts, Facts, Limits, SymbolFacts, WorkerFacts
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import redis_client, sweep_memory
from scanner_app.models import Alert, Evaluation, Notification, Symbol, SymbolStatus
from tests.alerts.watching import LOOK_S, Watched, notified, redis_server, state_of, watched
from tests.conftest import T0, accept_days, fail_head, live_message, make_symbol, new_bar, row_of, start_head

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


def a_bar_takes_300_ms(scanner: Watched, _: Any) -> None:
    accept_days("TSLA", 1, now=scanner.clock.now)
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


def it_is_discarded(scanner: Watched, _: Any) -> None:
    mailbox.discard(tsla().quarantine.get(), by="olga", now=scanner.clock.now)


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


def the_broker_is_back(scanner: Watched, _: Any) -> None:
    scanner.redis.start()
    scanner.all_well()


CASES = {
    "healthy_share": Case(cause=one_of_two_fails, cure=lambda s, _: complete(s), says="1 of 2 symbols are healthy"),
    "slow_symbol": Case(
        cause=a_bar_takes_300_ms,
        cure=lambda s, _: s.clock.move(300),
        says="its p95 latency is 300 ms, over 200 ms",
        name="TSLA",
    ),
    "open_breakers": Case(
        cause=four_breakers_open, cure=they_are_reset, says="4 breakers are open, more than 3: AAPL, IBM, MSFT, TSLA."
    ),
    "stale_symbol": Case(
        cause=its_feed_stops, cure=a_fresh_bar_comes, says="BTC-USD: no new bar for 16 minutes", name="BTC-USD"
    ),
    "stuck_head": Case(
        cause=a_bar_waits_unheard,
        cure=lambda s, _: complete(s),
        says="its next bar could run, and has not been processed for",
        name="TSLA",
    ),
    "backlog": Case(cause=three_bars_wait, cure=lambda s, _: complete(s), says="3 bars wait, more than 2", name="TSLA"),
    "quarantine": Case(cause=a_bar_is_unusable, cure=it_is_discarded, says="1 bar is in quarantine, of TSLA."),
    "no_worker": Case(
        cause=lambda s, _: s.forget("slow"),
        cure=lambda s, _: s.beat("slow"),
        says="No living worker consumes slow 0/1",
        name="slow 0/1",
    ),
    "no_notifier": Case(
        cause=lambda s, _: s.forget("notify"), cure=lambda s, _: s.beat("notify"), says="No living notify worker"
    ),
    "deaf_worker": Case(
        cause=lambda s, _: s.beat("main", unconsumed_s=12),
        cure=lambda s, _: s.beat("main"),
        says="a message has waited for 12 s",
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
    "repeated_outages": Case(
        cause=ten_runs_end_with_an_outage,
        cure=lambda s, _: complete(s),
        says="10 runs in a row of its next bar ended with an outage",
        name="TSLA",
    ),
}
MADE_UP = {"no_worker", "no_notifier", "deaf_worker", "worker_clock", "sweeper_late", "repeated_outages"}
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
    assert fired.subject == (f"{case.name}: {rule.title}" if case.name else rule.title.capitalize())
    assert rule.runbook in fired.body
    assert cleared.subject.startswith(f"{case.name}: over: " if case.name else "Over: ")


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

LIMITS = Limits(healthy_percent=80, p95_ms=200, open_breakers=3, stale_s=900, stuck_s=60, backlog=100, answer_ms=500)


def facts_of(**values: Any) -> Facts:
    return Facts(**{"now": T0, "limits": LIMITS, **values})


def worker(role: str, shard: str = "0/1", **values: Any) -> WorkerFacts:
    return WorkerFacts(name=f"{role}@{shard}", role=role, shard=shard, **values)


@pytest.mark.parametrize(
    ("workers", "missing"),
    [
        pytest.param([], ["main 0/1", "slow 0/1"], id="nobody"),
        pytest.param([worker("main"), worker("slow")], [], id="one of each lane"),
        pytest.param([worker("main"), worker("main"), worker("upkeep")], ["slow 0/1"], id="one lane has nobody"),
        pytest.param(
            [worker("main", "0/2"), worker("slow", "0/2"), worker("slow", "1/2")], ["main 1/2"], id="a shard has nobody"
        ),
        pytest.param(
            [worker("main", "1/2"), worker("slow")], ["main 0/2"], id="a worker of all shards counts for each"
        ),
        pytest.param(
            [worker("main"), worker("slow"), worker("upkeep", "0/9")], [], id="the shard of upkeep means nothing"
        ),
    ],
)
def test_no_worker_names_each_shard_and_lane_that_nobody_consumes(workers, missing):
    found = RULES["no_worker"].find(facts_of(broker=BrokerFacts(workers=tuple(workers))))

    assert [finding.subject for finding in found or ()] == missing


@pytest.mark.parametrize("name", sorted(RULES))
def test_without_the_broker_only_the_rules_that_need_it_are_undecided(name):
    away = facts_of(broker=BrokerFacts(error="refused"), beat_ago_s=1)

    found = RULES[name].find(away)

    by_broker = {"no_worker", "no_notifier", "deaf_worker", "worker_clock", "sweeper_late", "slow_broker"}
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

    assert "has not been processed for 1 min 17 s" in Alert.objects.get(rule="stuck_head").message


def test_a_retry_that_nobody_runs_is_stuck_a_minute_after_its_time(watched):
    accept_days("TSLA", 1, now=watched.clock.now)
    fail_head(tsla(), now=watched.clock.now)  # the retry is due a second later
    watched.clock.move(61)
    watched.look()
    assert state_of("stuck_head") == []

    watched.look_for(15)

    assert notified("stuck_head") == ["fired"]
