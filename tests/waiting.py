"""Wait for a condition, never for a time."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, *, deadline_s: float = 60) -> None:
    """Return as soon as `condition()` is true; fail, saying what never came, after the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        time.sleep(0.05)
