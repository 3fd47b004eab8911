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


class Scope(StrEnum):
    """What a token of the API may be used for; never more than its user may."""

    READ = "read"  # reading
    FEED = "feed"  # reading and sending bars
    OPERATE = "operate"  # whatever its user may


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


class ErrorSource(StrEnum):
    """Which part of the scanner failed in a way that nobody expected."""

    WEB = "web"  # the web server answered 500, or 503 though the database is there
    TASK = "task"  # a Celery task raised, or was killed with its process
    RESTART = "restart"  # a program of `make up` ended by itself and was started again
    GIVEN_UP = "given_up"  # a program of `make up` can't be kept running


class DetectorState(StrEnum):
    """Whether a detector runs."""

    ON = "on"  # on -> off: by an operator, or by an incident with SCANNER_DETECTOR_AUTO_OFF
    OFF = "off"  # off -> probing: its recovery time is over; off -> on: by an operator
    PROBING = "probing"  # probing -> on: it succeeded at bars where it had failed; probing -> off: it failed again


class DetectorAct(StrEnum):
    """What happened to a detector, and by whom: a line of its history."""

    OFF = "off"  # switched off
    ON = "on"  # switched on
    RETURNED = "returned"  # a probe failed: off for twice as long


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
    THRESHOLD = "threshold"  # another limit for an alert rule
    VERSION = "version"  # a detector has another version
    SILENCED = "silenced"  # nothing is sent about it until a time
    UNSILENCED = "unsilenced"  # its silence was ended


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
    INCIDENT = "incident"  # a detector fails on many symbols; or that is over
    DIGEST = "digest"  # one notification for many of the above
    DRILL = "drill"  # the breaker of the canary opened or closed: always sent alone


class ChannelKind(StrEnum):
    """How a channel is told."""

    APPRISE = "apprise"  # mail and chat, by the library apprise
    WEBHOOK = "webhook"  # a program, by Standard Webhooks


class DeliveryState(StrEnum):
    """How far the telling of one hit by one channel has come."""

    WAITING = "waiting"  # not tried yet; given_up, failed -> waiting: an operator's retry
    FAILED = "failed"  # waiting -> failed: the last try failed, another one follows
    SENT = "sent"  # waiting, failed -> sent: the channel took it, or the digest that it is in
    GIVEN_UP = "given_up"  # waiting, failed -> given_up: all tries failed, or the receiver is gone for good
    EXPIRED = "expired"  # waiting, failed -> expired: older than its rule wants to tell


UNTOLD_STATES = frozenset({DeliveryState.WAITING, DeliveryState.FAILED})
"""The states in which a delivery is still to be sent."""


class StreamKind(StrEnum):
    """What an event of the stream is."""

    SIGNAL = "signal"
    HIT = "hit"


class NotificationState(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"  # not sent yet; also while it waits for its next try or its digest
    SENT = "sent"  # pending -> sent: the channel took it, or took the digest that names it
    FAILED = "failed"  # pending -> failed: all tries failed, or its channel was removed from the settings
    SKIPPED = "skipped"  # from the start: no channel was configured


class WorthVerdict(StrEnum):
    """What the figures of a kind of signal show."""

    EDGE = "edge"
    NO_EDGE_SHOWN = "no_edge_shown"
    TOO_FEW = "too_few"


class GapState(StrEnum):
    """How far a hole in a live feed's series has come."""

    OPEN = "open"  # bars are missing, and the venue is asked for them
    REFILLED = "refilled"  # open -> refilled: all of them have come
    EMPTY = "empty"  # open -> empty: the venue has none for what is still missing
    GIVEN_UP = "given_up"  # open -> given_up: by an operator, or retention would refuse them


class GapCause(StrEnum):
    """How a live feed came to miss bars."""

    START = "start"  # no feed ran
    RECONNECT = "reconnect"  # its connection was away
    SILENCE = "silence"  # its connection lived but sent nothing
    SKIPPED = "skipped"  # the next bar came without the one before
    REFUSED = "refused"  # the scanner did not take bars: database away, or a full backlog


class FeedState(StrEnum):
    """How a live feed is doing, in one word; harmless ones first."""

    LIVE = "live"  # connected, and every series is at its newest bar
    CATCHING_UP = "catching_up"  # connected, and some series still wait for history
    SILENT = "silent"  # connected, but bars are overdue
    DOWN = "down"  # not connected, or no process runs it
