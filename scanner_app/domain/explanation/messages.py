"""Where the message of the head is, and when the head runs."""

from scanner_app.domain import wording
from scanner_app.domain.enums import Stage
from scanner_app.domain.explanation.case import IN_ORDER
from scanner_app.domain.explanation.phrases import time_until
from scanner_app.domain.explanation.situation import HeadSituation, MessageLocation, Situation

NORMAL_WAIT_S = 5.0
"""That a message waits in its queue for less than this many seconds is normal: the workers are just busy."""


def location_of(head: HeadSituation) -> MessageLocation:
    """Where the head's message is."""
    return head.location or MessageLocation.UNKNOWN


def location_phrase(situation: Situation, head: HeadSituation) -> str:
    """Where the head's message is, in words."""
    spent = "" if head.due_since is None else f" for {wording.span((situation.now - head.due_since).total_seconds())}"
    match location_of(head):
        case MessageLocation.WORKER:
            return "is with a worker"
        case MessageLocation.QUEUED:
            return f"has waited in its queue{spent}"
        case MessageLocation.NO_WORKER:
            return f"has waited in its queue{spent}, and no worker of the {situation.lane} lane is there"
        case MessageLocation.NOWHERE:
            return f"has been due{spent}, but is in no queue, and no worker reports it"
        case _:
            return "is due"


def next_try_phrase(situation: Situation, head: HeadSituation, subject: str = "the next try") -> str:
    """When the next try is, or where its message is."""
    if situation.next_attempt_at is not None:
        return f"next try in {time_until(situation.next_attempt_at, situation)}"
    return f"{subject} {location_phrase(situation, head)}"


def attempt_phrase(situation: Situation, head: HeadSituation) -> str:
    """Which attempt comes next."""
    number, most = head.attempts + 1, 1 if head.replayed else len(situation.delays_s) + 1
    return f"attempt {number}" if head.stage == Stage.HOLD else f"attempt {number} of {most}"


def when_it_runs(situation: Situation, head: HeadSituation) -> str:
    """When the head runs, or what has to happen first."""
    attempt = attempt_phrase(situation, head)
    if situation.next_attempt_at is not None:
        return f"It runs again at {wording.clock(situation.next_attempt_at, situation.now)} ({attempt})."
    match location_of(head):
        case MessageLocation.WORKER:
            return f"It runs now, or is about to ({attempt})."
        case MessageLocation.QUEUED:
            return f"A worker takes it as soon as one is free ({attempt})."
        case MessageLocation.NO_WORKER:
            return f"It runs as soon as there is a worker of the {situation.lane} lane ({attempt})."
        case MessageLocation.NOWHERE:
            return "If no worker has it, the sweeper redelivers it within seconds. No bar is lost."
        case _:
            return "The place of its message is unknown. If it was lost, the sweeper redelivers it."


def why_not_running(situation: Situation, head: HeadSituation) -> str:
    """What keeps a head that is due from running."""
    waited_s = 0.0 if head.due_since is None else (situation.now - head.due_since).total_seconds()
    match location_of(head):
        case MessageLocation.WORKER if waited_s > situation.stuck_s:
            return "It takes unusually long: its detectors are slow or hang, or its worker has no free slot for it."
        case MessageLocation.QUEUED if waited_s >= NORMAL_WAIT_S:
            return f"The workers of the {situation.lane} lane are busy with other symbols, or do not read their queues."
        case MessageLocation.NO_WORKER:
            return "No worker reads its queue: the worker was stopped or has died (see /readyz)."
        case MessageLocation.NOWHERE:
            return "Its message was lost with a worker or the broker, or a worker took it a moment ago."
        case MessageLocation.UNKNOWN:
            return "The broker does not answer."
        case _:
            return IN_ORDER
