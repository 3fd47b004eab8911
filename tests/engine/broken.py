"""Detectors that fail as long as a test says so."""

from collections.abc import Iterator

from scanner_app.detectors import Signal, Window

BROKEN: dict[str, type[Exception]] = {}
"""What each detector raises, by its name."""


class _Breakable:
    """Sees each bar, unless it is broken."""

    name = ""
    bars_needed = 2
    version = "1"

    def detect(self, window: Window) -> Iterator[Signal]:
        """One signal, whose strength shows the window."""
        if (error := BROKEN.get(self.name)) is not None:
            raise error("no good")
        yield Signal("SEEN", "neutral", float(window.close.sum()))


class First(_Breakable):
    """Runs first."""

    name = "first"


class Second(_Breakable):
    """Runs second."""

    name = "second"


PATHS = [f"{__name__}.{one.__name__}" for one in (First, Second)]
