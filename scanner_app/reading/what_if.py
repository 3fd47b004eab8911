"""The failures that there were, as the domain's streaks: what other breaker settings would have done with them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from scanner_app.domain.enums import EventKind
from scanner_app.domain.past import SUCCESSES
from scanner_app.domain.what_if import Moment, Streak, streaks_of
from scanner_app.models import Bar, ProcessingFailure, Symbol, SymbolEvent


def streaks(since: datetime, until: datetime) -> Iterator[Streak]:
    """The streaks that ended in this time, of each symbol. Four queries for a symbol that failed, one more a streak."""
    failed = ProcessingFailure.objects.filter(failed_at__gte=since, failed_at__lt=until).order_by()
    symbols = Symbol.objects.filter(deleted_at=None, pk__in=failed.values("symbol_id"))
    for symbol in symbols.order_by("ticker"):
        for streak in streaks_of(symbol.ticker, _moments(symbol, since, until)):
            yield replace(streak, bars=_waiting(symbol, streak))


def _moments(symbol: Symbol, since: datetime, until: datetime) -> list[Moment]:
    failures = ProcessingFailure.objects.filter(symbol=symbol, failed_at__gte=since, failed_at__lt=until)
    failures = failures.exclude(bar__replayed=True, attempt=1, retry_delay_s=None)  # replays: no breaker counts them
    events = SymbolEvent.objects.filter(symbol=symbol, at__gte=since, at__lt=until)
    # Of two at one moment the failure comes first: it is what brings a bar into quarantine.
    found = [(at, 0, "failure") for at in failures.values_list("failed_at", flat=True)]
    for kind, at in events.filter(kind__in=[*SUCCESSES, EventKind.QUARANTINED]).values_list("kind", "at"):
        found.append((at, 1, "success" if kind in SUCCESSES else "quarantined"))
    return [Moment(at, what) for at, _, what in sorted(found)]


def _waiting(symbol: Symbol, streak: Streak) -> list[datetime]:
    """When the bars were accepted that waited for the streak's end, or were."""
    bars = Bar.objects.filter(symbol=symbol, finished_at__gte=streak.ended_at, accepted_at__lt=streak.ended_at)
    return list(bars.order_by("sequence").values_list("accepted_at", flat=True))
