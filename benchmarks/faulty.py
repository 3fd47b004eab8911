"""A detector that does to a bar what its symbol's name says: the disturbance of a measurement."""

import os
import signal
import time
from collections.abc import Iterator
from typing import ClassVar

from scanner_app.detectors import Signal, Window

SLEEP_S = 5.0
"""Below the soft limit: a run that is slow, but ends by itself."""


class Faulty:
    """Fails, sleeps, hangs or kills its process, for symbols whose ticker begins with that word."""

    name: ClassVar[str] = "faulty"
    bars_needed: ClassVar[int] = 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """No signals, and for the named symbols no end or no good one."""
        match window.symbol.partition("-")[0]:
            case "FAIL":
                raise ValueError("this symbol always fails")
            case "SLEEP":
                time.sleep(SLEEP_S)
            case "HANG":
                time.sleep(3600)
            case "CRASH":
                os.kill(os.getpid(), signal.SIGKILL)
        yield from ()
