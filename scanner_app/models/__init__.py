"""The tables, one file per group. Which code writes which table: docs/architecture.md, "Where state lives".

May import: access, telemetry, conf, calendars and the rooms below.
"""

from scanner_app.models.alerts import Alert, Evaluation
from scanner_app.models.bars import Bar, BarRevision, Rerun
from scanner_app.models.events import SymbolEvent
from scanner_app.models.faults import ProcessingFailure, QuarantinedBar
from scanner_app.models.forming import FormingBar
from scanner_app.models.injection import InjectedFault
from scanner_app.models.notifications import Notification
from scanner_app.models.signals import Signal
from scanner_app.models.symbols import CircuitBreaker, Symbol, SymbolStatus

__all__ = [
    "Alert",
    "Bar",
    "BarRevision",
    "CircuitBreaker",
    "Evaluation",
    "FormingBar",
    "InjectedFault",
    "Notification",
    "ProcessingFailure",
    "QuarantinedBar",
    "Rerun",
    "Signal",
    "Symbol",
    "SymbolEvent",
    "SymbolStatus",
]
