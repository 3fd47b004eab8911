"""Where the message of the head is, and when the head runs."""

from scanner_app.domain import wording
from scanner_app.domain.explanation.case import WELL
from scanner_app.domain.explanation.phrases import time_until
from scanner_app.domain.explanation.situation import Facts, Head, Whereabouts

UNHEARD_S = 5.0
"""Seconds in the queue from which it is worth a word: below that, some worker is just busy."""


def location_of(head: Head) -> Whereabouts:
    """Where the head's message is."""
    return head.whereabouts or Whereabouts.UNKNOWN


def location_phrase(facts: Facts, head: Head) -> str:
    """Where the head's message is, in words."""
    spent = "" if head.due_since is None else f" for {wording.span((facts.now - head.due_since).total_seconds())}"
    match location_of(head):
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


def next_try_phrase(facts: Facts, head: Head, subject: str = "the next try") -> str:
    """When the next try is, or where its message is."""
    if facts.next_attempt_at is not None:
        return f"next try in {time_until(facts.next_attempt_at, facts)}"
    return f"{subject} {location_phrase(facts, head)}"


def attempt_phrase(facts: Facts, head: Head) -> str:
    """Which attempt comes next."""
    number, most = head.attempts + 1, 1 if head.replayed else len(facts.delays_s) + 1
    return f"attempt {number}" if head.stage == "hold" else f"attempt {number} of {most}"


def when_it_runs(facts: Facts, head: Head) -> str:
    """When it runs, or what has to happen before."""
    if facts.next_attempt_at is not None:
        return f"It runs again at {wording.clock(facts.next_attempt_at, facts.now)} ({attempt_phrase(facts, head)})."
    match location_of(head):
        case Whereabouts.WORKER:
            return f"It runs now, or is about to ({attempt_phrase(facts, head)})."
        case Whereabouts.QUEUED:
            return f"A worker takes it as soon as one is free ({attempt_phrase(facts, head)})."
        case Whereabouts.NO_WORKER:
            return f"It runs as soon as there is a worker of the {facts.lane} lane ({attempt_phrase(facts, head)})."
        case Whereabouts.NOWHERE:
            return "If no worker has it, the sweeper sends it again within seconds; nothing is lost."
        case _:
            return "Where its message is can't be told; if it was lost, the sweeper sends it again."


def why_not_running(facts: Facts, head: Head) -> str:
    """What keeps a head that is due from running."""
    waited_s = 0.0 if head.due_since is None else (facts.now - head.due_since).total_seconds()
    match location_of(head):
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
