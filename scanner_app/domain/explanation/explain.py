"""Choose the case of a symbol's situation and build its explanation. Pure: no database, no clock, no I/O."""

from collections.abc import Iterator

from scanner_app.domain.breaker import State
from scanner_app.domain.enums import Stage
from scanner_app.domain.explanation.actions import action
from scanner_app.domain.explanation.breaker_cases import half_open_case, open_case
from scanner_app.domain.explanation.case import IN_ORDER, Case
from scanner_app.domain.explanation.failure_cases import control_case, hold_case, retry_case
from scanner_app.domain.explanation.notes import notes_of, problems_of
from scanner_app.domain.explanation.result import Code, Explanation
from scanner_app.domain.explanation.running_cases import idle_case, processing_case
from scanner_app.domain.explanation.situation import Situation
from scanner_app.domain.explanation.switched_off_cases import deleted_case, disabled_case


def explain(situation: Situation) -> Explanation:
    """Explain a symbol's state: what is wrong, or that nothing is."""
    case = _case(situation)
    # While the feed is late or an alert fires, that comes first, even if the bars themselves run well.
    leads = list(problems_of(situation)) if case.cause == IN_ORDER else []
    rest = [] if leads or case.code is Code.DELETED else [f"{what} {why}" for what, why in problems_of(situation)]
    return Explanation(
        code=case.code,
        summary=" ".join([*(what for what, _ in leads), case.summary]),
        cause=" ".join(why for _, why in leads) or case.cause,
        next=case.next,
        notes=(*rest, *notes_of(situation, case.code)),
        actions=tuple(action(name, situation.ticker) for name in _possible_actions(situation, case.code)),
        since=case.since,
        next_attempt_at=situation.next_attempt_at,
        waiting=situation.backlog,
        catch_up_s=None if situation.pace_s is None or not situation.backlog else situation.pace_s * situation.backlog,
    )


def _case(situation: Situation) -> Case:
    """The first case that applies: being deleted and disabled come before all others."""
    if situation.deleted_at is not None:
        return deleted_case(situation, situation.deleted_at)
    if not situation.enabled:
        return disabled_case(situation)
    head = situation.head
    if head is not None and head.stage == Stage.CONTROL:
        return control_case(situation, head)
    if head is not None and head.stage == Stage.HOLD:
        return hold_case(situation, head)
    if situation.breaker_state is State.OPEN:
        return open_case(situation)
    if situation.breaker_state is State.HALF_OPEN:
        return half_open_case(situation)
    if head is None:
        return idle_case(situation)
    return (
        retry_case(situation, head) if head.attempts or situation.next_attempt_at else processing_case(situation, head)
    )


def _possible_actions(situation: Situation, code: Code) -> Iterator[str]:
    """The names of the actions that would change something now."""
    if code is Code.DELETED:
        return
    head = situation.head
    due_since = None if head is None else head.due_since
    overdue = due_since is not None and (situation.now - due_since).total_seconds() > situation.stuck_s
    trouble = situation.breaker.failures > 0 or (head is not None and head.attempts > 0)
    if not situation.enabled:
        yield "enable"
    if trouble or (overdue and situation.enabled):
        yield "reset"
        if head is not None:
            yield "skip"
    if situation.enabled:
        yield "disable"
    if situation.quarantined:
        yield "replay"
        yield "discard"
