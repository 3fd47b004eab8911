"""Enumerations of the words that are stored, sent and shown. The tables take their choices from here."""

from enum import StrEnum


class Lane(StrEnum):
    """Which of the two roles runs a symbol's bars."""

    MAIN = "main"  # main -> slow: hit a time limit, killed its process, or runs slow
    SLOW = "slow"  # slow -> main: a set number of quick bars


class Stage(StrEnum):
    """What a symbol's head waits for. See docs/life-of-a-bar.md."""

    RUN = "run"  # run -> control: its retries are used up
    CONTROL = "control"  # control -> run: the fault is the bar's, next head; control -> hold: it is not
    HOLD = "hold"  # hold -> run: success, reset or skip


class BarStatus(StrEnum):
    """How far a bar has come. Which waiting bar is the head is stored in the symbol's row, not here."""

    WAITING = "waiting"  # accepted, corrected or replayed
    PROCESSED = "processed"  # waiting -> processed
    QUARANTINED = "quarantined"  # waiting -> quarantined; quarantined -> waiting: replay, correction
    DISCARDED = "discarded"  # quarantined -> discarded; discarded -> waiting: correction


class RerunCause(StrEnum):
    """Why the detectors must look at a span of bars again."""

    REVISION = "revision"  # bars have got other values
    DETECTOR = "detector"  # a detector was off while they were processed
    BASE = "base"  # bars that derived ones are made from have changed


class Outcome(StrEnum):
    """What a call of the mailbox did. Logs and metrics use the same words."""

    COMPLETED = "completed"  # head -> next head, or idle
    DEFERRED = "deferred"  # head stays, its message is published again for the time when it may run
    RETRYING = "retrying"  # failure recorded, head stays, Celery retries it
    CONTROL = "control"  # retries used up: the control run is published
    HOLDING = "holding"  # the fault is not the bar's: head stays, probed at the recovery time
    QUARANTINED = "quarantined"  # head -> quarantine, next head
    SUPERSEDED = "superseded"  # nothing changed: the head has moved on, or the message is stale


class Resolution(StrEnum):
    """What happened to a bar in quarantine; "" while it is there."""

    REPLAYED = "replayed"  # "" -> replayed; a replay that fails makes a new entry
    DISCARDED = "discarded"  # "" -> discarded
    REPLACED = "replaced"  # "" -> replaced: new values came for its timestamp


class EventKind(StrEnum):
    """What an event reports: a change of a symbol's state, or an operator's action."""

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
    REVISED = "revised"  # bars got other values, in place
    RERUN = "rerun"  # the detectors looked again at a span of bars
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
    """What an alert does to the overall status; harmless ones first."""

    INFO = "info"  # nothing
    WARNING = "warning"  # degraded
    ERROR = "error"  # unhealthy


class AlertState(StrEnum):
    """How far an alert has come."""

    PENDING = "pending"  # holds, but not long enough yet; pending -> deleted, if it ends before
    # pending -> resolved: it ends before, but is kept for its silence
    FIRING = "firing"  # pending -> firing: it held for the rule's time
    RECOVERING = "recovering"  # firing -> recovering: no longer holds; recovering -> firing: holds again
    RESOLVED = "resolved"  # recovering -> resolved: it did not hold for the rule's clear time


OPEN_STATES = (AlertState.PENDING, AlertState.FIRING, AlertState.RECOVERING)
"""States of an alert that is not resolved."""

FIRED_STATES = (AlertState.FIRING, AlertState.RECOVERING)
"""States of an alert that has fired and is not resolved."""


class NotificationKind(StrEnum):
    """What a notification is about."""

    OPENED = "opened"  # a breaker opened: the first opening of its incident
    RECOVERED = "recovered"  # that breaker closed
    FIRED = "fired"  # an alert began to fire
    RENEWED = "renewed"  # a reminder: it still fires
    CLEARED = "cleared"  # it is resolved
    DIGEST = "digest"  # one notification for many of the above


class NotificationState(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"  # not sent yet; also while it waits for its next try or its digest
    SENT = "sent"  # pending -> sent: the channel took it, or took the digest that names it
    FAILED = "failed"  # pending -> failed: all tries failed, or its channel was removed from the settings
    SKIPPED = "skipped"  # from the start: no channel was configured
