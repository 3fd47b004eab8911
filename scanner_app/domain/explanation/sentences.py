"""Facts in, sentences out: pure, no database, no clock, no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from scanner_app.domain import wording
from scanner_app.domain.breaker import State
from scanner_app.domain.explanation.actions import Action, action, you_can
from scanner_app.domain.explanation.situation import Act, Facts, Head, Lane, Whereabouts

UNHEARD_S = 5.0
"""Seconds in the queue from which it is worth a word: below that, some worker is just busy."""

WELL = "Its processing is in order."


class Code(StrEnum):
    """What is explained, for programs; the order is that in which they are looked for."""

    DELETED = "deleted"
    DISABLED = "disabled"
    CONTROL = "control"  # retries used up, the control run is out
    HOLD = "hold"  # the fault is not the bar's
    OPEN = "open"  # the breaker lets nothing run
    PROBE = "probe"  # half-open: one bar may run
    RETRY = "retry"  # the head has failed, and is tried again
    RUNNING = "running"
    CATCHING_UP = "catching_up"  # running, with bars of a pause behind it
    DUE = "due"  # no worker has it yet
    LOST = "lost"  # it is nowhere
    EMPTY = "empty"  # never had a bar
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a symbol is as it is, for people; and the same as values."""

    code: Code
    summary: str
    cause: str
    next: str
    notes: tuple[str, ...]  # what else is to be known, each a sentence
    actions: tuple[Action, ...]
    since: datetime | None
    next_attempt_at: datetime | None
    waiting: int  # bars
    catch_up_s: float | None  # None: unknown, or nothing waits

    @property
    def text(self) -> str:
        """All of it in one paragraph."""
        return " ".join(part for part in (self.summary, self.cause, self.next, *self.notes, self.advice) if part)

    @property
    def advice(self) -> str:
        """What can be done, where something should be; else empty."""
        return you_can([one.name for one in self.actions if one.name in ADVISED[self.code]])


