"""Detectors: plug-ins that look at a window of bars and return signals for the newest bar.

interface.py     what a detector is, gets and returns
loading.py       from the dotted paths of SCANNER_DETECTORS to detectors
versions.py      which version of a detector a signal comes from
running.py       run detectors on a window and check their signals
ta_lib.py        TA-Lib, imported without pandas
pattern_names.py  what people call the patterns, and what each means
parameters.py    check the parameters of those that ship
measures.py      what several of them measure
candlesticks.py, wyckoff.py  the detectors that are on by default, loaded by dotted path like others
beyond_candles/  those that are not

The package uses neither Django nor Celery nor the database, so a detector can be written and tested with arrays alone.
How to write one: docs/detectors.md.

May import: domain, NumPy and TA-Lib.
"""

from scanner_app.detectors.interface import BarUnusable, Detector, Direction, Line, Signal, Window
from scanner_app.detectors.loading import DetectorError, load
from scanner_app.detectors.running import BadSignal, Finding, culprit_of, run

__all__ = [
    "BadSignal",
    "BarUnusable",
    "Detector",
    "DetectorError",
    "Direction",
    "Finding",
    "Line",
    "Signal",
    "Window",
    "culprit_of",
    "load",
    "run",
]
