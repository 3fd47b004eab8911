"""Facts in, sentences out: pure, no database, no clock, no I/O."""

from collections.abc import Iterator

from scanner_app.domain.breaker import State
from scanner_app.domain.explanation.actions import action
from scanner_app.domain.explanation.breaker_cases import half_open_case, open_case
from scanner_app.domain.explanation.case import WELL, Case
from scanner_app.domain.explanation.failure_cases import control_case, hold_case, retry_case
from scanner_app.domain.explanation.notes import notes_of, problems_of
from scanner_app.domain.explanation.result import Code, Explanation
from scanner_app.domain.explanation.running_cases import idle_case, processing_case
from scanner_app.domain.explanation.situation import Facts
from scanner_app.domain.explanation.switched_off_cases import deleted_case, disabled_case


def explain(facts: Facts) -> Explanation:
    """What is the matter with a symbol, or that nothing is."""
    case = _case(facts)
    # A symbol that gets on is not in order while its feed is late or an alert fires: then that is what is the matter.
    leads = list(problems_of(facts)) if case.cause == WELL else []
    rest = [] if leads or case.code is Code.DELETED else [f"{what} {why}" for what, why in problems_of(facts)]
    return Explanation(
        code=case.code,
        summary=" ".join([*(what for what, _ in leads), case.summary]),
        cause=" ".join(why for _, why in leads) or case.cause,
        next=case.next,
        notes=(*rest, *notes_of(facts, case.code)),
        actions=tuple(action(name, facts.ticker) for name in _acts(facts, case.code)),
        since=case.since,
        next_attempt_at=facts.next_attempt_at,
        waiting=facts.backlog,
        catch_up_s=None if facts.pace_s is None or not facts.backlog else facts.pace_s * facts.backlog,
    )


def _case(facts: Facts) -> Case:
    if facts.deleted_at is not None:
        return deleted_case(facts, facts.deleted_at)
    if not facts.enabled:
        return disabled_case(facts)
    head = facts.head
    if head is not None and head.stage == "control":
        return control_case(facts, head)
    if head is not None and head.stage == "hold":
        return hold_case(facts, head)
    if facts.circuit is State.OPEN:
        return open_case(facts)
    if facts.circuit is State.HALF_OPEN:
        return half_open_case(facts)
    if head is None:
        return idle_case(facts)
    return retry_case(facts, head) if head.attempts or facts.next_attempt_at else processing_case(facts, head)


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
