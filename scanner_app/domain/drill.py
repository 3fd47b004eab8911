"""A drill of the alarm path, as values: what it does, how its steps are judged, when one is due. No Django, no clock.

A canary symbol fails until its breaker opens, the administrators are told, the breaker lets a probe through, the probe
succeeds, and the administrators are told again. What is judged is what the scanner has stored of the canary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from scanner_app.domain.breaker import Rules
from scanner_app.domain.enums import NotificationState
from scanner_app.domain.wording import counted, one_line, span

RUN_WITHIN = timedelta(seconds=30)
"""A bar's run that has not come for so long, after it was due, counts as missing: twice the default of a run's
hard limit."""

TOLD_WITHIN = timedelta(seconds=30)
"""A notice that is not sent for so long counts as not sent: long enough for a second try after ten seconds."""

START_WITHIN = timedelta(hours=1)
"""How long after its time a drill of the schedule still begins: after that it waits for the next day."""


class Step(StrEnum):
    """The steps of a drill, in their order."""

    RUN = "run"  # a worker runs a good bar
    FAILURE = "failure"  # a bar fails in a worker
    BREAKER = "breaker"  # the breaker opens
    NOTICE = "notice"  # each channel has taken the message of it
    HALF_OPEN = "half_open"  # the recovery time is over
    RECOVERY = "recovery"  # the probe succeeds, and the breaker closes
    ALL_CLEAR = "all_clear"  # each channel has taken the message of that


class StepState(StrEnum):
    """How far a step has come."""

    WAITING = "waiting"
    OK = "ok"
    FAILED = "failed"
    NOT_REACHED = "not_reached"  # a step that it needs has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is known of a step."""

    step: Step
    state: StepState
    at: datetime | None = None  # when it happened; of a failed one, when it was found to have failed
    detail: str = ""  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message of the canary's breaker to one channel."""

    channel: str
    all_clear: bool  # that the breaker closed; else that it opened
    state: str  # a NotificationState
    sent_at: datetime | None = None
    tries: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the scanner has stored of the canary so far."""

    began_at: datetime
    run_at: datetime | None = None  # when the good bar was processed
    failing_since: datetime | None = None  # when the bars that fail were accepted
    failures: Sequence[datetime] = ()
    error: str = ""  # of the last failure, in one line
    opened_at: datetime | None = None  # the first opening of the breaker
    reopened_at: datetime | None = None  # after a probe that failed
    closed_at: datetime | None = None
    notices: Sequence[Notice] = ()


def failures_of_bars(threshold: int, attempts: int) -> list[int]:
    """How often each bar has to fail so that a breaker of this threshold opens and the next run succeeds.

    `attempts`: runs of one bar before it goes to quarantine. A bar that uses all of them can't be the probe, so that a
    good one follows it.
    """
    whole, rest = divmod(threshold, attempts)
    return [attempts] * whole + [rest]


def judge(facts: Facts, rules: Rules, delays_s: Sequence[float], now: datetime) -> list[Result]:
    """What is known of each step at the time `now`, in their order. `delays_s`: SCANNER_RETRY_DELAYS."""
    bars = failures_of_bars(rules.threshold, len(delays_s) + 1)
    retries = timedelta(seconds=sum(sum(delays_s[:count]) for count in bars))
    half_open_at = None if facts.opened_at is None else facts.opened_at + rules.recovery

    run = _reached(
        Step.RUN,
        facts.run_at,
        facts.began_at + RUN_WITHIN,
        now,
        ok="a worker has run a good bar",
        late=f"no worker has run the canary's first bar in {span(RUN_WITHIN.total_seconds())}; see /readyz",
    )
    failure = _reached(
        Step.FAILURE,
        facts.failures[0] if facts.failures else None,
        (facts.failing_since or now) + RUN_WITHIN,
        now,
        after=run,
        ok=f"a bar has failed in a worker: {facts.error}",
        late="no worker has run the bar that has to fail",
    )
    breaker = _reached(
        Step.BREAKER,
        facts.opened_at,
        (facts.failures[0] if facts.failures else now) + retries + RUN_WITHIN,
        now,
        after=failure,
        ok=f"the breaker has opened after {counted(rules.threshold, 'failure')}",
        late=f"the breaker is closed after {counted(len(facts.failures), 'failure')} of {rules.threshold}",
    )
    half_open = _reached(
        Step.HALF_OPEN,
        half_open_at if half_open_at is not None and now >= half_open_at else None,
        half_open_at or now,
        now,
        after=breaker,
        ok=f"the breaker lets a probe through after {span(rules.recovery.total_seconds())}",
        late="",  # it is a matter of time alone
    )
    recovery = _reached(
        Step.RECOVERY,
        facts.closed_at,
        now if facts.reopened_at else (half_open_at or now) + RUN_WITHIN,
        now,
        after=half_open,
        ok="the probe has succeeded, and the breaker is closed",
        late=f"the probe has failed: {facts.error}" if facts.reopened_at else "no worker has run the probe",
    )
    return [
        run,
        failure,
        breaker,
        _told(Step.NOTICE, facts, facts.opened_at, now, after=breaker),
        half_open,
        recovery,
        _told(Step.ALL_CLEAR, facts, facts.closed_at, now, after=recovery),
    ]


def is_over(results: Sequence[Result]) -> bool:
    """Whether no step can change any more."""
    return all(one.state is not StepState.WAITING for one in results)


def first_failed(results: Sequence[Result]) -> Result | None:
    """The first step that failed; None: none has."""
    return next((one for one in results if one.state is StepState.FAILED), None)


def ended(results: Sequence[Result], why: str, now: datetime) -> list[Result]:
    """The results of a drill that is ended before its time: the first step that was waited for has failed."""
    found: list[Result] = []
    for one in results:
        if one.state is not StepState.WAITING:
            found.append(one)
        elif first_failed(found) is None:
            found.append(Result(step=one.step, state=StepState.FAILED, at=now, detail=why))
        else:
            found.append(Result(step=one.step, state=StepState.NOT_REACHED))
    return found


def is_due(at: time, last: datetime | None, now: datetime) -> bool:
    """Whether a drill that is held daily `at` this time (UTC) is to begin. `last`: when one of the schedule began."""
    moment = datetime.combine(now.date(), at, tzinfo=now.tzinfo)
    if moment > now:
        moment -= timedelta(days=1)
    return now - moment < START_WITHIN and (last is None or last < moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPath:
    """What the drills have shown."""

    proven_at: datetime | None = None  # the end of the last drill without a failed step; None: there is none
    failed_at: datetime | None = None  # the end of the last drill, if a step failed in it
    failed_step: str = ""
    detail: str = ""  # what failed
    said: str = ""  # all this in a sentence, which has ages in it


def said(path: AlarmPath, now: datetime) -> str:
    """What the drills have shown, in one sentence: "alarm path proven 3 h ago"."""
    proven = "never proven"
    if path.proven_at is not None:
        proven = f"proven {span((now - path.proven_at).total_seconds())} ago"
    if path.failed_at is None:
        return f"alarm path {proven}" if path.proven_at is not None else "alarm path never proven: see manage.py drill"
    ago = span((now - path.failed_at).total_seconds())
    last = "" if path.proven_at is None else "last "
    return f"the drill {ago} ago failed at {path.failed_step}: {path.detail}; alarm path {last}{proven}"


def _reached(
    step: Step,
    at: datetime | None,
    until: datetime,
    now: datetime,
    *,
    ok: str,
    late: str,
    after: Result | None = None,
) -> Result:
    if at is not None:
        return Result(step=step, state=StepState.OK, at=at, detail=ok)
    if (before := _before(step, after)) is not None:
        return before
    if now < until:
        return Result(step=step, state=StepState.WAITING)
    return Result(step=step, state=StepState.FAILED, at=now, detail=late)


def _before(step: Step, after: Result | None) -> Result | None:
    """What is known of a step while the one that it needs is not there; None: that one is."""
    if after is None or after.state is StepState.OK:
        return None
    waits = after.state is StepState.WAITING
    return Result(step=step, state=StepState.WAITING if waits else StepState.NOT_REACHED)


def _told(step: Step, facts: Facts, since: datetime | None, now: datetime, *, after: Result) -> Result:
    if (before := _before(step, after)) is not None or since is None:
        return before or Result(step=step, state=StepState.WAITING)
    notices = [one for one in facts.notices if one.all_clear == (step is Step.ALL_CLEAR)]
    sent = [one.sent_at for one in notices if one.sent_at is not None]
    if notices and len(sent) == len(notices) and max(sent) <= since + TOLD_WITHIN:
        return Result(step=step, state=StepState.OK, at=max(sent), detail=_told_by(notices, since))
    hopeless = any(one.state in {NotificationState.SKIPPED, NotificationState.FAILED} for one in notices)
    if now < since + TOLD_WITHIN and not hopeless:
        return Result(step=step, state=StepState.WAITING)
    return Result(step=step, state=StepState.FAILED, at=now, detail=_told_by(notices, since))


def _told_by(notices: Sequence[Notice], since: datetime) -> str:
    """What became of a message on each channel."""
    if not notices:
        return "no message was written"
    parts = []
    for one in notices:
        if one.sent_at is not None:
            parts.append(f"sent by {one.channel} after {span((one.sent_at - since).total_seconds())}")
        elif one.state == NotificationState.SKIPPED:
            parts.append(f"sent to nobody: {one_line(one.error)}")
        else:
            why = one_line(one.error) or "the notify worker has not tried it"
            tries = "1 try" if one.tries == 1 else f"{one.tries} tries"
            parts.append(f"not sent by {one.channel} in {tries}: {why}")
    return "; ".join(parts)
