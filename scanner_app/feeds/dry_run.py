"""How a file is understood, as words and as values for JSON: what `replay --dry-run` shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from scanner_app.domain.wording import counted
from scanner_app.feeds.reader.feed import Feed
from scanner_app.feeds.reader.names import PRICES
from scanner_app.feeds.reader.plan import Plan

SHOWN: Final = 3
"""Bars shown from the beginning, and from the end."""

LISTED: Final = 20
"""Symbols, and bars that ingest would not take, that are listed."""

NAMED: Final = 5
"""Symbols that are named in words."""


def examine(feed: Feed) -> dict[str, Any]:
    """Read a whole feed and return how it is understood, as plain values. Stores nothing."""
    first: list[dict[str, object]] = []
    last: deque[dict[str, object]] = deque(maxlen=SHOWN)
    unreadable: list[dict[str, object]] = []
    count = bad = 0
    for line, bar in feed.items:
        count += 1
        last.append(_shown(line, bar))
        if count <= SHOWN:
            first.append(last[-1])
        if wrong := _unread(bar):
            bad += 1
            if len(unreadable) < LISTED:
                unreadable.append({"line": line, "field": wrong, "value": str(bar[wrong])[:60]})
    table, plan = feed.table, feed.plan
    return {
        "file": feed.name,
        "form": table.form,
        "encoding": table.encoding or None,
        "symbols": list(islice(plan.symbols, LISTED)),
        "symbol_count": len(plan.symbols),
        "timeframe": plan.timeframe or ", ".join(plan.timeframes),
        "timezone": plan.zone_name,
        "date_order": plan.date_order or None,
        "decimal": plan.numbers.decimal,
        "columns": _columns(plan),
        "notes": list(plan.notes),
        "bars": count,
        "unreadable_count": bad,
        "unreadable": unreadable,
        "first": first,
        "last": list(last),
    }


def _columns(plan: Plan) -> dict[str, str]:
    """Return what the file calls the columns that are used; of several symbols, those of the first."""
    columns = plan.columns
    places = {"timestamp": plan.moments.place, "time": plan.moments.clock}
    places |= dict(zip(PRICES, columns.groups[0].prices, strict=True)) | {"volume": plan.volumes[0]}
    places |= {"symbol": columns.symbol, "timeframe": columns.timeframe}
    return {name: columns.name(place) for name, place in places.items() if place is not None}


def in_words(examined: Mapping[str, Any]) -> str:
    """Return what `examine` has found as lines of text."""
    encoding = f", {examined['encoding']}" if examined["encoding"] else ""
    bars = counted(examined["bars"], "bar")
    lines = [f"{examined['file']}: {examined['form']}{encoding}"]
    lines.append(f"  {bars} of {_symbols(examined)}, timeframe {examined['timeframe']}")
    order = f", dates as {examined['date_order']}" if examined["date_order"] else ""
    lines.append(f"  zone {examined['timezone']}{order}, decimal sign {examined['decimal']}")
    lines.append("  columns: " + ", ".join(f"{name}={column}" for name, column in examined["columns"].items()))
    lines += [f"  - {note}" for note in examined["notes"]]
    lines += [_bar(bar) for bar in examined["first"]]
    later = examined["last"][max(0, 2 * SHOWN - examined["bars"]) :] if examined["bars"] > SHOWN else []
    if examined["bars"] > 2 * SHOWN:
        lines.append("    ...")
    lines += [_bar(bar) for bar in later]
    if bad := examined["unreadable_count"]:
        lines.append(f"  {counted(bad, 'bar')} with something that cannot be read:")
        lines += [f"    line {each['line']}: {each['field']} {each['value']!r}" for each in examined["unreadable"]]
    return "\n".join(lines)


def _symbols(examined: Mapping[str, Any]) -> str:
    listed, count = ", ".join(examined["symbols"][:NAMED]), examined["symbol_count"]
    return f"{listed} and {count - NAMED:,} more" if count > NAMED else listed or "no symbol"


def _bar(bar: Mapping[str, Any]) -> str:
    values = " ".join(f"{bar[name]}" for name in (*PRICES, "volume"))
    return f"    {bar['line']}: {bar['symbol']} {bar['timeframe']} {bar['timestamp']}  {values}"


def _shown(line: int, bar: Mapping[str, object]) -> dict[str, object]:
    moment = bar["timestamp"]
    text = moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(moment, datetime) else str(moment)
    return {"line": line} | dict(bar) | {"timestamp": text}


def _unread(bar: Mapping[str, object]) -> str | None:
    """Return the first field of a bar that is no moment or no number; None if all can be read."""
    if not isinstance(bar["timestamp"], datetime):
        return "timestamp"
    numbers = (*PRICES, "volume") if bar["volume"] is not None else PRICES
    return next((name for name in numbers if not isinstance(bar[name], float)), None)
