"""The tables. One file per group; see docs/life-of-a-bar.md for who writes which when."""

from scanner_app.models.alerts import Alert, AlertState, Evaluation, Severity
from scanner_app.models.bars import Bar, BarStatus
from scanner_app.models.events import EventKind, SymbolEvent
from scanner_app.models.faults import ProcessingFailure, QuarantinedBar, Resolution
from scanner_app.models.injection import InjectedFault
from scanner_app.models.notifications import Notification, NotificationKind, NotificationState
from scanner_app.models.signals import Signal
from scanner_app.models.symbols import CircuitBreaker, Lane, Stage, Symbol, SymbolStatus

__all__ = [
    "Alert",
    "AlertState",
    "Bar",
    "BarStatus",
    "CircuitBreaker",
    "Evaluation",
    "EventKind",
    "InjectedFault",
    "Lane",
    "Notification",
    "NotificationKind",
    "NotificationState",
    "ProcessingFailure",
    "QuarantinedBar",
    "Resolution",
    "Severity",
    "Signal",
    "Stage",
    "Symbol",
    "SymbolEvent",
    "SymbolStatus",
]
