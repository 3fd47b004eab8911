"""`python -m benchmarks.rules`: what traders' rules cost a bar, in processor time of one process.

Bars of fresh series are accepted and run in this process, on a database of its own in a temporary folder and without a
broker, with 0, 20 and 200 rules of all kinds. The difference, divided by the rules, is what one rule costs a bar: its
share of the longer window, its answer, its state and its hits.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

TIMEFRAME = "1m"
KINDS = (
    "close > sma('close', {a}) and volume > {b} * average('volume', 20)",
    "crosses_above('close', 'ema(close, {a})') and rsi(14) < {c}",
    "close > previous('highest(high, {a})', 1) and range > {b} * atr(14)",
    "pattern('BULLISH_ENGULFING') and close > sma('close', {a}) or change_percent > {b}",
    "bbands_upper({a}, 2) < ema('close', 20) + {b} * atr(20)",
)


def expressions(count: int) -> list[str]:
    """So many different rules, of all kinds in turn."""
    values = product((20, 30, 50, 100, 200), (1.1, 1.5, 2, 3), (30, 70))
    texts = [kind.format(a=a, b=b, c=c) for a, b, c in values for kind in KINDS]
    return list(dict.fromkeys(texts))[:count] if count <= len(set(texts)) else (texts * count)[:count]


def main() -> None:
    """Parse, set Django up, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.rules", description=__doc__)
    parser.add_argument("--rules", type=int, nargs="*", default=[0, 20, 200], help="numbers of rules (0 20 200)")
    parser.add_argument("--symbols", type=int, default=20, help="symbols (20)")
    parser.add_argument("--bars", type=int, default=60, help="measured bars of a symbol (60)")
    parser.add_argument("--history", type=int, default=250, help="bars of a symbol before them (250)")
    parser.add_argument("--database", default="", metavar="URL", help="of an empty PostgreSQL database (SQLite)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DATABASE_URL": options.database, "DEMO": "0"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
        os.environ.setdefault("SECRET_KEY", "not secret: the database is gone in a minute" * 2)
        Path(folder).mkdir(exist_ok=True)
        _set_up()
        results = [
            _measure(count, f"R{count}-", options.symbols, options.bars, options.history) for count in options.rules
        ]
    bare = results[0]["cpu_us"]
    for one in results:
        one["cpu_us_a_rule"] = round((one["cpu_us"] - bare) / one["rules"], 1) if one["rules"] else None
        print(json.dumps(one))  # noqa: T201 - the result


def _set_up() -> None:
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from scanner_app.messaging import publisher  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    publisher._send = lambda _messages: None  # type: ignore[assignment] # noqa: SLF001 - there is no broker


def _measure(count: int, prefix: str, symbols: int, bars: int, history: int) -> dict[str, Any]:
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above
    from django.utils import timezone  # noqa: PLC0415

    from scanner_app.engine import rule_book, runs  # noqa: PLC0415
    from scanner_app.mailbox.accept import create_symbols  # noqa: PLC0415
    from scanner_app.messaging.messages import Message  # noqa: PLC0415
    from scanner_app.models import Hit, Rule, Symbol, SymbolStatus  # noqa: PLC0415

    now = timezone.now()
    owner, _ = User.objects.get_or_create(username="trader")
    Rule.objects.all().delete()
    rule_book.forget()
    create_symbols([f"{prefix}{number}" for number in range(symbols)], at_most=10_000, now=now)
    known = list(Symbol.objects.filter(ticker__startswith=prefix))
    end = now.replace(second=0, microsecond=0) - timedelta(minutes=1)

    def run_all() -> None:
        for symbol in known:
            while True:
                row = SymbolStatus.objects.get(symbol=symbol)
                if row.head is None:
                    break
                runs.process_head(
                    Message(symbol_id=symbol.pk, ticker=symbol.ticker, sequence=row.head, epoch=row.epoch, retries=0)
                )

    _accept(known, end - timedelta(minutes=history + bars), history)
    run_all()
    Rule.objects.bulk_create(
        Rule(
            owner=owner,
            name=str(n),
            expression=text,
            timeframes=[TIMEFRAME],
            tell_within_s=86_400,
            created_at=now,
            changed_at=now,
        )
        for n, text in enumerate(expressions(count))
    )
    rule_book.forget()
    _accept(known, end - timedelta(minutes=bars), bars)
    before = Hit.objects.count()
    began, wall = time.process_time(), time.monotonic()
    run_all()
    cpu, took, done = time.process_time() - began, time.monotonic() - wall, symbols * bars
    return {
        "rules": count,
        "bars": done,
        "cpu_us": round(1e6 * cpu / done),
        "bars_per_second": round(done / took),
        "hits": Hit.objects.count() - before,
    }


def _accept(symbols: list[Any], first: datetime, count: int) -> None:
    from django.utils import timezone  # noqa: PLC0415 - as above

    from scanner_app import mailbox  # noqa: PLC0415

    for symbol in symbols:
        mailbox.accept(list(_walk(symbol.ticker, first, count)), now=timezone.now())


def _walk(ticker: str, first: datetime, count: int) -> Iterator[Any]:
    import numpy as np  # noqa: PLC0415 - as above

    from scanner_app.mailbox import NewBar  # noqa: PLC0415

    rng = np.random.default_rng(abs(hash((ticker, count))) % 2**32)
    close = 100 + rng.normal(0, 0.3, count).cumsum()
    for place in range(count):
        opened, spread = close[place - 1] if place else 100.0, float(abs(rng.normal(0, 0.2)))
        yield NewBar(
            symbol=ticker,
            timeframe=TIMEFRAME,
            timestamp=first + timedelta(minutes=place),
            open=float(opened),
            high=float(max(opened, close[place]) + spread),
            low=float(min(opened, close[place]) - spread),
            close=float(close[place]),
            volume=float(rng.integers(1_000, 9_000)),
        )


if __name__ == "__main__":
    main()
