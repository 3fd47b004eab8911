"""Times, spans, counts and errors as people read them: values in, text out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from scanner_app.domain.timeframes import TIMEFRAMES

MAX_LINE = 200
"""Characters of an error's first line: what a list, a summary or a digest has room for."""

MAX_ERROR = 2_000
"""Characters of an error's text where it is quoted; all of it is in the failure's row."""

DAY = timedelta(days=1)

UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
"""Units of a span, with their length in seconds."""


def clock(moment: datetime, now: datetime | None = None) -> str:
    """A time to the second in UTC. Its date is left out if it is the day of `now`."""
    utc = moment.astimezone(UTC)
    if now is not None and utc.date() == now.astimezone(UTC).date():
        return f"{utc:%H:%M:%S} UTC"
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC"


def bar_name(timeframe: str, timestamp: datetime, now: datetime | None = None) -> str:
    """A bar by its timeframe and opening: "1m bar of 10:28:00 UTC"; from daily bars on without a time of day."""
    if TIMEFRAMES[timeframe] >= DAY:
        return f"{timeframe} bar of {timestamp.astimezone(UTC):%Y-%m-%d}"
    return f"{timeframe} bar of {clock(timestamp, now)}"


def span(seconds: float) -> str:
    """A span: "0.4 s", "12 s", "3 min 5 s", "2 h", "3 days 4 h". Never negative, even if two hosts' clocks differ."""
    if round(seconds, 1) < 10:
        return f"{max(0.0, round(seconds, 1)):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    parts = []
    for unit, size in UNITS:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count:,} {plural(unit, count) if unit == 'day' else unit}")
        elif parts:
            break  # "1 day", not "1 day 5 min"
        if len(parts) == 2:
            break
    return " ".join(parts)


def roughly(seconds: float) -> str:
    """An estimated span, without fractions of a second."""
    return "less than a second" if seconds < 1 else f"about {span(round(seconds))}"


def plural(word: str, count: int) -> str:
    """The noun for a count: bar, bars."""
    return word if count == 1 else f"{word}s"


def counted(count: int, word: str) -> str:
    """A count with its noun: "1 bar", "1,200 bars"."""
    return f"{count:,} {plural(word, count)}"


def in_a_row(count: int, word: str) -> str:
    """A count of things that followed each other directly: "1 failure", "3 failures in a row"."""
    return counted(count, word) + (" in a row" if count > 1 else "")


def listed(parts: Sequence[str], last: str = "and") -> str:
    """A list in a sentence: "a, b or c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def with_reason(text: str, reason: str) -> str:
    """What was done, and the reason that somebody gave for it, if any."""
    return f"{text}: {reason}" if reason else text


def error_line(error_type: str, message: str) -> str:
    """An error in one line, its type first."""
    return one_line(f"{error_type}: {message}" if message.strip() else error_type)


def one_line(text: str) -> str:
    """A text that we did not write, such as an error's message, as one line of at most MAX_LINE characters."""
    line = " ".join(readable(text).split())
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


def readable(text: str) -> str:
    """A text that we did not write, without characters that a mail, a chat or PostgreSQL refuses; cut at MAX_ERROR."""
    kept = "".join(char if char.isprintable() or char == "\n" else " " for char in text[:MAX_ERROR])
    return f"{kept.strip()}…" if len(text) > MAX_ERROR else kept.strip()
