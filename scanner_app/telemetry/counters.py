"""Counters and histograms for Prometheus. Counting takes some microseconds and never fails.

Each process counts in a file of its own in DATA_DIR/metrics; when Prometheus asks, all files are summed. If the folder
can't be used, a process counts in its memory, where no one reads it, and goes on with its bars.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import structlog
from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram

from scanner_app.telemetry import slots

log = structlog.get_logger(__name__)

P = ParamSpec("P")

FOLDER: Path = settings.DATA_DIR / "metrics"

SHARED = slots.count_in(FOLDER)
if not SHARED:
    log.warning("metrics_not_shared", folder=str(FOLDER))

REGISTRY = CollectorRegistry()
"""This process's own metrics."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Edges of the histograms: 0.2 s is the p95 that the requirements allow, 10 s a run's soft time limit."""

ACCEPTED = Counter("scanner_bars_accepted", "Bars accepted, corrected ones included", registry=REGISTRY)
REFUSED = Counter(
    "scanner_bars_refused", "Bars that came and were not accepted, by reason", ["reason"], registry=REGISTRY
)
PROCESSED = Counter("scanner_bars_processed", "Bars processed", registry=REGISTRY)
FAILED = Counter("scanner_bars_failed", "Failed attempts of bars", registry=REGISTRY)
QUARANTINED = Counter("scanner_bars_quarantined", "Bars put into quarantine", registry=REGISTRY)
SUPERSEDED = Counter(
    "scanner_bars_superseded", "Deliveries of bars that did nothing: somebody else was first", registry=REGISTRY
)
DEFERRED = Counter("scanner_bars_deferred", "Deliveries of bars put off to a later time", registry=REGISTRY)
OUTAGES = Counter("scanner_outages", "Runs that ended with our own database or broker away", registry=REGISTRY)
LATENCY = Histogram(
    "scanner_bar_latency_seconds",
    "From a bar's acceptance to the commit of its result, without bars held by a pause and without history",
    buckets=SECONDS,
    registry=REGISTRY,
)
WAITING = Histogram(
    "scanner_bar_waiting_seconds",
    "The part of the latency before and after the detectors ran",
    buckets=SECONDS,
    registry=REGISTRY,
)
RUNNING = Histogram(
    "scanner_bar_running_seconds",
    "The part of the latency in which detectors and traders' rules ran",
    buckets=SECONDS,
    registry=REGISTRY,
)
SWEEPS = Counter("scanner_sweeps", "Looks of the sweeper", registry=REGISTRY)
SWEPT = Counter(
    "scanner_sweeper_actions",
    "What the sweeper found and did: lost (heads that nobody had), idle (backlogs without a head), published, failed",
    ["kind"],
    registry=REGISTRY,
)

TOLD = Counter(
    "scanner_deliveries",
    "Deliveries of hits: made, sent, retried, given_up, expired",
    ["what"],
    registry=REGISTRY,
)

UNEXPECTED = Counter(
    "scanner_unexpected_errors",
    "Errors that nobody expected: web (answers 500 and 503), task, restart and given_up (programs of make up)",
    ["source", "name"],
    registry=REGISTRY,
)


def _never_fails(count: Callable[P, None]) -> Callable[P, None]:
    """Log an error of counting instead of raising it: the folder may have been removed, or the disk may be full."""

    @wraps(count)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with a count, the bar is not
            log.warning("not_counted", what=count.__name__, error=str(exc))

    return guarded


@_never_fails
def bars_accepted(bars: int) -> None:
    """Count bars that were accepted."""
    ACCEPTED.inc(bars)


@_never_fails
def bars_refused(by_reason: Mapping[str, int]) -> None:
    """Count bars that were not accepted. The reasons are codes of our own, never a client's text."""
    for reason, bars in by_reason.items():
        if bars:
            REFUSED.labels(reason).inc(bars)


@_never_fails
def bar_processed(*, latency_s: float, run_s: float, counts: bool) -> None:
    """Count a bar that was processed; with its latency, unless that says nothing about the speed (see latency.py)."""
    PROCESSED.inc()
    if counts:
        LATENCY.observe(latency_s)
        WAITING.observe(max(0.0, latency_s - run_s))
        RUNNING.observe(run_s)


@_never_fails
def bar_failed() -> None:
    """Count a failed attempt."""
    FAILED.inc()


@_never_fails
def bar_quarantined() -> None:
    """Count a bar that went to quarantine."""
    QUARANTINED.inc()


@_never_fails
def bar_superseded() -> None:
    """Count a delivery that did nothing."""
    SUPERSEDED.inc()


@_never_fails
def bar_deferred() -> None:
    """Count a deferred delivery."""
    DEFERRED.inc()


@_never_fails
def outage() -> None:
    """Count a run that ended with our own database or broker away."""
    OUTAGES.inc()


@_never_fails
def swept(counts: Mapping[str, int]) -> None:
    """Count a sweep and what it did."""
    SWEEPS.inc()
    for kind in ("lost", "idle", "published", "failed"):
        SWEPT.labels(kind).inc(counts[kind])


@_never_fails
def deliveries(counts: Mapping[str, int]) -> None:
    """Count what a run that tells hits did."""
    for what in ("made", "sent", "retried", "given_up", "expired"):
        if counts.get(what):
            TOLD.labels(what).inc(counts[what])


@_never_fails
def unexpected_error(source: str, name: str) -> None:
    """Count an error that nobody expected. The names are those of our routes, tasks and programs."""
    UNEXPECTED.labels(source, name).inc()
