"""Every state and cause has its sentences."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanner_app.domain.breaker import Breaker, Rules
from scanner_app.domain.enums import Stage, SymbolState
from scanner_app.domain.explanation.actions import ACTIONS, action
from scanner_app.domain.explanation.explain import explain
from scanner_app.domain.explanation.result import ADVISED_ACTIONS, Code
from scanner_app.domain.explanation.situation import (
    AttemptError,
    FinishedBar,
    FiringAlert,
    FormingSituation,
    HeadSituation,
    LoggedEvent,
    MessageLocation,
    Situation,
    SlowLane,
    pace,
)

NOW = datetime(2024, 5, 31, 10, 28, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def head(**values: Any) -> HeadSituation:
    return HeadSituation(**{"timeframe": "1m", "timestamp": at(-30), **values})


def situation(**values: Any) -> Situation:
    defaults: dict[str, Any] = {
        "ticker": "TSLA",
        "now": NOW,
        "created_at": at(-3600),
        "rules": Rules(threshold=3, recovery=timedelta(seconds=30)),
        "delays_s": [1, 2, 4, 8, 16, 30],
        "stuck_s": 60,
        "pace_s": 0.25,
    }
    return Situation(**{**defaults, **values})


FAILED = {"attempts": 2, "failing_since": at(-27), "error": AttemptError(type="ValueError", message="no good")}
DUE = {"due_since": at(-0.5), "location": MessageLocation.WORKER}
OPENED = Breaker(failures=3, opened_at=at(-10), incident_at=at(-10))
HALF_OPEN = Breaker(failures=4, opened_at=at(-31), incident_at=at(-90))

IDLE = situation(last_processed_at=at(-60))
EMPTY = situation(ever_accepted=False)
RUNNING = situation(head=head(**DUE), backlog=1)
RUNNING_WITH_BACKLOG = situation(head=head(**DUE), backlog=13)
CATCHING_UP = situation(head=head(**DUE), backlog=13, catching_up=True)
QUEUED = situation(head=head(due_since=at(-0.5), location=MessageLocation.QUEUED), backlog=1)
QUEUED_FOR_LONG = situation(head=head(due_since=at(-12), location=MessageLocation.QUEUED), backlog=1)
HANGING = situation(head=head(due_since=at(-70), location=MessageLocation.WORKER), backlog=1)
NO_WORKER = situation(head=head(due_since=at(-80), location=MessageLocation.NO_WORKER), backlog=1)
LOST = situation(head=head(due_since=at(-5), location=MessageLocation.NOWHERE, losses=1), backlog=1)
UNKNOWN = situation(head=head(due_since=at(-5), location=MessageLocation.UNKNOWN), backlog=1)
RETRY = situation(
    state=SymbolState.PAUSED, breaker=Breaker(failures=2), head=head(**FAILED), next_attempt_at=at(1.4), backlog=12
)
FIRST_RETRY = situation(
    state=SymbolState.PAUSED,
    breaker=Breaker(failures=1),
    head=head(**{**FAILED, "attempts": 1}),
    next_attempt_at=at(1),
    backlog=1,
)
RETRY_DUE = situation(state=SymbolState.PAUSED, breaker=Breaker(failures=2), head=head(**FAILED, **DUE), backlog=12)
LAST_RETRY = situation(
    state=SymbolState.PAUSED,
    rules=Rules(threshold=99, recovery=timedelta(seconds=30)),
    breaker=Breaker(failures=6),
    head=head(**{**FAILED, "attempts": 6}),
    next_attempt_at=at(30),
    backlog=1,
)
OPEN = situation(
    state=SymbolState.FAILED, breaker=OPENED, head=head(**{**FAILED, "attempts": 3}), next_attempt_at=at(20), backlog=12
)
OPEN_NEW_HEAD = situation(
    state=SymbolState.FAILED,
    breaker=OPENED,
    head=head(),
    next_attempt_at=at(20),
    backlog=2,
    last_error="BarUnusable: no volume",
)
OPEN_WITHOUT_BAR = situation(state=SymbolState.FAILED, breaker=OPENED, last_error="BarUnusable: no volume")
OPEN_LAST_TRY = situation(
    state=SymbolState.FAILED, breaker=OPENED, head=head(**{**FAILED, "attempts": 6}), next_attempt_at=at(20), backlog=1
)
PROBE_RUNNING = situation(
    state=SymbolState.PAUSED, breaker=HALF_OPEN, head=head(**{**FAILED, "attempts": 4}, **DUE), backlog=12
)
PROBE_QUEUED = situation(
    state=SymbolState.PAUSED,
    breaker=HALF_OPEN,
    head=head(**{**FAILED, "attempts": 4}, due_since=at(-1), location=MessageLocation.QUEUED),
    backlog=1,
)
PROBE_LATER = situation(
    state=SymbolState.PAUSED,
    breaker=HALF_OPEN,
    head=head(**{**FAILED, "attempts": 4}),
    next_attempt_at=at(7),
    backlog=12,
)
PROBE_WITHOUT_BAR = situation(state=SymbolState.PAUSED, breaker=HALF_OPEN, last_error="BarUnusable: no volume")
CONTROL = situation(
    state=SymbolState.FAILED,
    breaker=OPENED,
    head=head(**{**FAILED, "attempts": 7}, stage=Stage.CONTROL, **DUE),
    next_attempt_at=at(20),
    backlog=12,
)
HELD = LoggedEvent(at=at(-300), actor="scanner", reason="the control run failed too: OSError: no\nfile")
HOLD = situation(
    state=SymbolState.FAILED,
    breaker=OPENED,
    head=head(**{**FAILED, "attempts": 9}, stage=Stage.HOLD),
    held=HELD,
    next_attempt_at=at(20),
    backlog=12,
)
HOLD_PROBING = situation(
    state=SymbolState.PAUSED,
    breaker=HALF_OPEN,
    head=head(**{**FAILED, "attempts": 9}, stage=Stage.HOLD, **DUE),
    held=HELD,
    backlog=12,
)
BY_OLGA = LoggedEvent(at=at(-27), actor="olga", reason="feed is down")
DISABLED = situation(state=SymbolState.PAUSED, enabled=False, switched=BY_OLGA, head=head(), backlog=12)
DISABLED_IDLE = situation(state=SymbolState.PAUSED, enabled=False, switched=LoggedEvent(at=at(-27), actor="olga"))
DISABLED_RUNNING = situation(
    state=SymbolState.PAUSED, enabled=False, switched=BY_OLGA, head=head(location=MessageLocation.WORKER), backlog=1
)
DISABLED_OPEN = situation(
    state=SymbolState.PAUSED, enabled=False, switched=BY_OLGA, breaker=OPENED, head=head(), backlog=1
)
DISABLED_BY_NOBODY = situation(state=SymbolState.PAUSED, enabled=False)
DELETED = situation(
    enabled=False, deleted_at=at(-27), deleted=LoggedEvent(at=at(-27), actor="olga", reason="delisted.")
)

SAID = [
    pytest.param(IDLE, Code.IDLE, "Idle: all its bars are finished, the last at 10:27:30 UTC.", id="idle"),
    pytest.param(EMPTY, Code.EMPTY, "No bar yet: added at 09:28:30 UTC.", id="never had a bar"),
    pytest.param(
        RUNNING, Code.RUNNING, "Processing: the 1m bar of 10:28:00 UTC is with a worker.", id="running, nothing waits"
    ),
    pytest.param(
        RUNNING_WITH_BACKLOG,
        Code.RUNNING,
        "Processing: the 1m bar of 10:28:00 UTC is with a worker, 12 bars wait behind it (about 3 s to catch up).",
        id="running with a backlog",
    ),
    pytest.param(
        CATCHING_UP,
        Code.CATCHING_UP,
        "Catching up after a pause: the 1m bar of 10:28:00 UTC is with a worker, 12 bars wait behind it "
        "(about 3 s to catch up).",
        id="catching up",
    ),
    pytest.param(
        QUEUED, Code.DUE, "Processing: the 1m bar of 10:28:00 UTC has waited in its queue for 0.5 s.", id="queued"
    ),
    pytest.param(
        NO_WORKER,
        Code.DUE,
        "Processing: the 1m bar of 10:28:00 UTC has waited in its queue for 1 min 20 s, and no worker of the main "
        "lane is there.",
        id="queued, and nobody there to take it",
    ),
    pytest.param(
        LOST,
        Code.LOST,
        "Processing: the 1m bar of 10:28:00 UTC has been due for 5 s, but is in no queue, and no worker reports it.",
        id="lost",
    ),
    pytest.param(UNKNOWN, Code.DUE, "Processing: the 1m bar of 10:28:00 UTC is due.", id="the broker is away"),
    pytest.param(
        RETRY,
        Code.RETRY,
        "Paused since 10:28:03 UTC: failure 2 of 3 on the 1m bar of 10:28:00 UTC, next try in 1.4 s, 12 bars wait "
        "(about 3 s to catch up).",
        id="paused until the retry",
    ),
    pytest.param(
        RETRY_DUE,
        Code.RETRY,
        "Paused since 10:28:03 UTC: failure 2 of 3 on the 1m bar of 10:28:00 UTC, the next try is with a worker, "
        "12 bars wait (about 3 s to catch up).",
        id="paused, the retry runs",
    ),
    pytest.param(
        OPEN,
        Code.OPEN,
        "Failed since 10:28:20 UTC: the breaker is open after 3 failures in a row, the 1m bar of 10:28:00 UTC runs as "
        "the probe in 20 s, 12 bars wait (about 3 s to catch up).",
        id="breaker open",
    ),
    pytest.param(
        OPEN_WITHOUT_BAR,
        Code.OPEN,
        "Failed since 10:28:20 UTC: the breaker is open after 3 failures in a row, no bar waits.",
        id="breaker open without a bar",
    ),
    pytest.param(
        PROBE_RUNNING,
        Code.PROBE,
        "Paused since 10:27:00 UTC: the breaker is half-open after 4 failures in a row, the probe, the 1m bar of "
        "10:28:00 UTC, is with a worker, 11 bars wait behind it (about 3 s to catch up).",
        id="half-open, the probe runs",
    ),
    pytest.param(
        PROBE_QUEUED,
        Code.PROBE,
        "Paused since 10:27:00 UTC: the breaker is half-open after 4 failures in a row, the probe, the 1m bar of "
        "10:28:00 UTC, has waited in its queue for 1 s.",
        id="half-open, the probe is due",
    ),
    pytest.param(
        PROBE_LATER,
        Code.PROBE,
        "Paused since 10:27:00 UTC: the breaker is half-open after 4 failures in a row, next try in 7 s, 11 bars wait "
        "behind it (about 3 s to catch up).",
        id="half-open, but the retry is later",
    ),
    pytest.param(
        PROBE_WITHOUT_BAR,
        Code.PROBE,
        "Paused since 10:27:00 UTC: the breaker is half-open after 4 failures in a row, no bar waits to be the probe.",
        id="half-open without a bar",
    ),
    pytest.param(
        CONTROL,
        Code.CONTROL,
        "Failed since 10:28:03 UTC: all 7 attempts of the 1m bar of 10:28:00 UTC failed, its control run is with a "
        "worker, 12 bars wait (about 3 s to catch up).",
        id="control run",
    ),
    pytest.param(
        HOLD,
        Code.HOLD,
        "Failed since 10:23:30 UTC: on hold after 9 failed attempts of the 1m bar of 10:28:00 UTC, next try in 20 s, "
        "12 bars wait (about 3 s to catch up).",
        id="hold",
    ),
    pytest.param(
        HOLD_PROBING,
        Code.HOLD,
        "Paused since 10:23:30 UTC: on hold after 9 failed attempts of the 1m bar of 10:28:00 UTC, the next try "
        "is with "
        "a worker, 12 bars wait (about 3 s to catch up).",
        id="hold, the probe runs",
    ),
    pytest.param(
        DISABLED,
        Code.DISABLED,
        "Disabled since 10:28:03 UTC, 12 bars wait (about 3 s to catch up once it is enabled).",
        id="disabled with bars",
    ),
    pytest.param(DISABLED_IDLE, Code.DISABLED, "Disabled since 10:28:03 UTC.", id="disabled without bars"),
    pytest.param(
        DISABLED_RUNNING,
        Code.DISABLED,
        "Disabled since 10:28:03 UTC, a run that has already started may still finish, 1 bar waits (less than a "
        "second to catch "
        "up once it is enabled).",
        id="disabled while a bar runs",
    ),
    pytest.param(DELETED, Code.DELETED, "Being deleted since 10:28:03 UTC.", id="being deleted"),
]


@pytest.mark.parametrize(("known", "code", "summary"), SAID)
def test_every_state_has_its_summary(known, code, summary):
    said = explain(known)

    assert (said.code, said.summary) == (code, summary)


def test_no_state_is_without_a_summary_above():
    assert {param.values[1] for param in SAID} == set(Code)


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        pytest.param(IDLE, "Processing works normally.", id="idle"),
        pytest.param(EMPTY, "No bar of TSLA was ever accepted.", id="never had a bar"),
        pytest.param(RUNNING, "Processing works normally.", id="running"),
        pytest.param(QUEUED, "Processing works normally.", id="queued a moment ago"),
        pytest.param(
            QUEUED_FOR_LONG,
            "The workers of the main lane are busy with other symbols, or do not read their queues.",
            id="queued for long",
        ),
        pytest.param(
            HANGING,
            "It takes unusually long: its detectors are slow or hang, or its worker has no free slot for it.",
            id="with a worker for over a minute",
        ),
        pytest.param(
            NO_WORKER,
            "No worker reads its queue: the worker was stopped or has died (see /readyz).",
            id="no worker",
        ),
        pytest.param(
            LOST, "Its message was lost with a worker or the broker, or a worker took it a moment ago.", id="lost"
        ),
        pytest.param(UNKNOWN, "The broker does not answer.", id="the broker is away"),
        pytest.param(RETRY, "ValueError: no good.", id="failed"),
        pytest.param(OPEN, "ValueError: no good.", id="breaker open"),
        pytest.param(OPEN_NEW_HEAD, "The last error was BarUnusable: no volume.", id="it was another bar that failed"),
        pytest.param(CONTROL, "ValueError: no good.", id="control run"),
        pytest.param(
            HOLD,
            "The bar is not at fault: the control run failed too: OSError: no file. ValueError: no good.",
            id="hold says what the control run said",
        ),
        pytest.param(DISABLED, "olga disabled the symbol: feed is down.", id="disabled by whom and why"),
        pytest.param(DISABLED_IDLE, "olga disabled the symbol and gave no reason.", id="disabled without a reason"),
        pytest.param(DISABLED_BY_NOBODY, "It is not recorded who disabled the symbol.", id="disabled by nobody known"),
        pytest.param(DELETED, "olga deleted the symbol: delisted.", id="deleted by whom and why"),
        pytest.param(
            situation(breaker=Breaker(failures=1), head=head(attempts=1), next_attempt_at=at(1)),
            "What failed is not recorded.",
            id="a failure whose row is gone",
        ),
        pytest.param(
            situation(
                breaker=Breaker(failures=1),
                head=head(attempts=1, error=AttemptError(type="KeyError", message="'a'\n\0'b'!")),
                next_attempt_at=at(1),
            ),
            "KeyError: 'a' 'b'!",
            id="an odd error is one readable line",
        ),
    ],
)
def test_every_state_says_why(known, cause):
    assert explain(known).cause == cause


@pytest.mark.parametrize(
    ("known", "following"),
    [
        pytest.param(IDLE, "Its next bar runs as soon as it is accepted.", id="idle"),
        pytest.param(EMPTY, "Its first bar runs as soon as it is accepted.", id="never had a bar"),
        pytest.param(RUNNING, "It runs now, or is about to (attempt 1 of 7).", id="running"),
        pytest.param(CATCHING_UP, "Now the waiting bars of TSLA are processed in order.", id="catching up"),
        pytest.param(QUEUED, "A worker takes it as soon as one is free (attempt 1 of 7).", id="queued"),
        pytest.param(
            NO_WORKER, "It runs as soon as there is a worker of the main lane (attempt 1 of 7).", id="no worker"
        ),
        pytest.param(LOST, "If no worker has it, the sweeper redelivers it within seconds. No bar is lost.", id="lost"),
        pytest.param(
            UNKNOWN,
            "The place of its message is unknown. If it was lost, the sweeper redelivers it.",
            id="the broker is away",
        ),
        pytest.param(
            FIRST_RETRY,
            "It runs again at 10:28:31 UTC (attempt 2 of 7). If it succeeds, the next bar runs as soon as it arrives; "
            "if it fails, it is tried again 2 s later.",
            id="a retry, and another would follow",
        ),
        pytest.param(
            RETRY,
            "It runs again at 10:28:31 UTC (attempt 3 of 7). If it succeeds, the waiting bars follow in order; "
            "if it fails, the breaker opens for 30 s.",
            id="the retry whose failure opens the breaker",
        ),
        pytest.param(
            LAST_RETRY,
            "It runs again at 10:29:00 UTC (attempt 7 of 7). If it succeeds, the next bar runs as soon as it arrives; "
            "if it fails, its retries are used up, and a control run on the last good bar decides whether the "
            "bar is at fault.",
            id="the last retry",
        ),
        pytest.param(
            OPEN,
            "The breaker is open, and no bar of TSLA runs. From 10:28:50 UTC on, the 1m bar of 10:28:00 UTC runs once, "
            "as the probe. If that succeeds, the breaker closes and the waiting bars follow in order; if it fails, "
            "the breaker stays open for another 30 s.",
            id="breaker open",
        ),
        pytest.param(
            OPEN_LAST_TRY,
            "The breaker is open, and no bar of TSLA runs. From 10:28:50 UTC on, the 1m bar of 10:28:00 UTC runs once, "
            "as the probe. If that succeeds, the breaker closes and the waiting bars follow in order; if it fails, "
            "its retries are used up, and a control run on the last good bar decides whether the bar is at fault.",
            id="breaker open before the last retry",
        ),
        pytest.param(
            OPEN_WITHOUT_BAR,
            "Its next bar is the probe, from 10:28:50 UTC on (in 20 s). If that succeeds, the breaker closes.",
            id="breaker open without a bar",
        ),
        pytest.param(
            PROBE_RUNNING,
            "It runs now, or is about to (attempt 5 of 7). If it succeeds, the breaker closes and the waiting bars "
            "follow in order; if it fails, the breaker stays open for another 30 s.",
            id="half-open",
        ),
        pytest.param(
            PROBE_WITHOUT_BAR,
            "The next bar runs as soon as it is accepted, as the probe. If it succeeds, the breaker closes.",
            id="half-open without a bar",
        ),
        pytest.param(
            CONTROL,
            "The control run runs the detectors on the last good bar again. If they succeed, the bar is at "
            "fault: it goes into quarantine and the next one runs. If they fail too, the symbol goes on hold "
            "and the bar is tried every 30 s.",
            id="control run",
        ),
        pytest.param(
            HOLD,
            "The bar is tried every 30 s, without limit, until it succeeds or an operator resets or skips it. If it "
            "succeeds, the breaker closes and the waiting bars follow in order.",
            id="hold",
        ),
        pytest.param(
            DISABLED,
            "New bars are accepted and wait. Nothing runs until it is enabled; then the 1m bar of 10:28:00 UTC runs "
            "first.",
            id="disabled",
        ),
        pytest.param(
            DISABLED_IDLE, "New bars are accepted and wait. Nothing runs until it is enabled.", id="disabled, no bars"
        ),
        pytest.param(
            DISABLED_OPEN,
            "New bars are accepted and wait. Nothing runs until it is enabled; then the 1m bar of 10:28:00 UTC runs "
            "first, as the probe, not before 10:28:50 UTC.",
            id="disabled with an open breaker",
        ),
        pytest.param(
            DELETED,
            "Its rows are removed in the background. Until they are gone, bars of TSLA are refused; after that the "
            "ticker is free again.",
            id="being deleted",
        ),
    ],
)
def test_every_state_says_what_happens_next(known, following):
    assert explain(known).next == following


@pytest.mark.parametrize(
    ("more", "note"),
    [
        pytest.param(
            {"quarantined": 1},
            "1 of its bars is in quarantine until an operator replays or discards it, or until new values for it "
            "arrive.",
            id="a bar in quarantine",
        ),
        pytest.param(
            {"quarantined": 1200},
            "1,200 of its bars are in quarantine until an operator replays or discards them, or until new values "
            "for them arrive.",
            id="many bars in quarantine",
        ),
        pytest.param(
            {
                "slow": SlowLane(
                    moved=LoggedEvent(at=at(-60), actor="scanner", reason="to the slow lane: its run took 1.5 s"),
                    quick_bars=2,
                    quick_bars_needed=20,
                )
            },
            "It is in the slow lane since 10:27:30 UTC: its run took 1.5 s. It returns to the main lane after 20 "
            "quick bars in a "
            "row; so far 2.",
            id="the slow lane, and why",
        ),
        pytest.param(
            {"slow": SlowLane(moved=None, quick_bars=0, quick_bars_needed=1)},
            "It is in the slow lane. It returns to the main lane after 1 quick bar; so far 0.",
            id="the slow lane, nobody knows why",
        ),
        pytest.param(
            {"head": head(**DUE, losses=2), "backlog": 1},
            "Its worker was lost 2 times in a row; after 3 times this counts as a failure.",
            id="lost heads",
        ),
        pytest.param(
            {"head": head(**DUE, late=True, replayed=True), "backlog": 1},
            "The current bar is a replay from quarantine: it has one attempt.",
            id="a replay",
        ),
        pytest.param(
            {"head": head(**DUE, late=True), "backlog": 1},
            "The current bar is late: a newer bar of its series is known. The detectors see the window that ends "
            "with it.",
            id="a late bar",
        ),
    ],
)
def test_what_else_is_to_be_known_is_a_note(more, note):
    said = explain(situation(**more))

    assert said.notes == (note,)
    assert note in said.text


SLOW = FiringAlert(rule="slow_symbol", message="TSLA: its p95 latency is 412 ms, over 200 ms.", fired_at=at(-90))
STALE: dict[str, Any] = {"is_stale": True, "data_age_s": 1563.2, "stale_for_s": 663.2}


def test_what_is_wrong_with_a_symbol_that_gets_on_leads_instead_of_that_it_is_in_order():
    said = explain(replace(IDLE, alerts=[SLOW], **STALE))

    assert said.text == (
        "TSLA: its p95 latency is 412 ms, over 200 ms. Stale: no fresh bar, the newest ended 26 min 3 s ago. "
        "Idle: all its bars are finished, the last at 10:27:30 UTC. "
        "Alert slow_symbol since 10:27:00 UTC: see /runbook/slow_symbol/. "
        "Its feed is late by 11 min 3 s of trading time; late bars are still processed. "
        "Its next bar runs as soon as it is accepted."
    )
    assert "normally" not in explain(replace(RUNNING, alerts=[SLOW])).text


def test_what_is_wrong_beside_the_trouble_of_a_symbol_is_a_note():
    said = explain(replace(RETRY, alerts=[SLOW]))

    assert (said.summary, said.cause) == (explain(RETRY).summary, explain(RETRY).cause)
    note = f"{SLOW.message} Alert slow_symbol since 10:27:00 UTC: see /runbook/slow_symbol/."
    assert said.notes == (note,)


def test_one_failure_is_not_in_a_row():
    opened = situation(state=SymbolState.FAILED, breaker=Breaker(failures=1, opened_at=at(-10), incident_at=at(-10)))

    assert "the breaker is open after 1 failure," in explain(opened).summary


def test_a_symbol_without_bars_says_which_bar_is_forming():
    hour = FormingSituation(timeframe="1h", timestamp=at(-1710), ends_at=at(1890))

    said = explain(replace(EMPTY, forming=hour))

    note = "Its 1h bar of 10:00:00 UTC is forming: it can be accepted when its period is over, at 11:00:00 UTC."
    assert (said.summary, said.notes) == (explain(EMPTY).summary, (note,))


def test_a_symbol_that_is_in_order_has_no_notes():
    assert explain(RUNNING_WITH_BACKLOG).notes == ()


def test_a_deleted_symbol_has_no_notes_and_no_actions():
    said = explain(situation(enabled=False, deleted_at=at(-1), quarantined=3, is_stale=True))

    assert (said.notes, said.actions) == ((), ())


def test_a_replay_says_that_it_has_one_attempt_and_where_it_goes():
    known = situation(
        state=SymbolState.PAUSED,
        breaker=HALF_OPEN,
        head=head(late=True, replayed=True, due_since=at(-1), location=MessageLocation.QUEUED),
        backlog=1,
    )

    said = explain(known)

    assert "the replayed 1m bar of 10:28:00 UTC" in said.summary
    assert "(attempt 1 of 1)" in said.next
    assert said.next.endswith(
        "if it fails, it goes back into quarantine; its symbol's failures and breaker do not change."
    )


@pytest.mark.parametrize(
    ("known", "names"),
    [
        pytest.param(IDLE, ["disable"], id="in order"),
        pytest.param(QUEUED_FOR_LONG, ["disable"], id="queued"),
        pytest.param(NO_WORKER, ["reset", "skip", "disable"], id="overdue"),
        pytest.param(replace(NO_WORKER, stuck_s=80), ["disable"], id="due for exactly the limit"),
        pytest.param(RETRY, ["reset", "skip", "disable"], id="retry"),
        pytest.param(OPEN, ["reset", "skip", "disable"], id="open"),
        pytest.param(OPEN_WITHOUT_BAR, ["reset", "disable"], id="nothing to skip"),
        pytest.param(HOLD, ["reset", "skip", "disable"], id="hold"),
        pytest.param(CONTROL, ["reset", "skip", "disable"], id="control run"),
        pytest.param(DISABLED, ["enable"], id="disabled"),
        pytest.param(DISABLED_OPEN, ["enable", "reset", "skip"], id="disabled with an open breaker"),
        pytest.param(DELETED, [], id="deleted"),
        pytest.param(situation(quarantined=2), ["disable", "replay", "discard"], id="bars in quarantine"),
    ],
)
def test_only_acts_that_make_sense_now_are_named(known, names):
    assert [one.name for one in explain(known).actions] == names


def test_the_text_is_the_whole_in_one_paragraph_with_what_can_be_done():
    assert explain(RETRY).text == (
        "Paused since 10:28:03 UTC: failure 2 of 3 on the 1m bar of 10:28:00 UTC, next try in 1.4 s, 12 bars wait "
        "(about 3 s to catch up). ValueError: no good. It runs again at 10:28:31 UTC (attempt 3 of 7). If it succeeds, "
        "the waiting bars follow in order; if it fails, the breaker opens for 30 s. "
        "You can reset it now, skip the bar or disable the symbol."
    )


def test_a_symbol_that_is_in_order_gets_no_advice():
    assert "You can" not in explain(IDLE).text
    assert set(ADVISED_ACTIONS) == set(Code)


def test_an_act_says_how_it_is_asked_for():
    assert action("reset", "BTC/USD").path == "/api/v1/scanner/symbols/BTC%2FUSD/reset"
    replay = action("replay", "BTC/USD")
    assert (replay.method, replay.path, replay.body) == (
        "POST",
        "/api/v1/scanner/quarantine/replay",
        {"symbol": "BTC/USD"},
    )
    assert all(action(name, "A").sentence for name in ACTIONS)


@pytest.mark.parametrize(
    ("pace_s", "backlog", "said", "catch_up_s"),
    [
        pytest.param(0.01, 12, "(less than a second to catch up)", 0.12, id="at once"),
        pytest.param(0.25, 12, "(about 3 s to catch up)", 3, id="seconds"),
        pytest.param(0.02, 10_000, "(about 3 min 20 s to catch up)", 200, id="minutes"),
        pytest.param(2, 100_000, "(about 2 days 7 h to catch up)", 200_000, id="days"),
        pytest.param(None, 12, "(how long it takes to catch up is unknown)", None, id="unknown, and says so"),
    ],
)
def test_the_estimate_of_catching_up(pace_s, backlog, said, catch_up_s):
    known = situation(
        state=SymbolState.PAUSED,
        breaker=Breaker(failures=1),
        head=head(**FAILED),
        next_attempt_at=at(1),
        backlog=backlog,
        pace_s=pace_s,
    )

    assert explain(known).summary.endswith(f"{said}.")
    assert explain(known).catch_up_s == catch_up_s


def done(accepted_s: float, finished_s: float, *, attempts: int = 1, held: bool = False) -> FinishedBar:
    return FinishedBar(accepted_at=at(accepted_s), finished_at=at(finished_s), attempts=attempts, held=held)


@pytest.mark.parametrize(
    ("bars", "pace_s"),
    [
        pytest.param([], None, id="no bar to judge by"),
        pytest.param([done(0, 0.04), done(60, 60.02), done(120, 120.03)], 0.03, id="bars that came one by one"),
        pytest.param([done(0, 0.5), done(0, 1), done(0, 1.2), done(0, 1.5)], 0.3, id="bars that waited: their rate"),
        pytest.param(
            [done(0, 0.5, held=True), done(0, 100, held=True), done(0, 100.1, held=True), done(0, 100.2, held=True)],
            0.1,
            id="one long gap, an operator's pause, does not count",
        ),
        pytest.param([done(0, 3600, held=True)], None, id="a held bar alone says nothing"),
        pytest.param([done(0, 15, attempts=4)], None, id="retries say nothing"),
        pytest.param([done(0, 15, attempts=4), done(16, 16.2)], 0.2, id="retries beside a good bar"),
        pytest.param([done(0, -1)], 0, id="the clock of another machine is ahead"),
    ],
)
def test_the_pace_is_that_of_the_last_bars(bars, pace_s):
    found = pace(bars)

    assert found == (None if pace_s is None else pytest.approx(pace_s))
