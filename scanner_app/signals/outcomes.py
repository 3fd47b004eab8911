"""Work out what the stored signals and hits were worth, from the bars after them, and keep the result.

Everything is worked out anew each time, series by series: figures that are kept incrementally would count revised and
pruned bars twice. Only what is stored counts: old bars and their signals are removed by retention.

Ten million bars take minutes. A worker does that in pieces, so that the re-runs that wait for the same process go on.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models import Bar, Hit, Rule, Signal, SignalWorth
from scanner_app.signals.worth import Kind, Study, kind_of_rule

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=23)
"""From one computation to the next: once a day, also if beat is restarted daily."""

PIECE_S = 1.0
"""Longest time (s) of one task, which beat triggers every five seconds: a fifth of one processor."""

FORGOTTEN_AFTER = timedelta(hours=12)
"""A computation that has stood still for so long is begun anew."""

AGAIN_AFTER = timedelta(minutes=5)
"""From the beginning of a computation that fails, or finds nothing to store, to the next one of this process."""

READ_AT_ONCE = 10_000
"""Rows that are fetched at once."""

BAR = np.dtype([("time", np.int64), ("close", np.float64)])
"""What is read of a bar: its opening (unix s) and its close."""

FIGURES = (
    *("horizon", "count", "clusters", "mean_return", "baseline_return", "hit_rate", "baseline_hit_rate"),
    *("lift", "lift_low", "lift_high", "verdict"),
)
"""What the row of a kind of signal has of its figures."""

Steps = Generator[None, None, int]
"""A computation that pauses every some milliseconds; at its end it gives the number of rows."""

_under_way: Steps | None = None  # of this process
_began_at: datetime | None = None


def due(now: datetime) -> bool:
    """Whether the figures are old enough to be worked out again."""
    newest = SignalWorth.objects.order_by("-computed_at").values_list("computed_at", flat=True).first()
    return newest is None or now - newest >= EVERY


def go_on(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> bool:
    """Work on the figures for PIECE_S at most, if they are due; returns whether there is more to do.

    What was worked out so far is kept in this process: if it is replaced, another one begins anew.
    """
    global _under_way, _began_at  # noqa: PLW0603 - one for the process
    age = None if _began_at is None else now - _began_at
    if age is None or age >= FORGOTTEN_AFTER or _under_way is None:
        if (age is not None and timedelta(0) <= age < AGAIN_AFTER) or not due(now):
            return False
        _under_way, _began_at = in_steps(now), now
    end = clock() + PIECE_S
    steps, _under_way = _under_way, None  # after an error it begins anew, in a while
    for _ in steps:
        if clock() >= end:
            _under_way = steps
            return True
    return False


def compute(now: datetime) -> int:
    """Work out all figures and replace the stored ones; returns the number of rows."""
    steps = in_steps(now)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return int(end.value)


def in_steps(now: datetime) -> Steps:
    """The same in steps, as a generator."""
    start_s = time.monotonic()
    study = Study(settings.SCANNER_WORTH_HORIZONS)
    rules = {pk: _seconds(made) for pk, made in Rule.objects.filter(deleted_at=None).values_list("pk", "created_at")}
    series = _series()
    for symbol_id, timeframe in series:
        yield from _add(study, symbol_id, timeframe, rules)
    rows = rows_of(study, now)
    with transaction.atomic():
        SignalWorth.objects.all().delete()
        SignalWorth.objects.bulk_create(rows, batch_size=500)
    log.info("worth_computed", series=len(series), rows=len(rows), seconds=round(time.monotonic() - start_s, 1))
    return len(rows)


def rows_of(study: Study, now: datetime) -> list[SignalWorth]:
    """What the study has found as rows, which are not stored."""
    return [
        SignalWorth(**worth.kind._asdict(), **{name: getattr(worth, name) for name in FIGURES}, computed_at=now)
        for worth in study.results()
    ]


def _series() -> list[tuple[int, str]]:
    """Symbol and timeframe of each series with signals or hits."""
    series = ("symbol_id", "timeframe")
    found = Signal.objects.filter(symbol__deleted_at=None, withdrawn_at=None).order_by().values_list(*series)
    hits = Hit.objects.filter(symbol__deleted_at=None).order_by().values_list(*series)
    return sorted(found.union(hits))


def _add(study: Study, symbol_id: int, timeframe: str, rules: Mapping[int, int]) -> Generator[None, None, None]:
    """Look at a series. `rules`: when each was made (unix s): before that it could not hit."""
    times, close = yield from _read_bars(symbol_id, timeframe)
    timeframe_s = TIMEFRAMES[timeframe].total_seconds()
    found = Signal.objects.filter(symbol_id=symbol_id, timeframe=timeframe, withdrawn_at=None)
    stamps: defaultdict[Kind, list[int]] = defaultdict(list)
    last = 0
    fields = ("pk", "detector", "pattern", "direction", "timestamp")
    while rows := list(found.filter(pk__gt=last).order_by("pk").values_list(*fields)[:READ_AT_ONCE]):
        for last, detector, pattern, direction, timestamp in rows:  # noqa: B007 - the next page begins after it
            stamps[Kind(detector, pattern, direction, timeframe)].append(_seconds(timestamp))
        yield
        if len(rows) < READ_AT_ONCE:
            break
    places = {kind: places_of(moments, times) for kind, moments in stamps.items()}
    yield from study.add_in_steps(times, close, places, timeframe_s=timeframe_s)
    hits: defaultdict[int, list[int]] = defaultdict(list)
    told = Hit.objects.filter(symbol_id=symbol_id, timeframe=timeframe, rule_id__in=rules)
    for rule_id, timestamp in told.values_list("rule_id", "timestamp"):
        hits[rule_id].append(_seconds(timestamp))
    for rule_id, moments in hits.items():
        since = int(np.searchsorted(times, rules[rule_id]))
        of_rule = {kind_of_rule(rule_id, timeframe): places_of(moments, times[since:])}
        yield from study.add_in_steps(times[since:], close[since:], of_rule, timeframe_s=timeframe_s)


def _read_bars(symbol_id: int, timeframe: str) -> Generator[None, None, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Opening (unix s) and close of the processed bars of a series, oldest first.

    Page by page into arrays: as Python's objects, a series of some years of minutes would take hundreds of MB.
    """
    bars = Bar.objects.filter(symbol_id=symbol_id, timeframe=timeframe, status=BarStatus.PROCESSED)
    rows, pages = bars.order_by("timestamp").values_list("timestamp", "close"), [np.empty(0, dtype=BAR)]
    page = list(rows[:READ_AT_ONCE])
    while page:
        pages.append(np.array([(_seconds(time), close) for time, close in page], dtype=BAR))
        yield
        page = list(rows.filter(timestamp__gt=page[-1][0])[:READ_AT_ONCE]) if len(page) == READ_AT_ONCE else []
    series = np.concatenate(pages)
    return np.ascontiguousarray(series["time"]), np.ascontiguousarray(series["close"])


def places_of(moments: list[int], times: NDArray[np.int64]) -> NDArray[np.intp]:
    """The places of the bars with these openings (unix s) in the series, without those that are not in it."""
    wanted = np.array(moments, dtype=np.int64)
    places = np.searchsorted(times, wanted)
    inside = places < len(times)
    return np.unique(places[inside][times[places[inside]] == wanted[inside]])


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
