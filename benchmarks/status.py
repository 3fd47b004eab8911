"""What readers wait for: the status of all symbols over HTTP, and the board's first paint in a browser.

A whole scanner, whose symbols have all just processed a bar; it is idle while it is asked. `GET status` is asked for
by one client, each time on a new connection. The first paint is the time from opening the board's address in Chromium
to the first symbol on the screen: `cold` for the first reader of web processes that have just started, and the median
of those after it. Without Chromium or playwright the board is left out.

`python -m benchmarks.status [--symbols 1000] [--asks 40]`
"""

import argparse
import random
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import goal_tables
from benchmarks.load import percentiles, store
from benchmarks.own import Scanner, in_a_process, scanner
from scanner_app.tools.chaos.stack import wait_until

SIZES = (1_000, 10_000)

PAINTS = 5
"""Of the board, one after the other; the first is the cold one."""

CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def run(*, rounds: int, database: str, results: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Each number of symbols on a scanner of its own; the asks of each round are asked together."""
    for symbols in sizes:
        in_a_process("benchmarks.status", database=database, results=results, symbols=symbols, asks=40 * rounds)


def main() -> None:
    """Parse, set up, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.status", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--asks", type=int, default=40, help="for the status, one after the other (40)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, Scanner) as own:
        fill(options.symbols)
        rows = [{"database": kind, "symbols": options.symbols, **_status(own, options.asks), **_board(own)}]
    print(f"\n{kind}\n\n{goal_tables.status(rows)}\n")  # noqa: T201
    store(options.results, f"status-{options.symbols}-{kind}", rows, database=kind)


def fill(symbols: int) -> None:
    """Make so many symbols, each with a signal, a hundred latencies, and a bar of the minute that has just ended."""
    from scanner_app.mailbox.accept import create_symbols  # noqa: PLC0415 - models need Django set up
    from scanner_app.models import Bar, Signal, Symbol, SymbolStatus  # noqa: PLC0415

    now = datetime.now(UTC)
    opened = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    tickers = [f"S{number:05d}" for number in range(symbols)]
    create_symbols(tickers, at_most=symbols, now=now)
    ids = list(Symbol.objects.filter(ticker__in=tickers).order_by("ticker").values_list("pk", flat=True))
    chance = random.Random(3)  # noqa: S311 - no secrets here
    lists = cycle([[round(chance.lognormvariate(3.2, 0.45)) for _ in range(100)] for _ in range(97)])
    prices = {"open": 100.0, "high": 102.0, "low": 98.0, "close": 101.0, "volume": 1_000.0}
    of_a_bar = {"timeframe": "1m", "timestamp": opened}
    for place in range(0, len(ids), 500):
        some = ids[place : place + 500]
        bars = Bar.objects.bulk_create(
            Bar(
                symbol_id=pk,
                sequence=1,
                status="processed",
                accepted_at=now,
                finished_at=now,
                latency_ms=20,
                **of_a_bar,
                **prices,
            )
            for pk in some
        )
        Signal.objects.bulk_create(
            Signal(
                symbol_id=bar.symbol_id,
                bar=bar,
                detector="candlesticks",
                pattern="DOJI",
                direction="neutral",
                strength=1.0,
                created_at=now,
                **of_a_bar,
            )
            for bar in bars
        )
        rows = list(SymbolStatus.objects.filter(pk__in=some))
        for row in rows:
            kept = next(lists)
            row.latencies = [[ms, int(now.timestamp())] for ms in kept]
            row.avg_latency_ms, row.p95_latency_ms, row.longest_latency_ms = (
                sum(kept) / 100,
                sorted(kept)[94],
                max(kept),
            )
            row.newest, row.watched = {"1m": opened.isoformat()}, ["1m"]
            row.last_sequence = row.cursor = row.bars_processed = 1
            row.last_bar_time, row.last_processed_at = opened, now
        names = (
            "latencies",
            "avg_latency_ms",
            "p95_latency_ms",
            "longest_latency_ms",
            "newest",
            "watched",
            "last_sequence",
            "cursor",
            "bars_processed",
            "last_bar_time",
            "last_processed_at",
        )
        SymbolStatus.objects.bulk_update(rows, names)


def _status(own: Scanner, asks: int) -> dict[str, Any]:
    """Latencies and size of `GET status`."""
    headers = {"Authorization": f"Token {own.token}", "Accept-Encoding": "identity"}
    took: list[float] = []
    size = 0
    # One client, else 30 ms of each answer are httpx's own: it reads the certificates of all authorities.
    new_connections = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(headers=headers, timeout=60, limits=new_connections) as client:
        for _ in range(asks + 4):
            began = time.perf_counter()
            answer = client.get(f"{own.url}/api/v1/scanner/status")
            took.append(time.perf_counter() - began)
            if answer.status_code != HTTPStatus.OK:
                raise RuntimeError(f"the status was answered with {answer.status_code}")
            size = len(answer.content)
    # The first ones: each web process opens its database connection, and reads the calendars.
    return {f"status_{name}": value for name, value in percentiles(took[4:]).items()} | {
        "status_kb": round(size / 1000)
    }


def _board(own: Scanner) -> dict[str, Any]:
    """Times until the board's first paint; none without a browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - perhaps it is not there
    except ModuleNotFoundError:
        chromium = None
    if chromium is None:
        return {"board_cold_ms": None, "board_ms": None}
    cookie = _session()
    _restart_web(own)
    took = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        try:
            for _ in range(PAINTS):
                context = browser.new_context()  # nothing is kept: a reader who comes for the first time
                context.add_cookies([{"name": "sessionid", "value": cookie, "url": own.url}])
                page = context.new_page()
                began = time.perf_counter()
                page.goto(own.url, wait_until="commit")
                page.wait_for_selector(".tile", timeout=60_000)
                page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
                took.append(1000 * (time.perf_counter() - began))
                context.close()
        finally:
            browser.close()
    return {"board_cold_ms": round(took[0]), "board_ms": round(median(took[1:]))}


def _restart_web(own: Scanner) -> None:
    """With the static files, which a stack of measurements has not, and which are looked for at the start alone."""
    from django.core.management import call_command  # noqa: PLC0415 - settings need the environment

    call_command("collectstatic", interactive=False, verbosity=0)
    own.end("web", signal.SIGTERM)
    own.start("web")
    wait_until(lambda: httpx.get(f"{own.url}/healthz").status_code == HTTPStatus.OK, "the web server answers", 60)


def _session() -> str:
    """The cookie of the administrator's session."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - models need Django set up
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client.cookies["sessionid"].value


if __name__ == "__main__":
    main()
