"""A detector whose signals show in which order bars were processed, and how often."""

from collections.abc import Iterator
from typing import ClassVar

from scanner_app.detectors import Direction, Signal, Window


class Witness:
    """One signal a bar; its strength is the volume of the bar before: bars of a chaos run are numbered in it."""

    name: ClassVar[str] = "witness"
    bars_needed: ClassVar[int] = 2

    def detect(self, window: Window) -> Iterator[Signal]:
        """Report the bar before; 0 without one."""
        yield Signal("seen", Direction.NEUTRAL, float(window.volume[-2]) if len(window) > 1 else 0.0)
