"""The mailbox under random stories: every fault that the design knows, in any order, against the small model.

A story is played on three symbols with a moved clock. The broker is a list of messages, which may be lost, late,
doubled or long stale; a worker takes a message and ends with it some steps later, so that runs overlap as they
do in life. After each step the rows must be as the model says, row by row, and no other symbol's may have moved.
At the end the faults stop, and everything that waits must come through.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection, models
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction
from scanner_app.detectors.running import Finding
from scanner_app.domain import staleness
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import NothingToSkip, NotInQuarantine
from scanner_app.mailbox import DeliveryReport, Ticket, reruns
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import publisher
from scanner_app.messaging.messages import Message
from scanner_app.models import (
    Bar,
    CircuitBreaker,
    ProcessingFailure,
    QuarantinedBar,
    Rerun,
    Signal,
    Symbol,
    SymbolEvent,
    SymbolStatus,
)
from tests.conftest import DAY, T0, new_bar
from tests.mailbox.model import OVERDUE, QUICK_BARS, RECOVERY, SLOW_RUN_S, UNTOLD, Letter, ModelBar, ModelSymbol, Rules

NAMES = ("A", "B", "C")
DAY_0 = datetime(2024, 1, 1, tzinfo=UTC)
PATIENCE_S = 2.5
TABLES: dict[str, type[models.Model]] = {
    "symbol": Symbol,
    "status": SymbolStatus,
    "breaker": CircuitBreaker,
    "bars": Bar,
    "signals": Signal,
    "events": SymbolEvent,
    "failures": ProcessingFailure,
    "quarantine": QuarantinedBar,
    "reruns": Rerun,
}
KEYS = {"symbol": "id"}
"""The column that says whose row it is, where that is not `symbol_id`."""
RULES = (
    Rules((1, 2, 4, 8, 16, 30), threshold=3),
    Rules((1, 2), threshold=3),  # the breaker opens as the retries are used up
    Rules((1, 40), threshold=2),  # a retry later than the half-open moment
    Rules((1,), threshold=1),  # each failure opens the breaker
    Rules((2,), threshold=9),  # the control run comes long before the breaker opens
)
GOOD, BAD = ("success",) * 5 + ("slow",), ("fail", "fail", "hang", "unusable", "unusable", "killed", "crash", "outage")
DAY_S_WORK = st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=8)
BAD_DAY = st.lists(st.sampled_from(("fail", "fail", "fail", "hang", "killed", "unusable")), min_size=2, max_size=8)


class Delivery(NamedTuple):
    """A message in the broker, and from when on a worker takes it."""

    message: Message
    lane: str
    due: datetime | None


class Look(NamedTuple):
    """What a sweep saw when it began: the mailbox's list, and the model's, in its order."""

    due: list[Any]
    seen: list[tuple[str, Letter, int, str]]  # symbol, letter, losses, lane


@dataclass(eq=False)
class Run:
    """A message that a worker is at work on."""

    message: Message
    ticket: Ticket | None  # None: a control run without a bar to run on


class MailboxMachine(RuleBasedStateMachine):
    """One story."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.queue: list[Delivery] = []
        self.ever: list[Message] = []
        self.running: list[Run] = []
        self.sent: list[Delivery] = []  # in this step
        self.to_lose = 0
        self.broker_down = False
        self.outages: set[str] = set()
        self.unqueued: dict[str, float] = {}  # the sweeper's memory
        self.earlier_look: Look | None = None  # of a sweep that has begun
        self.earlier_span: Rerun | None = None  # of a re-run that has begun
        self.raw: dict[str, list[Any]] = {}
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.runs = 0
        self.accepted: Counter[str] = Counter()
        self.next_day = dict.fromkeys(NAMES, 10)
        self.in_step = False
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(publisher, "_send", self._send)
        self.patches.setattr(publisher, "PAUSE_AFTER_FAILURE_S", 0.0)
        Symbol.objects.all().delete()
        create_symbols(NAMES, at_most=len(NAMES), now=T0)
        self.symbols = {symbol.ticker: symbol for symbol in Symbol.objects.all()}

    @initialize(rules=st.sampled_from(RULES), bars=st.integers(1, 3), done=st.integers(0, 1))
    def begin_story(self, rules: Rules, bars: int, done: int) -> None:
        self.settings = override_settings(
            SCANNER_RETRY_DELAYS=list(rules.delays_s),
            SCANNER_BREAKER_THRESHOLD=rules.threshold,
            SCANNER_BREAKER_RECOVERY_S=RECOVERY.total_seconds(),
            SCANNER_QUICK_BARS=QUICK_BARS,
            SCANNER_SLOW_RUN_S=SLOW_RUN_S,
        )
        self.settings.enable()
        self.models = {name: ModelSymbol(rules) for name in NAMES}
        self.rows = self._read()
        self._compare()
        self.accept([(name, 0, 0) for name in NAMES for _ in range(bars)])
        for name in NAMES:
            self._work_on(name, ["success"] * done)  # a control run has a good bar to run on

    def teardown(self) -> None:
        if not hasattr(self, "models"):
            self.patches.undo()
            return
        try:
            if not self.in_step:  # no step has failed
                self._come_to_rest()
        finally:
            self.settings.disable()
            self.patches.undo()

    # Bars.

    @rule(
        bars=st.lists(
            st.tuples(st.sampled_from(NAMES), st.integers(0, 7), st.integers(0, 1)),
            min_size=1,
            max_size=3,
        ),
        how=st.sampled_from(("as they are", "revising", "assumed")),
    )
    def accept(self, bars: list[tuple[str, int, int]], how: str = "as they are") -> None:
        """Bars come: the next one (0 days back), a late one (1 back: every other day was left out), a known one."""
        placed = []
        revising, assumed = how == "revising", how == "assumed"
        for name, back, value in bars:
            placed.append((name, self.next_day[name] - back, value))
            self.next_day[name] += 2 if back == 0 else 0
        names = {name for name, _, _ in placed}
        with self._step(*names):
            was_idle = {name: self.models[name].head is None for name in names}
            expected = [
                self.models[name].accept(day, value, revising=revising, assumed=assumed) for name, day, value in placed
            ]
            revised = {name for (name, _, _), verdict in zip(placed, expected, strict=True) if verdict == "revised"}
            for name in names:
                self.models[name].end_call(revised=name in revised)
                self.models[name].name_first_head(was_idle[name], self.now)
            new = [new_bar(name, day, volume=float(value), assumed=assumed) for name, day, value in placed]

            verdicts = mailbox.accept(new, now=self.now, revising=revising)

            assert [str(verdict) for verdict in verdicts] == expected
            self.accepted.update(
                name for (name, _, _), verdict in zip(placed, expected, strict=True) if verdict == "accepted"
            )

    # Re-runs.

    @precondition(lambda self: any(tables["reruns"] for tables in self.rows.values()))
    @rule(keep=st.booleans())
    def look_again(self, keep: bool) -> None:
        """The detectors look at a span again, and find nothing new; or they have read it, and store later."""
        span = self.earlier_span or Rerun.objects.select_related("symbol__status").order_by("id")[0]
        if keep:
            self.earlier_span = span
            return
        self.earlier_span = None
        model = self.models[span.symbol.ticker]
        fresh = span.symbol.status.revision == model.revision
        with self._step(span.symbol.ticker):
            stored = reruns.store(span, reruns.Look(ran=frozenset()), retry_at=self.now, now=self.now)
            assert stored == fresh
            if fresh:
                model.look_again((span.first - DAY_0) // DAY, (span.last - DAY_0) // DAY)
            else:
                self._assert_unchanged()

    # Runs.

    def _deliverable(self) -> list[Delivery]:
        return [delivery for delivery in self.queue if delivery.due is None or delivery.due <= self.now]

    def _live(self) -> list[Message]:
        return [message for message in self.ever if self.models[message.ticker].is_live(_letter(message))]

    @precondition(lambda self: self._deliverable())
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        self._take(data.draw(st.sampled_from(self._deliverable())))

    @precondition(lambda self: self.ever)
    @rule(data=st.data(), as_death=st.booleans())
    def deliver_again(self, data: st.DataObject, as_death: bool) -> None:
        """Any message that ever was, also one that is not due or was lost, comes once more; or word of its death."""
        message = data.draw(st.sampled_from(self.ever[::-1]))
        if not as_death:
            self._begin(message)
            return
        with self._step(message.ticker):
            self._die(message)

    @precondition(lambda self: self._live())
    @rule(
        data=st.data(),
        due=st.booleans(),
        results=st.lists(st.sampled_from(GOOD + BAD), min_size=2, max_size=3),
        between=st.sampled_from(("nothing", "nothing", "reset", "disable")),
    )
    def deliver_at_once(self, data: st.DataObject, due: bool, results: list[str], between: str) -> None:
        """Several copies of a live message, due or not, are at work at once, and somebody may act meanwhile."""
        message = data.draw(st.sampled_from(self._live()))
        if due:
            self.now = max(self.now, self.models[message.ticker].due or self.now)
        runs = [self._begin(message) for _ in results]
        if between != "nothing":
            self.operate(message.ticker, between)
        for run, result in zip(runs, results, strict=True):
            if run is not None:
                self._end(run, result)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), result=st.sampled_from(GOOD + BAD))
    def end(self, data: st.DataObject, result: str) -> None:
        self._end(data.draw(st.sampled_from(self.running)), result)

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), results=DAY_S_WORK | BAD_DAY)
    def work_on(self, data: st.DataObject, results: list[str]) -> None:
        """One symbol's messages are worked on in turn, each when it is due: so stories reach the far states."""
        name = data.draw(st.sampled_from(sorted({delivery.message.ticker for delivery in self.queue})))
        self._work_on(name, results)

    # Time.

    @rule(data=st.data(), late_s=st.sampled_from((0, -0.001, 5.001)), seconds=st.sampled_from((0, 0, 1, 3, 31)))
    def time_passes(self, data: st.DataObject, late_s: float, seconds: float) -> None:
        """Some seconds, or up to a moment at which a head is due, or just not yet, or is overdue."""
        moments = [model.due + timedelta(seconds=late_s) for model in self.models.values() if model.due is not None]
        if seconds or not moments:
            self.now += timedelta(seconds=seconds or 0.001)
        else:
            self.now = max(self.now, data.draw(st.sampled_from(moments)))

    # Operators.

    @rule(name=st.sampled_from(NAMES), act=st.sampled_from(("reset", "skip", "skip", "disable", "enable")))
    def operate(self, name: str, act: str) -> None:
        with self._step(name, operator=True):
            model = self.models[name]
            if act == "reset":
                model.reset()
            elif act == "skip" and not model.skip(self.now):
                with pytest.raises(NothingToSkip):
                    mailbox.skip(self.symbols[name], by="alice", now=self.now)
                self._assert_unchanged()
                return
            elif act != "skip":
                model.switch(enabled=act == "enable")
            getattr(mailbox, act)(self.symbols[name], by="alice", now=self.now)

    @precondition(lambda self: any(model.quarantine for model in self.models.values()))
    @rule(data=st.data(), act=st.sampled_from(("replay", "replay", "discard")), then=DAY_S_WORK)
    def deal_with_quarantine(self, data: st.DataObject, act: str, then: list[str]) -> None:
        places = [(name, i) for name, model in self.models.items() for i in range(len(model.quarantine))]
        name, place = data.draw(st.sampled_from(places))
        with self._step(name):
            model = self.models[name]
            entry = QuarantinedBar.objects.filter(symbol=self.symbols[name]).order_by("id")[place]
            done = model.replay(place, self.now) if act == "replay" else model.discard(place)
            if done:
                getattr(mailbox, act)(entry, by="alice", now=self.now)
                self.accepted[name] += act == "replay"
            else:
                with pytest.raises(NotInQuarantine):
                    getattr(mailbox, act)(entry, by="alice", now=self.now)
                self._assert_unchanged()
        self._work_on(name, then)  # or a replay, which is the last in the line, would seldom be run

    # The broker and the sweeper.

    @rule(what=st.sampled_from(("lose one", "lose one", "down", "up", "emptied", "workers killed")))
    def fault(self, what: str) -> None:
        match what:
            case "lose one":  # or a crash between the commit and the publish
                self.to_lose = 1
            case "down" | "up":
                self.broker_down = what == "down"
            case "emptied":
                self.queue.clear()
            case "workers killed":
                self.running.clear()

    @rule()
    def sweep_begins(self) -> None:
        """It asks the database first, and acts on the answer only after it has asked the broker and the workers."""
        self.earlier_look = self._look()

    @rule(verdict=st.sampled_from(("true", "without heartbeats", "all is lost")))
    def sweep(self, verdict: str) -> None:
        """Without heartbeats, a bar at work seems lost."""
        look = self._look() if self.earlier_look is None else self.earlier_look
        self.earlier_look = None
        if verdict == "all is lost":
            self._sweep(look, _all_lost(look), remember=False)
        else:
            self._sweep(look, self._delivery_report(held=verdict == "true"))

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 3))
    def sweep_falsely(self, name: str, times: int) -> None:
        """What one symbol has is said to be lost, wherever it is, up to three times in a row."""
        for _ in range(times):
            look = self._look(name)
            self._sweep(look, _all_lost(look), remember=False)

    # What the rules are made of.

    def _send(self, deliveries: Iterable[tuple[Message, str, datetime | None]]) -> None:
        """What the mailbox publishes ends here."""
        for message, lane, due in deliveries:
            delivery = Delivery(message, lane, due)
            self.sent.append(delivery)
            if self.broker_down:
                raise ConnectionError("the broker is away")
            self._enqueue(delivery)

    def _enqueue(self, delivery: Delivery) -> None:
        if delivery.message not in self.ever:
            self.ever.append(delivery.message)
        if self.to_lose:
            self.to_lose -= 1
        else:
            self.queue.append(delivery)

    def _take(self, delivery: Delivery) -> Run | None:
        self.queue.remove(delivery)
        return self._begin(delivery.message)

    def _work_on(self, name: str, results: list[str]) -> None:
        for result in results:
            mine = [delivery for delivery in self.queue if delivery.message.ticker == name]
            if not mine:
                return
            following = min(mine, key=lambda delivery: delivery.due or self.now)
            self.now = max(self.now, following.due or self.now)
            if (run := self._take(following)) is not None:
                self._end(run, result)
            if self.models[name].stage == "control" and not following.message.control:
                return  # a moment that other rules should meet

    def _begin(self, message: Message) -> Run | None:
        """A worker has the message: start of its task."""
        name, model = message.ticker, self.models[message.ticker]
        with self._step(name):
            if message.control:
                ticket = mailbox.start_control(message)
                expected = "ticket" if model.enabled and model.is_live(_letter(message)) else "superseded"
            else:
                ticket = mailbox.start(message, now=self.now)
                expected = model.start(_letter(message), self.now)
            if expected != "ticket":
                assert ticket == Outcome(expected)
                if expected == "superseded":
                    self._assert_unchanged()
                return None
            assert not isinstance(ticket, Outcome), ticket
            self._assert_unchanged()
            if message.control:
                good_day = model.last_good(_letter(message))
                assert (None if ticket is None else ticket.timestamp) == _time(good_day)
            else:
                self._assert_may_run(name)
                assert ticket is not None
                bar = model.head_bar
                assert (ticket.timestamp, ticket.volume, ticket.revised) == (_time(bar.day), bar.value, bar.revised)
        run = Run(message, ticket)
        self.running.append(run)
        return run

    def _end(self, run: Run, result: str) -> None:
        """A run ends: as the task would, or by a kill that leaves nothing."""
        self.running.remove(run)
        if result == "outage":
            self.outages.add(run.message.identity)
        if result in ("crash", "outage"):
            return
        with self._step(run.message.ticker):
            if result == "killed":
                self._die(run.message)
            elif run.message.control:
                self._end_control(run, passed=result in GOOD)
            else:
                assert run.ticket is not None
                self._end_head(run.message, run.ticket, result)

    def _end_head(self, message: Message, ticket: Ticket, result: str) -> None:
        letter, model = _letter(message), self.models[message.ticker]
        if result in GOOD:
            self.runs += 1
            run_s = SLOW_RUN_S if result == "slow" else SLOW_RUN_S / 2
            pattern = f"RUN_{self.runs}"
            finding = Finding(detector="d", pattern=pattern, direction=Direction.NEUTRAL, strength=1.0)
            outcome = mailbox.complete(ticket, [finding], now=self.now, run_s=run_s)
            expected = model.complete(
                letter,
                pattern,
                held=ticket.held,
                run_s=run_s,
                revision=ticket.revision,
                reaches_later=ticket.late and ticket.revised,
            )
        elif result == "unusable":
            outcome = mailbox.quarantine_head(ticket, BarUnusable("unusable"), now=self.now)
            expected = model.unusable(letter, self.now, value=ticket.volume)
        else:
            hung = result == "hang"
            outcome = mailbox.fail(ticket, ValueError("no good"), now=self.now, hung=hung)
            expected = model.fail(letter, self.now, hung=hung, value=ticket.volume)
            if outcome is Outcome.RETRYING:
                delay_s = model.rules.delays_s[message.retries]
                retry = replace(message, retries=message.retries + 1)
                self._enqueue(Delivery(retry, model.lane, self.now + timedelta(seconds=delay_s)))
        self._assert_outcome(outcome, expected, message.ticker)

    def _end_control(self, run: Run, *, passed: bool) -> None:
        letter, model = _letter(run.message), self.models[run.message.ticker]
        if passed and run.ticket is not None:
            outcome = mailbox.control_passed(run.message, now=self.now)
            expected = model.control_passed(letter, self.now)
        else:
            outcome = mailbox.control_failed(run.message, reason="failed too", now=self.now)
            expected = model.control_failed(letter, self.now)
        self._assert_outcome(outcome, expected, run.message.ticker)

    def _die(self, message: Message) -> None:
        message = replace(message, deferrals=0)  # the worker's parent process does not report these
        outcome = mailbox.killed(message, "killed", now=self.now)
        expected = self.models[message.ticker].died(_letter(message), self.now)
        self._assert_outcome(outcome, expected, message.ticker)

    def _look(self, only: str | None = None) -> Look:
        due = [(row, message) for row, message in mailbox.due_heads(self.now) if only in (None, message.ticker)]
        due.sort(key=lambda head: head[1].ticker)  # a database's order is its own, and a story must repeat
        wanted = [name for name, model in self.models.items() if model.is_due(self.now) and only in (None, name)]
        assert [message.ticker for _, message in due] == wanted
        seen = []
        for _, message in due:
            model = self.models[message.ticker]
            assert _letter(message) == model.live()
            seen.append((message.ticker, model.live(), model.losses, model.lane))
        return Look(due, seen)

    def _delivery_report(self, *, held: bool = True) -> DeliveryReport:
        return DeliveryReport(
            queued=frozenset(delivery.message.identity for delivery in self.queue),
            held=frozenset(run.message.identity for run in self.running if held),
            outages=frozenset(self.outages),
            unqueued_since=self.unqueued,
            patience_s=PATIENCE_S,
        )

    def _sweep(self, look: Look, deliveries: DeliveryReport, *, remember: bool = True) -> None:
        lost = []
        for (_, message), sight in zip(look.due, look.seen, strict=True):
            name = message.identity
            since = deliveries.unqueued_since.get(name, self.now.timestamp())
            has_had_time = self.now.timestamp() - since >= PATIENCE_S
            if name not in deliveries.queued and name not in deliveries.held and has_had_time:
                lost.append((sight, name not in deliveries.outages))
        with self._step(*{name for name, *_ in look.seen}):
            report = mailbox.sweep(look.due, deliveries, now=self.now)

            assert (report.heads, report.lost, report.idle) == (len(look.due), len(lost), 0)
            for (name, letter, losses, lane), counts in lost:
                taken = not self.broker_down
                self.models[name].lost(letter, losses, lane, self.now, counts=counts, taken=taken)
        if remember:
            self.unqueued = report.unqueued

    def _come_to_rest(self) -> None:
        """The faults stop, and the engine goes on: nothing may stay waiting."""
        self.broker_down, self.to_lose, self.earlier_look = False, 0, None
        self.running.clear()
        for name in NAMES:
            self.operate(name, "enable")
        for _ in range(60 + 8 * sum(self.accepted.values())):
            while deliverable := self._deliverable():
                if (run := self._take(deliverable[0])) is not None:
                    self._end(run, "success")
            if all(model.head is None for model in self.models.values()):
                break
            self._sweep(self._look(), self._delivery_report())
            times = [delivery.due for delivery in self.queue if delivery.due is not None]
            times += [self.now + timedelta(seconds=PATIENCE_S)]
            times += [model.due + OVERDUE for model in self.models.values() if model.due and model.due > self.now]
            self.now = min(times) + timedelta(milliseconds=1)
        for name, model in self.models.items():
            assert model.head is None, f"{name} waits for ever: {model}"
            done = model.count("processed") + model.count("quarantined") + model.count("discarded")
            assert done == len(model.bars)

    # What must hold after each step.

    @contextmanager
    def _step(self, *names: str, operator: bool = False) -> Iterator[None]:
        """A step on these symbols. A failed assertion inside or after it leaves `in_step` behind."""
        self.in_step = True
        self.sent.clear()
        for model in self.models.values():
            model.published.clear()
        yield
        before, self.rows = self.rows, self._read()
        for name in NAMES:
            if name not in names:
                assert self.rows[name] == before[name], f"{name} was changed by a step on {names}"
            raised = self.rows[name]["status"][0]["epoch"] - before[name]["status"][0]["epoch"]
            assert raised in ((0, 1) if operator and name in names else (0,)), "only an operator raises the epoch"
            self._assert_account(name)
        self._compare()
        self._assert_published()
        self.in_step = False

    def _read(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """All rows, by symbol and table. Only tables that have changed go through the ORM, which is the slow part."""
        raw, self.raw = self.raw, _all_rows()
        for table, model in TABLES.items():
            if self.raw[table] != raw.get(table):
                self.tables[table] = list(model._default_manager.order_by("pk").values())
        return {
            name: {
                table: [row for row in rows if row[KEYS.get(table, "symbol_id")] == symbol.pk]
                for table, rows in self.tables.items()
            }
            for name, symbol in self.symbols.items()
        }

    def _assert_unchanged(self) -> None:
        assert _all_rows() == self.raw

    def _assert_outcome(self, outcome: Outcome, expected: str, name: str) -> None:
        assert outcome == Outcome(expected)
        if outcome is Outcome.SUPERSEDED:
            self._assert_unchanged()

    def _assert_may_run(self, name: str) -> None:
        status, breaker = self.rows[name]["status"][0], self.rows[name]["breaker"][0]
        assert status["next_attempt_at"] is None or status["next_attempt_at"] <= self.now
        assert breaker["opened_at"] is None or breaker["opened_at"] + RECOVERY <= self.now, "the breaker is open"

    def _assert_account(self, name: str) -> None:
        """The books of one symbol, by the rows alone."""
        rows = self.rows[name]
        status, bars = rows["status"][0], rows["bars"]
        cursor, last = status["cursor"], status["last_sequence"]
        assert last == self.accepted[name]
        assert status["head"] == (cursor + 1 if last > cursor else None)
        waiting = sorted(bar["sequence"] for bar in bars if bar["status"] == "waiting")
        assert waiting == list(range(cursor + 1, last + 1))
        by_id = {bar["id"]: bar for bar in bars}
        with_signal = [signal["bar_id"] for signal in rows["signals"]]
        assert sorted(with_signal) == sorted(bar["id"] for bar in bars if bar["status"] == "processed")
        order = [by_id[bar_id]["sequence"] for bar_id in with_signal]
        assert order == sorted(order), "bars were processed out of order"
        done = [by_id[bar_id] for bar_id in with_signal]
        counted = [
            bar["latency_ms"]
            for bar in done
            if not bar["held"] and staleness.is_fresh(bar["timeframe"], bar["timestamp"], bar["accepted_at"])
        ]
        assert [latency for latency, _ in status["latencies"]] == counted[-100:]
        assert status["longest_latency_ms"] == max(counted[-100:], default=0)
        in_quarantine = [entry["bar_id"] for entry in rows["quarantine"] if entry["resolution"] == ""]
        assert sorted(in_quarantine) == sorted(bar["id"] for bar in bars if bar["status"] == "quarantined")

    def _assert_published(self) -> None:
        """What should have been published was; with the broker away it was tried."""
        for name, model in self.models.items():
            sent = [(_letter(d.message), d.lane, d.due) for d in self.sent if d.message.ticker == name]
            if self.broker_down:
                assert sent == model.published[: len(sent)]
            else:
                assert sent == model.published

    def _compare(self) -> None:
        """The rows are as the model says."""
        for name, model in self.models.items():
            rows = self.rows[name]
            days = {bar["id"]: (bar["timestamp"] - DAY_0) // DAY for bar in rows["bars"]}
            assert _status_of(rows) == _status_of_model(model), name
            assert {days[bar["id"]]: _bar_of(bar, days) for bar in rows["bars"]} == {
                day: bar if bar.attempts is not UNTOLD else replace(bar, attempts=_attempts_of(rows, day))
                for day, bar in model.bars.items()
            }, name
            sequences = {bar["id"]: bar["sequence"] for bar in rows["bars"]}
            assert [(sequences[s["bar_id"]], s["pattern"]) for s in rows["signals"]] == model.signals
            assert [event["kind"] for event in rows["events"]] == model.events
            spans = [((one["first"] - DAY_0) // DAY, (one["last"] - DAY_0) // DAY) for one in rows["reruns"]]
            for day in model.touched:
                assert any(first <= day <= last for first, last in spans), f"no second look at day {day}"
            assert [[days[f["bar_id"]], f["attempt"], f["times"]] for f in rows["failures"]] == model.recorded
            assert [(days[entry["bar_id"]], entry["resolution"]) for entry in rows["quarantine"]] == [
                (entry.day, entry.resolution) for entry in model.quarantine
            ]


def _all_rows() -> dict[str, list[Any]]:
    """Everything that a step may change, as the database has it."""
    rows = {}
    with connection.cursor() as cursor:
        for table, model in TABLES.items():
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY 1")  # noqa: S608 - names of our own
            rows[table] = cursor.fetchall()
    return rows


def _all_lost(look: Look) -> DeliveryReport:
    long_ago = {message.identity: 0.0 for _, message in look.due}
    return DeliveryReport(queued=frozenset(), held=frozenset(), unqueued_since=long_ago, patience_s=PATIENCE_S)


def _letter(message: Message) -> Letter:
    return Letter(message.sequence, message.epoch, message.retries, message.deferrals, message.control)


def _time(day: int | None) -> datetime | None:
    return None if day is None else DAY_0 + day * DAY


def _status_of(rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    status, breaker = rows["status"][0], rows["breaker"][0]
    names = ("epoch", "revision", "cursor", "attempts", "deferrals", "losses", "stage", "lane", "catching_up")
    newest = status["newest"].get("1d")
    return {
        **{name: status[name] for name in names},
        "enabled": rows["symbol"][0]["enabled"],
        "last": status["last_sequence"],
        "due": status["next_attempt_at"],
        "quick": status["quick_bars"],
        "newest": None if newest is None else (datetime.fromisoformat(newest) - DAY_0) // DAY,
        "processed": status["bars_processed"],
        **{name: breaker[name] for name in ("failures", "opened_at", "incident_at")},
    }


def _status_of_model(model: ModelSymbol) -> dict[str, Any]:
    names = (
        "enabled",
        "epoch",
        "revision",
        "cursor",
        "attempts",
        "deferrals",
        "losses",
        "stage",
        "lane",
        "catching_up",
    )
    more = ("last", "due", "quick", "newest", "failures", "opened_at", "incident_at")
    return {**{name: getattr(model, name) for name in names + more}, "processed": model.count("processed")}


def _bar_of(bar: dict[str, Any], days: dict[int, int]) -> ModelBar:
    names = ("sequence", "status", "late", "replayed", "held", "attempts", "assumed", "revised")
    return ModelBar(day=days[bar["id"]], value=int(bar["volume"]), **{name: bar[name] for name in names})


def _attempts_of(rows: dict[str, list[dict[str, Any]]], day: int) -> Any:
    return next(bar["attempts"] for bar in rows["bars"] if bar["timestamp"] == _time(day))


@pytest.fixture(autouse=True)
def _quiet():
    """Hundreds of failures are asked for here, and writing their tracebacks takes longer than they do."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(examples: int, steps: int) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")  # nobody pulls the plug here
    run_state_machine_as_test(
        MailboxMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(600)  # some 60 s of processor time, and other tests beside it
@pytest.mark.django_db(transaction=True)
def test_random_stories_go_as_the_model_says():
    play(examples=80, steps=50)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.django_db(transaction=True)
def test_long_random_stories_go_as_the_model_says():
    play(examples=600, steps=120)
