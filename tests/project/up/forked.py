"""A program for test_forking: it says what it finds, and ends as it is told."""

import atexit
import json
import os
import signal
import sys
from pathlib import Path


def _count() -> float:
    """Count a bar, in the file of this process."""
    from scanner_app.telemetry.counters import FAILED

    FAILED.inc()
    return float(FAILED._value.get())


if __name__ == "__main__":
    atexit.register(print, "at exit")
    found = {
        "argv": sys.argv[1:],
        "given": os.environ.get("GIVEN"),
        "taken": os.environ.get("TAKEN"),
        "default": [signal.getsignal(number) is signal.SIG_DFL for number in (signal.SIGTERM, signal.SIGCHLD)],
        "name": Path("/proc/self/cmdline").read_text().rstrip("\0"),
        "marked": b"SCANNER_RUN=here" in Path("/proc/self/environ").read_bytes(),
        "has_django": "django" in sys.modules,
        "counted": _count(),
    }
    print(json.dumps(found))  # noqa: T201
    if sys.argv[1] == "raise":
        raise ValueError("as told")
    ends: dict[str, int | str | None] = {"number": 3, "text": "a sentence", "nothing": None}
    sys.exit(ends[sys.argv[1]])
