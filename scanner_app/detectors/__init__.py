"""Detectors: plug-ins that look at a window of bars and return signals for the newest bar.

interface.py     what a detector is, gets and returns
loading.py       from the dotted paths of SCANNER_DETECTORS to detectors
running.py       run detectors on a window and check their signals
candlesticks.py, wyckoff.py  the detectors that ship, loaded by dotted path like others

The package uses neither Django nor Celery nor the database, so a detector can be written and tested with arrays alone.
How to write one: docs/detectors.md.

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
