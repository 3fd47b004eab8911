"""The last price of each symbol, for the board."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import OuterRef, Subquery

from scanner_app.domain.enums import BarStatus
from scanner_app.domain.prices import change_percent
from scanner_app.domain.timeframes import RANK
from scanner_app.models import Bar, SymbolStatus


def last_prices(timeframes: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """`{timeframe, timestamp, close, change_percent, volume}` of the newest bar of the shortest timeframe, by symbol.

    Symbols by their ids. `timeframes`: those that each has bars of. A bar that waits counts; one that is in
    quarantine or discarded does not. One query, which looks up two bars of each symbol in the index of its series.
    """
    groups = defaultdict(list)
    for symbol_id, its in timeframes.items():
        if its:
            groups[min(its, key=RANK.__getitem__)].append(symbol_id)
    if not groups:
        return {}
    first, *others = [_newest_two(timeframe, ids) for timeframe, ids in groups.items()]
    shortest = {symbol_id: timeframe for timeframe, ids in groups.items() for symbol_id in ids}
    return {
        symbol_id: {
            "timeframe": shortest[symbol_id],
            "timestamp": timestamp,
            "close": close,
            "change_percent": change_percent(close, before),
            "volume": volume,
        }
        for symbol_id, timestamp, close, before, volume in (first.union(*others, all=True) if others else first)
        if close is not None  # its bars were discarded, or removed by retention
    }


def _newest_two(timeframe: str, symbol_ids: list[int]) -> Any:
    bars = Bar.objects.filter(symbol=OuterRef("pk"), timeframe=timeframe).exclude(
        status__in=(BarStatus.QUARANTINED, BarStatus.DISCARDED)
    )
    newest = bars.order_by("-timestamp")
    return (
        SymbolStatus.objects.filter(pk__in=symbol_ids)
        .annotate(
            at=Subquery(newest.values("timestamp")[:1]),
            last=Subquery(newest.values("close")[:1]),
            before=Subquery(newest.values("close")[1:2]),
            traded=Subquery(newest.values("volume")[:1]),
        )
        .values_list("pk", "at", "last", "before", "traded")
    )
