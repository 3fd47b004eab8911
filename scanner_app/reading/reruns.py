"""The spans of bars that the detectors still have to look at again, with their progress."""

from dataclasses import dataclass
from datetime import datetime

from scanner_app.domain.enums import BarStatus
from scanner_app.models import Bar, Rerun, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunProgress:
    """A span that is not done yet. The names are the API's."""

    symbol: str
    timeframe: str
    first: datetime  # timestamp of the first changed bar
    last: datetime  # of the last one; bars after it whose windows reach it are looked at too
    cause: str
    detector: str | None  # the only one that looks again; None: all
    bars_done: int
    bars_left: int  # up to `last`
    failures: int  # of a detector at the bar where it goes on, in a row
    next_attempt_at: datetime | None  # None: now, or as soon as other spans are done
    last_error: str | None


def progress(symbol: Symbol | None = None) -> list[RerunProgress]:
    """The symbol's spans, or all of them, oldest first. One query, and one for each span."""
    spans = Rerun.objects.select_related("symbol").filter(symbol__deleted_at=None).order_by("id")
    return [_progress(span) for span in (spans if symbol is None else spans.filter(symbol=symbol))]


def _progress(span: Rerun) -> RerunProgress:
    left = Bar.objects.filter(
        symbol_id=span.symbol_id,
        timeframe=span.timeframe,
        status=BarStatus.PROCESSED,
        timestamp__gte=span.next_bar_at or span.first,
        timestamp__lte=span.last,
    )
    return RerunProgress(
        symbol=span.symbol.ticker,
        timeframe=span.timeframe,
        first=span.first,
        last=span.last,
        cause=span.cause,
        detector=span.detector or None,
        bars_done=span.bars_done,
        bars_left=left.count(),
        failures=span.failures,
        # While it is being looked at, this is when another worker may take it over: nothing for people.
        next_attempt_at=span.next_attempt_at if span.failures else None,
        last_error=span.last_error or None,
    )
