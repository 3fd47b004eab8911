"""The words that are stored, sent and shown. The tables take their choices from here."""

from enum import StrEnum


class Lane(StrEnum):
    """Which role of worker runs a symbol's bars."""

    MAIN = "main"  # main -> slow: hit a time limit, killed its process, or runs slow
    SLOW = "slow"  # slow -> main: a set number of quick bars


class Stage(StrEnum):
    """What the head is waiting for. See docs/life-of-a-bar.md."""

    RUN = "run"  # run -> control: its retries are used up
    CONTROL = "control"  # control -> run: the fault is the bar's, next head; control -> hold: it is not
    HOLD = "hold"  # hold -> run: success, reset or skip


class BarStatus(StrEnum):
    """How far a bar has come. Whether a waiting bar is the head is read from its symbol's row."""

    WAITING = "waiting"  # accepted, corrected or replayed
    PROCESSED = "processed"  # waiting -> processed
    QUARANTINED = "quarantined"  # waiting -> quarantined; quarantined -> waiting: replay, correction
    DISCARDED = "discarded"  # quarantined -> discarded; discarded -> waiting: correction


class Outcome(StrEnum):
    """What a call of the mailbox did; also the word in logs and metrics."""

    COMPLETED = "completed"  # head -> next head, or idle
    DEFERRED = "deferred"  # head stays, published again for the time when it may run
    RETRYING = "retrying"  # failure recorded, head stays, Celery retries it
    CONTROL = "control"  # retries used up: the control run is published
    HOLDING = "holding"  # the fault is not the bar's: head stays, probed at the recovery time
    QUARANTINED = "quarantined"  # head -> quarantine, next head
    SUPERSEDED = "superseded"  # nothing changed: the head has moved on, or the message is stale


class Resolution(StrEnum):
    """What became of a bar in quarantine."""

    REPLAYED = "replayed"  # "" -> replayed; a replay that fails makes a new entry
    DISCARDED = "discarded"  # "" -> discarded
    REPLACED = "replaced"  # "" -> replaced: new values came for its timestamp


class EventKind(StrEnum):
    """Every change of a symbol's state and every action of an operator."""

    CREATED = "created"
    PAUSED = "paused"  # a failure; waits for the retry
    OPENED = "opened"  # the breaker opened
    REOPENED = "reopened"  # the probe failed
    CLOSED = "closed"  # the breaker closed: recovered
    RECOVERED = "recovered"  # success after failures that had not opened the breaker
    HELD = "held"  # retries used up, the fault is not the bar's
    QUARANTINED = "quarantined"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    REPLACED = "replaced"
    RESET = "reset"
    SKIPPED = "skipped"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"
    LANE = "lane"  # moved to another lane
    CALENDAR = "calendar"  # another trading calendar


class SymbolState(StrEnum):
    """How a symbol is doing, in one word."""

    PROCESSING = "processing"
    PAUSED = "paused"  # waits for a retry, for the probe's result, or for the operator who disabled it
    FAILED = "failed"  # its breaker is open


class OverallStatus(StrEnum):
    """How the whole scanner is doing, in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # a warning rule holds
    UNHEALTHY = "unhealthy"  # an error rule holds


class Severity(StrEnum):
    """What an alert does to the overall status. From harmless to bad."""

    INFO = "info"  # nothing
    WARNING = "warning"  # degraded
    ERROR = "error"  # unhealthy


class AlertState(StrEnum):
    """How far an alert has come."""

    PENDING = "pending"  # holds, but not long enough yet; pending -> deleted, if it ends before
    # pending -> resolved: it ends before, but is kept for its silence
    FIRING = "firing"  # pending -> firing: it held for the rule's time
    RECOVERING = "recovering"  # firing -> recovering: holds no more; recovering -> firing: it does again
    RESOLVED = "resolved"  # recovering -> resolved: it was clear for the rule's time


OPEN_STATES = (AlertState.PENDING, AlertState.FIRING, AlertState.RECOVERING)
"""States of an alert that is not over."""

FIRED_STATES = (AlertState.FIRING, AlertState.RECOVERING)
"""States of an alert that has fired and is not over."""


class NotificationKind(StrEnum):
    """What a notification is about."""

    OPENED = "opened"  # a breaker opened: the first opening of its incident
    RECOVERED = "recovered"  # that breaker closed
    FIRED = "fired"  # an alert began to fire
    RENEWED = "renewed"  # it still does
    CLEARED = "cleared"  # it is over
    DIGEST = "digest"  # one message for many of the above


class NotificationState(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"  # written with the transition; also while it waits for its next try or its digest
    SENT = "sent"  # pending -> sent: the channel took it, or the digest that names it
    FAILED = "failed"  # pending -> failed: every try was used up, or its channel is gone
    SKIPPED = "skipped"  # from the start: there was no channel to send it by
