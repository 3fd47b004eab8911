"""A calendar by its name, and which calendar a symbol has.

The sessions are worked out by a short process (build.py), kept as a file in DATA_DIR for all processes, and as
numbers in the memory of each that asks: some milliseconds to read, 2 MB. A year later, or after an upgrade of
exchange_calendars, the file has another name and is made again.
"""

import json
import subprocess
import sys
import threading
import time
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
"""Trading days before it are not known: nothing of that time can be missing."""

BUILD_TIMEOUT_S = 10
"""It takes about 1 s; the machine may be busy."""

RETRY_S = 300
"""After a calendar could not be made. Until then nothing that has it is stale or has gaps, and the log says why."""

_loaded: dict[tuple[str, int], tuple[float, Hours]] = {}  # by name and last year: until when (monotonic s), and what
_loading = threading.Lock()


def calendar_of(ticker: str, own: str) -> str:
    """The name of a symbol's calendar: its own, or by SCANNER_CALENDARS (the ticker itself, then the first pattern)."""
    return own or _by_pattern(ticker, tuple(settings.SCANNER_CALENDARS))


@lru_cache(maxsize=10_000)
def _by_pattern(ticker: str, patterns: tuple[tuple[str, str], ...]) -> str:
    chosen = tickers.fitting(ticker, (pattern for pattern, _ in patterns))
    return next((name for pattern, name in patterns if pattern == chosen), ALWAYS_OPEN)


def hours_of(calendar: str, now: datetime) -> Hours:
    """The calendar's trading hours, from 1990 to the end of next year. Never raises: see RETRY_S."""
    key = (calendar, now.year + 1)
    kept = _loaded.get(key)
    if kept is None or kept[0] < time.monotonic():
        with _loading:  # the web server has many threads, and one of them does it
            kept = _loaded.get(key)
            if kept is None or kept[0] < time.monotonic():
                kept = _loaded[key] = _load(*key)
    return kept[1]


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
    folder: Path = settings.DATA_DIR / "calendars"
    file = folder / f"{quote(calendar, safe='')}-{version('exchange_calendars')}-{last.year}.json"
    try:
        return file.read_text()
    except OSError:
        pass  # not there yet, as a rule
    command = [sys.executable, "-P", build.__file__, calendar, first.isoformat(), last.isoformat()]
    done = subprocess.run(  # noqa: S603 - our own script and a name that was checked
        command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Complete or not there at all, whoever else is making it.
        half = file.with_suffix(f".{threading.get_native_id()}")
        half.write_text(done.stdout)
        half.replace(file)
    except OSError as exc:  # the next process makes it again, no more
        log.warning("calendar_not_kept", calendar=calendar, error=str(exc))
    return done.stdout
