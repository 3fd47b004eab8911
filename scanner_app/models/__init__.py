"""The tables, one file per group. Which code writes which table: docs/architecture.md, "Where state lives".

May import: access, telemetry, conf, calendars and the rooms below.
"""

from scanner_app.models.alerts import Alert, Evaluation, Silence, WriteCheck
from scanner_app.models.bars import Bar, BarRevision, Rerun
from scanner_app.models.channels import Channel, Delivery
from scanner_app.models.derived import DerivedSeries
from scanner_app.models.detectors import DetectorEvent, DetectorSwitch, FailureIncident
from scanner_app.models.drills import Drill
from scanner_app.models.events import SymbolEvent
from scanner_app.models.faults import ProcessingFailure, QuarantinedBar
from scanner_app.models.feeds import Feed, Gap, VenueTicker
from scanner_app.models.forming import FormingBar
from scanner_app.models.hooks import Hook
from scanner_app.models.injection import InjectedFault
from scanner_app.models.notifications import Notification
from scanner_app.models.rules import Hit, Rule, RuleFailure, RuleStates
from scanner_app.models.signals import Signal
from scanner_app.models.stream import StreamEntry, StreamState
from scanner_app.models.symbols import CircuitBreaker, Symbol, SymbolStatus
from scanner_app.models.tokens import ApiToken, KnownAddress
from scanner_app.models.unexpected import UnexpectedError
from scanner_app.models.watchlists import WatchList
from scanner_app.models.worth import SignalWorth

__all__ = [
    "Alert",
    "ApiToken",
    "Bar",
    "BarRevision",
    "Channel",
    "CircuitBreaker",
    "Delivery",
    "DerivedSeries",
    "DetectorEvent",
    "DetectorSwitch",
    "Drill",
    "Evaluation",
    "FailureIncident",
    "Feed",
    "FormingBar",
    "Gap",
    "Hit",
    "Hook",
    "InjectedFault",
    "KnownAddress",
    "Notification",
    "ProcessingFailure",
    "QuarantinedBar",
    "Rerun",
    "Rule",
    "RuleFailure",
    "RuleStates",
    "Signal",
    "SignalWorth",
    "Silence",
    "StreamEntry",
    "StreamState",
    "Symbol",
    "SymbolEvent",
    "SymbolStatus",
    "UnexpectedError",
    "VenueTicker",
    "WatchList",
    "WriteCheck",
]
