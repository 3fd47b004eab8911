"""A detector for test_autopsy.py, which runs in processes of its own: the environment says what it dislikes."""

import os
from collections.abc import Iterable

from scanner_app.detectors import Signal, Window


class Picky:
    """Fails on bars with the close of the variable DISLIKED."""

    name = "picky"
    bars_needed = 3

    def detect(self, window: Window) -> Iterable[Signal]:
        """Fail if the newest bar has that close, and see nothing."""
        if window.close[-1] == float(os.environ.get("DISLIKED", "nan")):
            raise ValueError(f"no good: {window.close.tolist()}")
        return []
