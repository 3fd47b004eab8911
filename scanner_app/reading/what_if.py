"""The failures that there were, as the domain's streaks: what other breaker settings would have done with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from scanner_app.conf import breaker_rules
from scanner_app.domain.enums import EventKind
from scanner_app.domain.past import SUCCESSES
from scanner_app.domain.retry import RETRIES_USED_UP
from scanner_app.domain.what_if import Difference, Moment, Setting, Streak, compare, streaks_of
from scanner_app.models import Bar, ProcessingFailure, Symbol, SymbolEvent

OPENINGS: Final = frozenset({EventKind.OPENED, EventKind.REOPENED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What another setting would have changed, summed up over the streaks of a time."""

    streaks: int
    short: Difference  # if each fault was as short as it can have been
    long: Difference


def present() -> Setting:
    """The settings of today."""
    return Setting(rules=breaker_rules(), delays_s=settings.SCANNER_RETRY_DELAYS)


def compared(other: Setting, since: datetime, until: datetime) -> Comparison:
    """The streaks that ended in this time, gone through with the settings of today and with others."""
    found, now = list(streaks(since, until)), present()
    short, long = (compare(found, now, other, longest=longest) for longest in (False, True))
    return Comparison(streaks=len(found), short=short, long=long)


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
    kinds = [*SUCCESSES, *OPENINGS, EventKind.QUARANTINED]
    events = SymbolEvent.objects.filter(symbol=symbol, at__gte=since, at__lt=until, kind__in=kinds)
    found: list[tuple[datetime, int, Moment]] = []
    opened: set[datetime] = set()
    quarantined: set[int | None] = set()
    for kind, at, bar, reason in events.values_list("kind", "at", "bar_id", "reason"):
        if kind in OPENINGS:
            opened.add(at)
        elif kind in SUCCESSES:
            found.append((at, 1, Moment(at, "success")))
        else:
            quarantined.add(bar)
            found.append((at, 1, Moment(at, "used up" if reason == RETRIES_USED_UP else "quarantined", bar=bar or 0)))
    columns = ("failed_at", "bar_id", "next_attempt_at", "retry_delay_s", "times")
    for at, bar, retry_at, delay_s, times in failures.order_by("id").values_list(*columns):
        # Without a retry the next bar's run follows, or a hold's probe.
        waits = at in opened or bar not in quarantined
        due = retry_at or (at + breaker_rules().recovery if waits else at)
        held = timedelta(seconds=(times - 1) * (delay_s or 0))
        # Of two at one moment the failure comes first: it is what brings a bar into quarantine.
        found.append((at, 0, Moment(at, "failure", bar=bar, due=due, held=held)))
    return [moment for *_, moment in sorted(found, key=lambda one: one[:2])]


def _waiting(symbol: Symbol, streak: Streak) -> list[datetime]:
    """When the bars were accepted that waited for the streak's end, or were."""
    bars = Bar.objects.filter(symbol=symbol, finished_at__gte=streak.ended_at, accepted_at__lt=streak.ended_at)
    return list(bars.order_by("sequence").values_list("accepted_at", flat=True))
