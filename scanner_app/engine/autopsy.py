"""A bar in quarantine as a test: the window that the detectors saw, and the detectors, in one file for pytest.

Whoever wrote the detector runs the file on a machine of his own. It fails as the bar failed, until the detector is
mended; the scanner and its database are not needed, only the scanner's code and the detectors.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus
from scanner_app.engine.detection import bars_needed
from scanner_app.models import Bar, BarRevision, QuarantinedBar

TIME_LIMIT_ERRORS = frozenset({"SoftTimeLimitExceeded", "TimeLimitExceeded"})
"""Failures whose detector did not come to an end: the test ends it, with the tracebacks of all threads."""

FILE = """\
{head}

import faulthandler

import numpy as np
import pytest

from scanner_app.detectors import Window, load, run

nan = np.nan  # an unknown volume

DETECTORS = {detectors}

WINDOW = Window.of(
    symbol={symbol!r},
    timeframe={timeframe!r},
    timestamps=np.array(
        {timestamps},
        dtype="datetime64[us]",
    ),
{columns}
)


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_detector_takes_the_bar(detector):
{limit}    run(load([detector]), WINDOW)
"""

LIMIT = "    faulthandler.dump_traceback_later({seconds:g}, exit=True)  # it did not come to an end\n"


def file_name(entry: QuarantinedBar) -> str:
    """A name for the file: `test_BTC_USD_1m_20240531T143000Z.py`."""
    ticker = re.sub(r"\W", "_", entry.symbol.ticker, flags=re.ASCII)
    return f"test_{ticker}_{entry.bar.timeframe}_{entry.bar.timestamp.astimezone(UTC):%Y%m%dT%H%M%SZ}.py"


def as_test(entry: QuarantinedBar) -> str:
    """The text of the file.

    The window has the values that the bars had when the bar failed, whatever was revised since.
    """
    bar = entry.bar
    rows = [*_before(bar, bars_needed() - 1), bar]
    values = _values_at(rows, entry.failed_at)
    columns = [
        f"    {name}={_listed('nan' if row[place] is None else repr(row[place]) for row in values)},"
        for place, name in enumerate(VALUES)
    ]
    times = (repr(row.timestamp.astimezone(UTC).replace(tzinfo=None).isoformat()) for row in rows)
    hung = entry.error_type in TIME_LIMIT_ERRORS
    return FILE.format(
        head=_comment(_head(entry)),
        detectors=_listed(repr(path) for path in settings.SCANNER_DETECTORS),
        symbol=entry.symbol.ticker,
        timeframe=bar.timeframe,
        timestamps=_listed(times),
        columns="\n".join(columns),
        limit=LIMIT.format(seconds=settings.SCANNER_SOFT_LIMIT_S) if hung else "",
    )


def _before(bar: Bar, count: int) -> list[Bar]:
    """The processed bars of the window before this one, oldest first: those that were accepted before it."""
    older = bar.symbol.bars.filter(
        timeframe=bar.timeframe, status=BarStatus.PROCESSED, timestamp__lt=bar.timestamp, sequence__lt=bar.sequence
    )
    return list(older.order_by("-timestamp")[:count])[::-1]


def _values_at(bars: Sequence[Bar], moment: datetime) -> list[tuple[Any, ...]]:
    """The bars' prices and volumes at a time: of what was revised since, the values before."""
    since = BarRevision.objects.filter(bar__in=[bar.pk for bar in bars], at__gt=moment).order_by("-at", "-pk")
    former = {revision.bar_id: revision for revision in since}  # the oldest of a bar comes last, and stays
    return [tuple(getattr(former.get(bar.pk, bar), name) for name in VALUES) for bar in bars]


def _head(entry: QuarantinedBar) -> list[str]:
    bar = entry.bar
    what = f"{entry.error_type}: {entry.message}" if entry.error_type else "no attempt has failed"
    return [
        f"{entry.symbol.ticker} {bar.timeframe}, the bar of {_clock(bar.timestamp)}",
        f"In quarantine since {_clock(entry.failed_at)}",
        f"{entry.reason} ({what}; attempts: {entry.attempt})",
        f"Written by the market scanner {settings.VERSION}.",
        "Run it where the scanner's code and the detectors can be imported:",
        f"    python -m pytest {file_name(entry)}",
        *(["", *entry.traceback.splitlines()] if entry.traceback else []),
    ]


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _comment(lines: Iterable[str]) -> str:
    """The lines as Python comments. What is not printable is escaped, so that no text becomes code."""
    return "\n".join(f"# {_printable(part)}".rstrip() for line in lines for part in line.splitlines() or [""])


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _listed(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"
