"""A detector that is broken from one moment to the next, at every symbol: as after a bad deploy."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from scanner_app.detectors import Direction, Signal, Window

BREAK = "break-it"
"""A file in the folder of the scanner's data: while it is there, the detector fails."""


class Breakable:
    """Sees something at each bar, but fails at all of them while the file is there."""

    name: ClassVar[str] = "breakable"
    bars_needed: ClassVar[int] = 3

    def detect(self, window: Window) -> Iterator[Signal]:
        """One signal, whose strength shows the window."""
        if (Path(os.environ["DATA_DIR"]) / BREAK).exists():
            raise KeyError("spread")
        yield Signal("SUM", Direction.NEUTRAL, float(window.close.sum()))