def explain(facts: Facts) -> Explanation:
    """What is the matter with a symbol, or that nothing is."""
    case = _case(facts)
    # A symbol that gets on is not in order while its feed is late or an alert fires: then that is what is the matter.
    leads = list(_matters(facts)) if case.cause == WELL else []
    rest = [] if leads or case.code is Code.DELETED else [f"{what} {why}" for what, why in _matters(facts)]
    return Explanation(
        code=case.code,
        summary=" ".join([*(what for what, _ in leads), case.summary]),
        cause=" ".join(why for _, why in leads) or case.cause,
        next=case.next,
        notes=(*rest, *_notes(facts, case.code)),
        actions=tuple(action(name, facts.ticker) for name in _acts(facts, case.code)),
        since=case.since,
        next_attempt_at=facts.next_attempt_at,
        waiting=facts.backlog,
        catch_up_s=None if facts.pace_s is None or not facts.backlog else facts.pace_s * facts.backlog,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A state with its sentences."""

    code: Code
    since: datetime | None
    summary: str
    cause: str
    next: str


def _of(code: Code, since: datetime | None, summary: str, cause: str, following: str) -> _Case:
    return _Case(code, since, f"{summary[0].upper()}{summary[1:]}.", cause, following)


def _case(facts: Facts) -> _Case:
    if facts.deleted_at is not None:
        return _deleted(facts, facts.deleted_at)
    if not facts.enabled:
        return _disabled(facts)
    head = facts.head
    if head is not None and head.stage == "control":
        return _control(facts, head)
    if head is not None and head.stage == "hold":
        return _hold(facts, head)
    if facts.circuit is State.OPEN:
        return _open(facts)
    if facts.circuit is State.HALF_OPEN:
        return _probe(facts)
    if head is None:
        return _idle(facts)
    return _retry(facts, head) if head.attempts or facts.next_attempt_at else _processing(facts, head)


def _deleted(facts: Facts, deleted_at: datetime) -> _Case:
    return _of(
        Code.DELETED,
        deleted_at,
        f"being deleted since {wording.clock(deleted_at, facts.now)}",
        _who(facts.deleted, "deleted"),
        f"Its rows are removed in the background. Until they are gone, bars of {facts.ticker} are refused; "
        "after that the ticker is free again.",
    )


def _disabled(facts: Facts) -> _Case:
    since = None if facts.switched is None else facts.switched.at
    running = facts.head is not None and facts.head.whereabouts is Whereabouts.WORKER
    following = "New bars are accepted and wait. Nothing runs until it is enabled"
    if facts.head is not None:
        following += f"; then the {_bar(facts, facts.head)} runs first"
        if facts.circuit is State.OPEN:
            following += f", as the probe, not before {wording.clock(facts.half_open_at, facts.now)}"
    return _of(
        Code.DISABLED,
        since,
        _joined(
            f"disabled{_since(since, facts.now)}",
            "a run that had begun may still finish" if running else "",
            _waiting(facts, facts.backlog, once=" once it is enabled"),
        ),
        _who(facts.switched, "disabled"),
        f"{following}.",
    )


def _control(facts: Facts, head: Head) -> _Case:
    return _of(
        Code.CONTROL,
        head.failing_since,
        _joined(
            f"{facts.state}{_since(head.failing_since, facts.now)}: "
            f"all {wording.counted(head.attempts, 'attempt')} of the {_bar(facts, head)} failed",
            f"its control run {_place(facts, head)}",
            _waiting(facts, facts.backlog),
        ),
        _error(facts, head),
        "The control run lets the detectors work on the last good bar once more. If they succeed, the fault is the "
        "bar's: it is set aside in quarantine and the next one runs. If they fail too, the symbol holds and tries the "
        f"bar every {_recovery(facts)}.",
    )


def _hold(facts: Facts, head: Head) -> _Case:
    since = head.failing_since if facts.held is None else facts.held.at
    why = "" if facts.held is None else f": {wording.one_line(facts.held.reason)}"
    return _of(
        Code.HOLD,
        since,
        _joined(
            f"{facts.state}{_since(since, facts.now)}: "
            f"holds after {wording.counted(head.attempts, 'failed attempt')} of the {_bar(facts, head)}",
            _next_try(facts, head),
            _waiting(facts, facts.backlog),
        ),
        f"The fault is not the bar's{why}. {_error(facts, head)}",
        f"The bar is tried every {_recovery(facts)}, without limit, until it succeeds or somebody resets or skips it. "
        f"If it succeeds, {_if_it_succeeds(facts)}.",
    )


def _open(facts: Facts) -> _Case:
    since = facts.breaker.incident_at or facts.breaker.opened_at
    at = facts.next_attempt_at or facts.half_open_at
    lead = (
        f"{facts.state}{_since(since, facts.now)}: "
        f"the breaker is open after {wording.in_a_row(facts.breaker.failures, 'failure')}"
    )
    if facts.head is None:
        return _of(
            Code.OPEN,
            since,
            _joined(lead, "no bar waits"),
            _error(facts, None),
            f"Its next bar is the probe, from {wording.clock(at, facts.now)} on "
            f"(in {_in(at, facts)}). If that succeeds, the breaker closes.",
        )
    return _of(
        Code.OPEN,
        since,
        _joined(
            lead,
            f"the {_bar(facts, facts.head)} runs as the probe in {_in(at, facts)}",
            _waiting(facts, facts.backlog),
        ),
        _error(facts, facts.head),
        while_open(
            ticker=facts.ticker,
            probe_from=wording.clock(at, facts.now),
            probe=f"the {_bar(facts, facts.head)}",
            if_it_fails=_if_it_fails(facts, facts.head),
        ),
    )


def while_open(*, ticker: str, probe_from: str, probe: str, if_it_fails: str) -> str:
    """What happens next while a breaker is open; for explanations and mails."""
    return (
        f"The breaker is open, and no bar of {ticker} runs. From {probe_from} on, {probe} runs once, as the probe. "
        f"If that succeeds, the breaker closes and the bars that wait follow in order; if it fails, {if_it_fails}."
    )


def opens_again(recovery: timedelta) -> str:
    """What a failed probe leads to; for explanations and mails."""
    return f"the breaker stays open for another {wording.span(recovery.total_seconds())}"


def worked_off(ticker: str) -> str:
    """What follows a pause; for explanations and mails."""
    return f"the bars of {ticker} that have waited are worked off in order"


def _probe(facts: Facts) -> _Case:
    since = facts.breaker.incident_at or facts.breaker.opened_at
    lead = (
        f"{facts.state}{_since(since, facts.now)}: "
        f"the breaker is half-open after {wording.in_a_row(facts.breaker.failures, 'failure')}"
    )
    if facts.head is None:
        return _of(
            Code.PROBE,
            since,
            _joined(lead, "no bar is there to be the probe"),
            _error(facts, None),
            "The next bar runs as soon as it is accepted, as the probe. If it succeeds, the breaker closes.",
        )
    return _of(
        Code.PROBE,
        since,
        _joined(
            lead,
            _next_try(facts, facts.head, subject=f"the probe, the {_bar(facts, facts.head)},"),
            _waiting(facts, facts.backlog - 1, where=" behind it"),
        ),
        _error(facts, facts.head),
        f"{_runs(facts, facts.head)} If it succeeds, {_if_it_succeeds(facts)}; "
        f"if it fails, {_if_it_fails(facts, facts.head)}.",
    )


def _retry(facts: Facts, head: Head) -> _Case:
    failures, threshold = facts.breaker.failures, facts.rules.threshold
    return _of(
        Code.RETRY,
        head.failing_since,
        _joined(
            f"{facts.state}{_since(head.failing_since, facts.now)}: "
            f"failure {failures} of {threshold} on the {_bar(facts, head)}",
            _next_try(facts, head),
            _waiting(facts, facts.backlog),
        ),
        _error(facts, head),
        f"{_runs(facts, head)} If it succeeds, {_if_it_succeeds(facts)}; if it fails, {_if_it_fails(facts, head)}.",
    )


def _processing(facts: Facts, head: Head) -> _Case:
    behind = facts.backlog - 1
    lead = "processing"
    code = {Whereabouts.WORKER: Code.RUNNING, Whereabouts.NOWHERE: Code.LOST}.get(_where(head), Code.DUE)
    if facts.catching_up and behind and code is Code.RUNNING:
        code, lead = Code.CATCHING_UP, "catching up after a pause"
    following = _runs(facts, head)
    if code is Code.CATCHING_UP:
        following = f"Now {worked_off(facts.ticker)}."
    return _of(
        code,
        head.due_since,
        _joined(
            f"{lead}: the {_bar(facts, head)} {_place(facts, head)}",
            _waiting(facts, behind, where=" behind it"),
        ),
        _why_not_running(facts, head),
        following,
    )


def _idle(facts: Facts) -> _Case:
    following = "runs as soon as it is accepted"
    if not facts.ever_accepted:
        since = wording.clock(facts.created_at, facts.now)
        return _of(
            Code.EMPTY,
            facts.created_at,
            f"no bar yet: on the watch list since {since}",
            f"No bar of {facts.ticker} was ever accepted.",
            f"Its first bar {following}.",
        )
    last = facts.last_processed_at
    done = "" if last is None else f", the last at {wording.clock(last, facts.now)}"
    return _of(Code.IDLE, last, f"idle: all its bars are done{done}", WELL, f"Its next bar {following}.")


# Parts of sentences, each without its full stop.


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _since(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else f" since {wording.clock(moment, now)}"


def _in(moment: datetime, facts: Facts) -> str:
    return wording.span((moment - facts.now).total_seconds())


def _recovery(facts: Facts) -> str:
    return wording.span(facts.rules.recovery.total_seconds())


def _bar(facts: Facts, head: Head) -> str:
    kind = "replayed " if head.replayed else "late " if head.late else ""
    return kind + wording.bar_name(head.timeframe, head.timestamp, facts.now)


def _who(act: Act | None, what: str) -> str:
    if act is None:
        return f"Who {what} it is not recorded."
    reason = wording.one_line(act.reason)
    return f"{act.actor} {what} it: {reason.rstrip('.')}." if reason else f"{act.actor} {what} it and gave no reason."


def _error(facts: Facts, head: Head | None) -> str:
    if head is not None and head.error is not None:
        text = wording.error_line(head.error.type, head.error.message)
    elif facts.last_error:
        text = f"The last error was {wording.one_line(facts.last_error)}"
    else:
        return "What failed is not recorded."
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _waiting(facts: Facts, count: int, *, where: str = "", once: str = "") -> str:
    if count < 1:
        return ""
    if facts.pace_s is None:
        estimate = f"how long it takes to catch up{once} is unknown"
    else:
        estimate = f"{wording.roughly(count * facts.pace_s)} to catch up{once}"
    return f"{wording.counted(count, 'bar')} {'waits' if count == 1 else 'wait'}{where} ({estimate})"


def _where(head: Head) -> Whereabouts:
    return head.whereabouts or Whereabouts.UNKNOWN


def _place(facts: Facts, head: Head) -> str:
    spent = "" if head.due_since is None else f" for {wording.span((facts.now - head.due_since).total_seconds())}"
    match _where(head):
        case Whereabouts.WORKER:
            return "is with a worker"
        case Whereabouts.QUEUED:
            return f"has waited in its queue{spent}"
        case Whereabouts.NO_WORKER:
            return f"has waited in its queue{spent}, and no worker of the {facts.lane} lane is there"
        case Whereabouts.NOWHERE:
            return f"has been due{spent}, but is in no queue, and no worker has told of it"
        case _:
            return "is due"


def _next_try(facts: Facts, head: Head, subject: str = "the next try") -> str:
    if facts.next_attempt_at is not None:
        return f"next try in {_in(facts.next_attempt_at, facts)}"
    return f"{subject} {_place(facts, head)}"


def _attempt(facts: Facts, head: Head) -> str:
    number, most = head.attempts + 1, 1 if head.replayed else len(facts.delays_s) + 1
    return f"attempt {number}" if head.stage == "hold" else f"attempt {number} of {most}"


def _runs(facts: Facts, head: Head) -> str:
    """When it runs, or what has to happen before."""
    if facts.next_attempt_at is not None:
        return f"It runs again at {wording.clock(facts.next_attempt_at, facts.now)} ({_attempt(facts, head)})."
    match _where(head):
        case Whereabouts.WORKER:
            return f"It runs now, or is about to ({_attempt(facts, head)})."
        case Whereabouts.QUEUED:
            return f"A worker takes it as soon as one is free ({_attempt(facts, head)})."
        case Whereabouts.NO_WORKER:
            return f"It runs as soon as there is a worker of the {facts.lane} lane ({_attempt(facts, head)})."
        case Whereabouts.NOWHERE:
            return "If no worker has it, the sweeper sends it again within seconds; nothing is lost."
        case _:
            return "Where its message is can't be told; if it was lost, the sweeper sends it again."


def _why_not_running(facts: Facts, head: Head) -> str:
    waited_s = 0.0 if head.due_since is None else (facts.now - head.due_since).total_seconds()
    match _where(head):
        case Whereabouts.WORKER if waited_s > facts.stuck_s:
            return "It takes unusually long: its detectors are slow or hang, or its worker has no free slot for it."
        case Whereabouts.QUEUED if waited_s >= UNHEARD_S:
            return f"The workers of the {facts.lane} lane are busy with other symbols, or do not hear their queues."
        case Whereabouts.NO_WORKER:
            return "Nobody takes its queue: the worker was stopped or has died (/readyz tells more)."
        case Whereabouts.NOWHERE:
            return "Its message was lost with a worker or the broker, or was taken a moment ago."
        case Whereabouts.UNKNOWN:
            return "The broker does not answer."
        case _:
            return WELL


def _if_it_succeeds(facts: Facts) -> str:
    rest = "the bars that wait follow in order" if facts.backlog > 1 else "the next bar runs as soon as it comes"
    return rest if facts.circuit is State.CLOSED else f"the breaker closes and {rest}"


def _if_it_fails(facts: Facts, head: Head) -> str:
    if head.replayed:
        return "it is back in quarantine, and neither failures nor breaker are touched"
    if head.attempts >= len(facts.delays_s):
        return "its retries are used up, and a control run on the last good bar decides whose fault it is"
    if facts.circuit is not State.CLOSED:
        return opens_again(facts.rules.recovery)
    if facts.breaker.failures + 1 >= facts.rules.threshold:
        return f"the breaker opens for {_recovery(facts)}"
    return f"it is tried again {wording.span(facts.delays_s[head.attempts])} later"


def _notes(facts: Facts, code: Code) -> Iterator[str]:
    if code is Code.DELETED:
        return
    head = facts.head
    if head is not None and head.replayed:
        yield "The bar in flight is a replay from quarantine: it has one attempt."
    elif head is not None and head.late:
        yield "The bar in flight is late, older than the newest of its series: its window is that of its own time."
    if head is not None and head.losses:
        yield (
            f"Its message was lost {wording.in_a_row(head.losses, 'time')} with a whole worker; "
            f"after {facts.max_losses} times it counts as a failure."
        )
    if facts.slow is not None:
        yield _slow_lane(facts.slow, facts.now)
    if facts.quarantined:
        yield (
            f"{wording.counted(facts.quarantined, 'bar')} of it {'is' if facts.quarantined == 1 else 'are'} in "
            "quarantine, until somebody replays or discards what is there, or other values come."
        )


def _slow_lane(slow: Lane, now: datetime) -> str:
    why = "" if slow.moved is None else f"{_since(slow.moved.at, now)}: {_lane_reason(slow.moved.reason)}"
    back = f"It comes back after {wording.in_a_row(slow.quick_bars_needed, 'quick bar')}"
    return f"It is in the slow lane{why}. {back}; so far {slow.quick_bars}."


def _lane_reason(reason: str) -> str:
    return wording.one_line(reason.removeprefix("to the slow lane: ")).rstrip(".")


def _matters(facts: Facts) -> Iterator[tuple[str, str]]:
    """What is wrong with a symbol, however its bars get on: (what, why)."""
    for alert in facts.alerts:
        yield alert.message, f"Alert {alert.rule}{_since(alert.fired_at, facts.now)}: see docs/runbook/{alert.rule}.md."
    if facts.is_stale:
        age = "" if facts.data_age_s is None else f", the newest ended {wording.span(facts.data_age_s)} ago"
        yield (
            f"Stale: no fresh bar{age}.",
            f"Its feed is late by {wording.span(facts.stale_for_s)} of trading time; late bars are still processed.",
        )


# What can be done.

IN_TROUBLE = frozenset({"reset", "skip", "disable"})

ADVISED: dict[Code, frozenset[str]] = {
    Code.DISABLED: frozenset({"enable"}),
    **dict.fromkeys((Code.CONTROL, Code.HOLD, Code.OPEN, Code.PROBE, Code.RETRY), IN_TROUBLE),
}
ADVISED |= {code: frozenset() for code in Code if code not in ADVISED}
"""The acts that the text names; others make sense too, but need no advice."""


def _acts(facts: Facts, code: Code) -> Iterator[str]:
    if code is Code.DELETED:
        return
    head = facts.head
    due_since = None if head is None else head.due_since
    overdue = due_since is not None and (facts.now - due_since).total_seconds() > facts.stuck_s
    trouble = facts.breaker.failures > 0 or (head is not None and head.attempts > 0)
    if not facts.enabled:
        yield "enable"
    if trouble or (overdue and facts.enabled):
        yield "reset"
        if head is not None:
            yield "skip"
    if facts.enabled:
        yield "disable"
    if facts.quarantined:
        yield "replay"
        yield "discard"
