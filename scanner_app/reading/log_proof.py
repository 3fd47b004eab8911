"""Prove from the database alone that every accepted bar was done with once and in order, symbol by symbol.

Each symbol is read in one snapshot, so that it can be proved while bars come. The database counts; memory stays small.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from scanner_app.domain.enums import BarStatus, EventKind
from scanner_app.domain.log_proof import LogFigures, faults
from scanner_app.engine.retention import oldest_record
from scanner_app.mailbox.statements import all_rows
from scanner_app.models import CircuitBreaker, QuarantinedBar, Symbol, SymbolEvent, SymbolStatus

_BARS = f"""
    SELECT status, COUNT(*), MIN(sequence), MAX(sequence),
           SUM(CASE WHEN (finished_at IS NULL) = (status = '{BarStatus.WAITING}') THEN 0 ELSE 1 END),
           SUM(CASE WHEN status = '{BarStatus.PROCESSED}' AND (attempts < 1 OR latency_ms IS NULL) THEN 1 ELSE 0 END)
      FROM scanner_app_bar WHERE symbol_id = %s GROUP BY status
"""  # noqa: S608 - a constant of ours

_OUT_OF_ORDER = f"""
    SELECT COUNT(*), MIN(sequence) FROM (
        SELECT sequence, finished_at, LAG(finished_at) OVER (ORDER BY sequence) AS before
          FROM scanner_app_bar WHERE symbol_id = %s AND status = '{BarStatus.PROCESSED}'
    ) numbered WHERE finished_at < before
"""  # noqa: S608 - as above

_DOUBLED = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM scanner_app_signal WHERE symbol_id = %s AND withdrawn_at IS NULL
         GROUP BY bar_id, detector, pattern HAVING COUNT(*) > 1
    ) doubled
"""

_ASTRAY = """
    SELECT COUNT(*) FROM scanner_app_{effect} effect JOIN scanner_app_bar bar ON bar.id = effect.bar_id
     WHERE effect.symbol_id = %s AND ({not_its_bar})
"""

_NOT_ITS_BAR = """
    bar.symbol_id <> effect.symbol_id OR bar.timeframe <> effect.timeframe OR bar.timestamp <> effect.timestamp
"""

_SIGNALS_ASTRAY = _ASTRAY.format(
    effect="signal",
    not_its_bar=f"effect.withdrawn_at IS NULL AND (bar.status <> '{BarStatus.PROCESSED}' OR {_NOT_ITS_BAR})",
)

# A bar that hit may go to quarantine later, when a revision makes it unusable: what was told was told.
_HITS_ASTRAY = _ASTRAY.format(effect="hit", not_its_bar=_NOT_ITS_BAR)

ROW = ("head", "cursor", "last_sequence", "bars_processed", "attempts")
"""What is read of a symbol's row."""

NOTHING = LogFigures(
    head=None, cursor=0, last_sequence=0, bars_processed=0, processed=0, quarantined=0, discarded=0, waiting=0,
    waiting_first=None, waiting_last=None, done_last=None,
)  # fmt: skip
"""Of a symbol of which nothing can be read."""

NO_ROW = "the row of its status is gone: nothing can be proved of its bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found of one symbol."""

    symbol: str
    figures: LogFigures
    faults: tuple[str, ...]  # none: proved


def prove(symbols: QuerySet[Symbol], now: datetime) -> Iterator[Proof]:
    """The proof of each of these symbols, by ticker. Symbols that are being deleted are left out."""
    for symbol_id, ticker, created_at in list(
        symbols.filter(deleted_at=None).order_by("ticker").values_list("pk", "ticker", "created_at")
    ):
        limit = oldest_record(now)
        forgets = bool(settings.SCANNER_KEEP_BARS_DAYS) or (limit is not None and created_at < limit)
        with _snapshot():
            figures = _figures(symbol_id)
            removed = figures is None and not symbols.filter(pk=symbol_id, deleted_at=None).exists()
        if figures is not None:
            yield Proof(symbol=ticker, figures=figures, faults=tuple(faults(figures, forgets=forgets)))
        elif not removed:
            yield Proof(symbol=ticker, figures=NOTHING, faults=(NO_ROW,))


@contextmanager
def _snapshot() -> Iterator[None]:
    """Reads inside see one state of the database, and no writer waits for them."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:  # not Django's transaction, which is IMMEDIATE: it would hold every writer
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("COMMIT")


def _figures(symbol_id: int) -> LogFigures | None:
    row = SymbolStatus.objects.filter(pk=symbol_id).values(*ROW).first()
    if row is None:
        return None
    by_status = {status: numbers for status, *numbers in all_rows(_BARS, [symbol_id])}
    count = {status: by_status.get(status, [0])[0] for status in BarStatus}
    done = [number for status, row in by_status.items() if status != BarStatus.WAITING for number in row[1:3]]
    _, first_waiting, last_waiting, *_ = by_status.get(BarStatus.WAITING, (0, None, None, 0, 0))
    entries = QuarantinedBar.objects.filter(symbol_id=symbol_id, resolution="")
    ((out_of_order, first_out_of_order),) = all_rows(_OUT_OF_ORDER, [symbol_id])
    return LogFigures(
        **row,
        processed=count[BarStatus.PROCESSED],
        quarantined=count[BarStatus.QUARANTINED],
        discarded=count[BarStatus.DISCARDED],
        waiting=count[BarStatus.WAITING],
        waiting_first=first_waiting,
        waiting_last=last_waiting,
        done_first=min(done, default=None),
        done_last=max(done, default=None),
        has_breaker=CircuitBreaker.objects.filter(symbol_id=symbol_id).exists(),
        renumbered=SymbolEvent.objects.filter(
            symbol_id=symbol_id, kind__in=[EventKind.REPLAYED, EventKind.REPLACED]
        ).count(),
        out_of_order=out_of_order,
        first_out_of_order=first_out_of_order,
        finish_missing=sum(missing for *_, missing, _ in by_status.values()),
        runs_missing=sum(missing for *_, missing in by_status.values()),
        signals_doubled=all_rows(_DOUBLED, [symbol_id])[0][0],
        signals_astray=all_rows(_SIGNALS_ASTRAY, [symbol_id])[0][0],
        hits_astray=all_rows(_HITS_ASTRAY, [symbol_id])[0][0],
        open_entries=entries.count(),
        entries_astray=entries.exclude(bar__symbol_id=symbol_id, bar__status=BarStatus.QUARANTINED).count(),
    )
