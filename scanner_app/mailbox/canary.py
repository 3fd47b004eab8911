"""The canary: the symbol on which drills are held. Its bars run like all others, and nothing shows or counts it.

It is hidden as a deleted symbol is, by `deleted_at`: whatever leaves those out leaves it out too. What runs bars asks
for rows.RUNNABLE, which has it. A drill makes it anew and removes it at its end.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from scanner_app.domain.tickers import CANARY
from scanner_app.mailbox.accept import Chunk, NewBar
from scanner_app.mailbox.remove import remove_rows
from scanner_app.messaging.publisher import publish
from scanner_app.models import CircuitBreaker, Symbol, SymbolStatus

TIMEFRAME = "1M"
"""Of its bars: the one from which nothing is ever derived."""


def make(now: datetime) -> Symbol:
    """The canary, new. Remove an old one first: with a row left over this raises IntegrityError."""
    with transaction.atomic():
        symbol = Symbol.objects.create(ticker=CANARY, deleted_at=now)
        SymbolStatus.objects.create(symbol=symbol)
        CircuitBreaker.objects.create(symbol=symbol)
    return symbol


def accept(failures: Sequence[int], *, first: int, now: datetime) -> None:
    """Accept bars of the canary: each fails as often as `failures` says, which is kept as its volume.

    `first`: the number of the first of them, from 0. What is there already is left as it is, so calling it twice is
    safe. As accept.accept(), without the counters.
    """
    bars = [_bar(first + place, count) for place, count in enumerate(failures)]
    chunk = Chunk(now=now, request_id=None)
    with transaction.atomic():
        chunk.lock({CANARY})
        chunk.look_up(bars)
        for bar in bars:
            chunk.take(bar)
        chunk.store()
    publish((message, row.lane, row.next_attempt_at) for row, message in chunk.first_heads())


def find() -> int | None:
    """The canary's id; None if it is not there."""
    return Symbol.objects.filter(ticker=CANARY).values_list("pk", flat=True).first()


def remove(symbol_id: int | None) -> None:
    """Remove the canary that has, or had, this id, with all of its rows; not one that was made after it.

    Its messages become stale, and what is not sent yet is not sent any more.
    """
    if symbol_id is None:
        return
    with transaction.atomic():
        SymbolStatus.objects.filter(symbol_id=symbol_id).update(epoch=F("epoch") + 1)
        Symbol.objects.filter(pk=symbol_id, ticker=CANARY).update(enabled=False)
    while remove_rows(symbol_id):
        pass


def _bar(number: int, failures: int) -> NewBar:
    opening = datetime(2000 + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return NewBar(
        symbol=CANARY,
        timeframe=TIMEFRAME,
        timestamp=opening,
        open=1.0,
        high=1.0,
        low=1.0,
        close=1.0,
        volume=float(failures),
    )
