"""Detectors that misbehave on request: the volume of a bar says how."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scanner_app.detectors import Signal, Window
from tests.integration import deafen  # noqa: F401 - registers its command in the worker

SLEEPS = 5_000_001.0
"""A volume that makes the detector sleep for SLEEP_S."""

SLEEP_S = 5.0


class Sleeper:
    """Sleeps on some bars, as a detector does that waits for a service."""

    name = "sleeper"
    bars_needed = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Sleep if the bar says so, and see nothing."""
        if window.volume[-1] == SLEEPS:
            time.sleep(SLEEP_S)
        return iter(())


STUBBORN = 7_000_001.0
"""A volume that makes the detector hang and ignore the soft time limit."""


class Stubborn:
    """Hangs on some bars, whatever exception it is sent."""

    name = "stubborn"
    bars_needed = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Hang if the bar says so, and see nothing."""
        while window.volume[-1] == STUBBORN:
            try:
                time.sleep(60)
            except Exception:  # noqa: BLE001, S112 - what this detector is for
                continue
        return iter(())


TALKS = 8_000_001.0
"""A volume that makes the detector talk in every way there is, and fail."""


class Talker:
    """Logs and prints on some bars, as people's detectors do."""

    name = "talker"
    bars_needed = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Talk if the bar says so, and see nothing."""
        if window.volume[-1] == TALKS:
            logging.getLogger("library").warning("logged by a library")
            sys.stdout.write("printed by a detector\n")
            raise ValueError("no good")
        return iter(())


BREAK = "break-it"
"""A file in the folder of the scanner's data that makes the detector fail."""


class Breakable:
    """Sees something on each bar, but fails on all of them while the file is there."""

    name = "breakable"
    bars_needed = 3

    def detect(self, window: Window) -> Iterator[Signal]:
        """One signal, whose strength shows the window."""
        if (Path(os.environ["DATA_DIR"]) / BREAK).exists():
            raise KeyError("spread")
        yield Signal("SUM", "neutral", float(window.close.sum()))


class EachBar:
    """Sees something on each bar."""

    name = "each bar"
    bars_needed = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """One signal."""
        assert len(window) == 1
        yield Signal("BAR", "neutral", 1.0)


class FiveEachBar:
    """Sees five things on each bar."""

    name = "five each bar"
    bars_needed = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Five signals."""
        for number in range(5):
            yield Signal(f"BAR {number}", "neutral", float(len(window)))
