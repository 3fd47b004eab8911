"""Run all detectors on one bar: give each the window that it needs, and check its signals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from scanner_app.detectors.interface import NUMBERS, BarUnusable, Direction, Signal, Window
from scanner_app.detectors.loading import MAX_NAME_LENGTH, is_name
from scanner_app.detectors.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner_app.detectors.interface import Detector


CULPRIT = "scanner_detector"
"""The attribute by which an error carries the detector that it came from."""


class BadSignal(ValueError):
    """A detector returned something that is not a valid signal. The message names detector, field and value."""

    def __init__(self, detector: str, field: str, value: object, rule: str) -> None:
        super().__init__(f"detector {detector!r}: {field} {rule}, not {value!r}")
        self.detector = detector
        self.field = field
        self.value = value


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal that was checked, with the name of the detector that it comes from."""

    detector: str
    pattern: str
    direction: Direction
    strength: float
    version: str = ""  # of the detector
    window_gaps: int | None = None  # bars missing in the detector's window; None: not counted


def run(detectors: Sequence[Detector], window: Window) -> list[Finding]:
    """What all detectors find in the newest bar, in the order of the detectors.

    Each gets its last `bars_needed` bars. Nothing is returned unless all of it is valid: the
    first wrong signal raises BadSignal, and what a detector raises passes through. Raises
    BarUnusable itself if a price of the newest bar is not finite or its volume endless,
    ValueError without bars. A volume may be unknown (NaN).
    """
    if not len(window):
        raise ValueError("there is no newest bar in an empty window")
    for field in NUMBERS:
        value = float(getattr(window, field)[-1])
        if not math.isfinite(value) and not (field == "volume" and math.isnan(value)):
            raise BarUnusable(f"{field} is {value}")
    findings = []
    for detector in detectors:
        try:
            signals = detector.detect(window.last(detector.bars_needed))
            findings += _checked(detector.name, version_of(detector), signals)
        except BaseException as exc:
            _own_attributes(exc)[CULPRIT] = (detector.name, version_of(detector))
            raise
    return findings


def culprit_of(error: BaseException) -> tuple[str, str] | None:
    """Name and version of the detector that this error came from; None if it came from none."""
    found: tuple[str, str] | None = _own_attributes(error).get(CULPRIT)
    return found


def _own_attributes(error: BaseException) -> dict[str, Any]:
    """Whatever its class makes of reading or setting an attribute."""
    found: dict[str, Any] = BaseException.__dict__["__dict__"].__get__(error)
    return found


def _checked(detector: str, version: str, signals: object) -> list[Finding]:
    if not isinstance(signals, Iterable):
        raise BadSignal(detector, "answer", signals, "must be an iterable of Signal")
    findings: dict[str, Finding] = {}
    for signal in signals:
        finding = _finding(detector, version, signal)
        if finding.pattern in findings:
            raise BadSignal(detector, "pattern", finding.pattern, "must come once for a bar, so twice is too many")
        findings[finding.pattern] = finding
    return list(findings.values())


def _finding(detector: str, version: str, signal: object) -> Finding:
    if not isinstance(signal, Signal):
        raise BadSignal(detector, "signal", signal, "must be a Signal")
    if not is_name(signal.pattern):
        raise BadSignal(detector, "pattern", signal.pattern, f"must be 1 to {MAX_NAME_LENGTH} printable characters")
    try:
        direction = Direction(signal.direction)
    except ValueError:
        rule = f"must be one of {', '.join(Direction)}"
        raise BadSignal(detector, "direction", signal.direction, rule) from None
    if (strength := _finite(signal.strength)) is None:
        raise BadSignal(detector, "strength", signal.strength, "must be a finite real number")
    return Finding(detector, str(signal.pattern), direction, strength, version)


def _finite(value: object) -> float | None:
    """Return the number as a float; None if it is a bool, not a number or not finite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int that is too large for a float
        return None
    return number if math.isfinite(number) else None
