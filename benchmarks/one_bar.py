"""What a bar costs in the process that runs it: start, window, detectors, completion. No broker and no worker.

`python -m benchmarks.one_bar [--database URL]`: on a machine with other work it tells two versions apart by some
percent in ten seconds, where costs.py needs minutes. The median of rounds of 20 bars, one of each symbol.
"""

import argparse
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import django

from benchmarks.engine import DETECTORS
from scanner_app.tools.chaos.stack import OwnDatabase

SYMBOLS = 20

WINDOW = 80
"""Bars of each symbol before the measurement: more than the shipped detectors look at."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.one_bar", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    database = OwnDatabase(options.database) if options.database else None
    try:
        with TemporaryDirectory(prefix="bench-") as folder:
            environment = {
                "DATA_DIR": folder,
                "SCANNER_DETECTORS": DETECTORS,
                "DATABASE_URL": database.url if database else "",
            }
            os.environ.update(environment, DJANGO_SETTINGS_MODULE="scanner_project.settings", DEMO="0")
            django.setup()
            took_ms = _measure(options.rounds)
    finally:
        if database is not None:
            database.drop()
    print(f"{median(took_ms):.3f} ms of processor time a bar; fastest tenth {sorted(took_ms)[len(took_ms) // 10]:.3f}")  # noqa: T201


def _measure(rounds: int) -> Sequence[float]:
    """Milliseconds of processor time a bar, of each round."""
    from django.core.management import call_command  # noqa: PLC0415 - needs Django set up
    from django.db import connection  # noqa: PLC0415 - as above

    from benchmarks import scene  # noqa: PLC0415 - models need Django set up
    from scanner_app import mailbox  # noqa: PLC0415 - as above
    from scanner_app.feeds.bundled import load_series  # noqa: PLC0415 - as above
    from scanner_app.mailbox.accept import create_symbols  # noqa: PLC0415 - as above
    from scanner_app.messaging.messages import Message  # noqa: PLC0415 - as above
    from scanner_app.models import Symbol, SymbolStatus  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0)
    scene.quiet()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    tickers = [f"B{number:02d}" for number in range(SYMBOLS)]
    create_symbols(tickers, at_most=SYMBOLS, now=now)
    symbols = list(Symbol.objects.order_by("ticker"))
    series = [one for one in load_series() if len(one) > WINDOW + rounds + SYMBOLS]
    took_ms = []
    for step in range(WINDOW + rounds):
        now += timedelta(seconds=1)
        for place, symbol in enumerate(symbols):
            (bar,) = scene.real_bars(series[place % len(series)], symbol.ticker, step + place, step + place + 1)
            mailbox.accept([bar], now=now)
        if step == WINDOW:
            SymbolStatus.objects.update(latencies=[[10 + each % 7, int(time.time())] for each in range(100)])
        messages = [
            Message(symbol_id=symbol.pk, ticker=symbol.ticker, sequence=step + 1, epoch=0, retries=0)
            for symbol in symbols
        ]
        began = time.process_time()
        for message in messages:
            _run(message, now)
        if step >= WINDOW:
            took_ms.append(1000 * (time.process_time() - began) / SYMBOLS)
    connection.close()
    return took_ms


def _run(message: Any, now: datetime) -> None:
    """As engine.runs does, without its logs and counters."""
    from scanner_app import mailbox  # noqa: PLC0415 - models need Django set up
    from scanner_app.engine import detection, window  # noqa: PLC0415 - as above

    ticket = mailbox.start(message, now=now)
    assert isinstance(ticket, mailbox.Ticket), ticket  # noqa: S101 - a mistake of the benchmark's
    findings = detection.detect(ticket, window.load_window(ticket))
    mailbox.complete(ticket, findings, now=now + timedelta(milliseconds=9), run_s=0.002)


if __name__ == "__main__":
    main()
