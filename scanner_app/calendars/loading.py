"""Which calendar a symbol has, and a calendar's trading hours.

The sessions are computed by a short process (build.py) and stored in DATA_DIR as a file for all processes. Each process
that needs them reads the file in some milliseconds and keeps them in memory (2 MB). The file's name has the year and
the version of exchange_calendars, so a new year or version makes a new file. `hours_of` waits for the short process,
`hours_if_made` does not.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import structlog
from django.conf import settings

from scanner_app.calendars import build
from scanner_app.domain import tickers
from scanner_app.domain.calendar_names import ALWAYS_OPEN
from scanner_app.domain.trading_hours import Hours, Session, every_day

log = structlog.get_logger(__name__)

FIRST_YEAR = 1990
"""Sessions before this year are not known, so no bar of that time counts as missing."""

BUILD_TIMEOUT_S = 30
"""Longest time for build.py. It takes about 1 s, more on a busy machine."""

RETRY_S = 300
"""Time until a calendar that could not be made is tried again. Until then, its symbols are not stale and have no gaps,
and the log says why."""

LOOK_AGAIN_S = 10
"""Time until `hours_if_made` looks again whether somebody has made a calendar."""

# By name and last year: until when they may be used (monotonic s), and the trading hours.
_loaded: dict[tuple[str, int], tuple[float, Hours]] = {}
_loading = threading.Lock()
_making = threading.Lock()
_not_made: dict[tuple[str, int], float] = {}  # until when it is not looked again (monotonic s)


def calendar_of(ticker: str, own: str) -> str:
    """The name of a symbol's calendar: its own, or by SCANNER_CALENDARS (the ticker itself, then the first pattern)."""
    return own or _by_pattern(ticker, _patterns())


class _Patterns:
    """The setting's patterns, hashed as an object: there are dozens, and this is asked for every bar."""

    def __init__(self, given: Sequence[tuple[str, str]]) -> None:
        self.given = given
        self.calendars = dict(reversed(given))  # of two equal patterns the first counts


_current = _Patterns([])


def _patterns() -> _Patterns:
    global _current  # noqa: PLW0603 - another list only where tests set one
    if _current.given is not settings.SCANNER_CALENDARS:
        _current = _Patterns(settings.SCANNER_CALENDARS)
    return _current


@lru_cache(maxsize=100_000)
def _by_pattern(ticker: str, patterns: _Patterns) -> str:
    chosen = tickers.fitting(ticker, (pattern for pattern, _ in patterns.given))
    return ALWAYS_OPEN if chosen is None else patterns.calendars[chosen]


def hours_of(calendar: str, now: datetime) -> Hours:
    """The calendar's trading hours, from 1990 to the end of next year. Never raises: see RETRY_S."""
    key = (calendar, now.year + 1)
    kept = _loaded.get(key)
    if kept is None or kept[0] < time.monotonic():
        with _loading:  # one of the web server's threads loads it, the others wait
            kept = _loaded.get(key)
            if kept is None or kept[0] < time.monotonic():
                kept = _loaded[key] = _load(*key)
    return kept[1]


def hours_if_made(calendar: str, now: datetime) -> Hours:
    """The same without waiting: as long as nobody has made the calendar, its hours are not known.

    Then a thread makes it, in one process for all.
    """
    key = (calendar, now.year + 1)
    if (kept := _kept(*key)) is not None:
        return kept
    if calendar == ALWAYS_OPEN:
        return hours_of(calendar, now)
    if _not_made.get(key, 0) > time.monotonic():
        return Hours([])
    if os.path.isfile(_file(*key)):  # noqa: PTH113 - Path's raises if the folder may not be read
        return hours_of(calendar, now)
    _not_made[key] = time.monotonic() + LOOK_AGAIN_S
    with suppress(RuntimeError):  # the system has no thread to spare: later
        threading.Thread(target=_make, args=key, name=f"calendar {calendar}", daemon=True).start()
    return Hours([])


def _make(calendar: str, last_year: int) -> None:
    """Make a calendar, unless another process does. This one knows it at once, the others when they look again.

    One after the other, whichever process makes them: a dozen at once, each of a second and 100 MB, would take longer
    than BUILD_TIMEOUT_S, and the processors from the bars.
    """
    file = _file(calendar, last_year).with_suffix(".lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as lock, (file.parent / "turn.lock").open("w") as turn:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(turn, fcntl.LOCK_EX)
            _loaded[calendar, last_year] = _load(calendar, last_year)
    except BlockingIOError:
        return
    except OSError:  # the folder takes no files: then this process keeps it in memory alone
        with _making:
            if _kept(calendar, last_year) is None:
                _loaded[calendar, last_year] = _load(calendar, last_year)


def _kept(calendar: str, last_year: int) -> Hours | None:
    until, hours = _loaded.get((calendar, last_year), (0.0, None))
    return hours if until >= time.monotonic() else None


def _file(calendar: str, last_year: int) -> Path:
    name = f"{quote(calendar, safe='')}-{version('exchange_calendars')}-{last_year}.json"
    return Path(settings.DATA_DIR) / "calendars" / name


def _load(calendar: str, last_year: int) -> tuple[float, Hours]:
    first, last = date(FIRST_YEAR, 1, 1), date(last_year, 12, 31)
    if calendar == ALWAYS_OPEN:
        return float("inf"), Hours(every_day(first, last))
    try:
        rows = json.loads(_text(calendar, first, last))
        return float("inf"), Hours(Session(*row) for row in rows)
    except (OSError, ValueError, TypeError, subprocess.SubprocessError) as exc:
        said = getattr(exc, "stderr", None) or exc
        log.error("calendar_failed", calendar=calendar, error=str(said)[-500:])
        return time.monotonic() + RETRY_S, Hours([])


def _text(calendar: str, first: date, last: date) -> str:
    file = _file(calendar, last.year)
    try:
        return file.read_text()
    except OSError:
        pass  # usually because it was not made yet
    command = [sys.executable, "-P", build.__file__, calendar, first.isoformat(), last.isoformat()]
    done = subprocess.run(  # noqa: S603 - our own script and a name that was checked
        command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Written under another name first: other processes see the complete file or none.
        half = file.with_suffix(f".{threading.get_native_id()}")
        half.write_text(done.stdout)
        half.replace(file)
    except OSError as exc:  # no harm: the next process makes the file again
        log.warning("calendar_not_kept", calendar=calendar, error=str(exc))
    return done.stdout
