"""Detectors: plug-ins that look at a window of bars and name what they see in the newest one.

Pure Python and NumPy: nothing here knows of Django, Celery or the database, so a detector can
be written and tested with arrays alone. How to write one: docs/detectors.md. Those that ship
are in modules of their own, loaded by dotted path: `candlesticks.Candlesticks`, `wyckoff.Wyckoff`.

May import: domain, NumPy and TA-Lib.
"""

from scanner_app.detectors.interface import BarUnusable, Detector, Direction, Signal, Window
from scanner_app.detectors.loading import DetectorError, load
from scanner_app.detectors.running import BadSignal, Finding, run

__all__ = [
    "BadSignal",
    "BarUnusable",
    "Detector",
    "DetectorError",
    "Direction",
    "Finding",
    "Signal",
    "Window",
    "load",
    "run",
]
