"""A scanner in the middle of its day, for measurements and screenshots: real bars through the real mailbox.

No broker and no worker: the bars run in this process, one after the other, at times that are given.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.engine import detection, window
from scanner_app.feeds.bundled import Series, load_series
from scanner_app.mailbox import NewBar, Ticket
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import publisher
from scanner_app.messaging.messages import Message
from scanner_app.models import QuarantinedBar, Symbol, SymbolStatus

KEPT_BACK = 20
"""The newest bars of each series are not played: they are there to come later."""

STEP = timedelta(seconds=20)
"""Between two bars of a symbol."""


def quiet() -> None:
    """No messages, and no waiting for the disk: nothing of this is worth it."""
    publisher._send = lambda deliveries: None  # noqa: SLF001, ARG005 - there is nobody to send to
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=OFF")


def tickers(number: int, chance: random.Random) -> list[str]:
    """The bundled symbols, odd tickers, and made-up ones beyond them."""
    bundled = [series.symbol for series in load_series()]
    names = [*bundled[: max(number - 2, 1)], "BRK.B", "BTC/USD"]
    while len(names) < number:
        name = "".join(chance.choices("ABCDEFGHIKLMNOPRSTUVWXY", k=chance.choice([3, 4, 4])))
        if name not in names:
            names.append(name)
    return names[:number]


def play(names: Iterable[str], bars: int, now: datetime, *, seed: int = 5) -> None:
    """Let each symbol process `bars` bars of a real series, the last of them just before `now`."""
    chance = random.Random(seed)  # noqa: S311 - no secrets here
    series = load_series()
    names = list(names)
    create_symbols(names, at_most=10_000, now=now - STEP * (bars + 5))
    by_name = {one.symbol: one for one in series}
    for place, name in enumerate(names):
        symbol = Symbol.objects.get(ticker=name)
        shift = timedelta(seconds=chance.uniform(0, STEP.total_seconds()))
        chosen = by_name.get(name) or series[place % len(series)]
        end = len(chosen) - KEPT_BACK
        for step, bar in enumerate(real_bars(chosen, name, max(0, end - bars), end)):
            at = now - STEP * (bars - step) - shift
            mailbox.accept([bar], now=at)
            took_ms = min(40_000, chance.lognormvariate(3.2, 0.45) * (6 if chance.random() < 0.02 else 1))
            run(symbol, at, at + timedelta(milliseconds=took_ms))


def real_bars(series: Series, name: str, start: int, end: int) -> Iterator[NewBar]:
    """Bars `start` to `end` (exclusive) of a series, oldest first, under another name."""
    for place in range(start, end):
        yield NewBar(
            symbol=name,
            timeframe=series.timeframe,
            timestamp=series.timestamps[place].item().replace(tzinfo=UTC),
            open=float(series.open[place]),
            high=float(series.high[place]),
            low=float(series.low[place]),
            close=float(series.close[place]),
            volume=float(series.volume[place]),
        )


def run(symbol: Symbol, start: datetime, end: datetime) -> None:
    """The head, by the detectors."""
    ticket = start_head(symbol, start)
    findings = detection.detect(ticket, window.load_window(ticket))
    mailbox.complete(ticket, findings, now=end, run_s=0.002)


def start_head(symbol: Symbol, now: datetime) -> Ticket:
    """The ticket of the head, as its task would have it."""
    row = SymbolStatus.objects.get(symbol=symbol)
    assert row.head is not None, f"{symbol} has no bar to run"  # noqa: S101 - a mistake of the scene's
    ticket = mailbox.start(
        Message(
            symbol_id=symbol.pk,
            ticker=symbol.ticker,
            sequence=row.head,
            epoch=row.epoch,
            retries=row.attempts,
            deferrals=row.deferrals,
            control=False,
        ),
        now=now,
    )
    assert isinstance(ticket, Ticket), ticket  # noqa: S101
    return ticket


def later(ticker: str, number: int, now: datetime) -> None:
    """The next bars of a bundled symbol come, and wait."""
    series = next(one for one in load_series() if one.symbol == ticker)
    known = Symbol.objects.get(ticker=ticker).bars.latest("timestamp").timestamp
    after = [bar for bar in real_bars(series, ticker, 0, len(series)) if bar.timestamp > known]
    mailbox.accept(after[:number], now=now)


def fail(ticker: str, times: int, now: datetime, error: Exception) -> None:
    """The head fails so often in a row, the last time at `now`."""
    symbol = Symbol.objects.get(ticker=ticker)
    for left in range(times - 1, -1, -1):
        at = now - timedelta(seconds=3 * left)
        try:
            raise type(error)(*error.args)  # so that it has a traceback of its own
        except type(error) as caught:
            mailbox.fail(start_head(symbol, at), caught, now=at)


def trouble(now: datetime) -> None:
    """One symbol of each kind of trouble, among those of `play`."""
    later("IBM", 14, now - timedelta(minutes=2))
    fail("IBM", 3, now - timedelta(seconds=2), ZeroDivisionError("float division by zero: volume of 3 bars is 0"))
    later("MSFT", 3, now - timedelta(seconds=6))
    fail("MSFT", 2, now, TimeoutError("the model's server did not answer within 1.5 s"))
    later("PSE:BDO", 1, now - timedelta(minutes=9))
    symbol = Symbol.objects.get(ticker="PSE:BDO")
    ticket = start_head(symbol, now - timedelta(minutes=9))
    mailbox.quarantine_head(
        ticket, BarUnusable("low 124.8 is 40 % under the bar before"), now=now - timedelta(minutes=9)
    )
    later("PSE:MER", 6, now - timedelta(minutes=20))
    mailbox.disable(
        Symbol.objects.get(ticker="PSE:MER"), by="olga", now=now - timedelta(minutes=21), reason="split today"
    )
    assert QuarantinedBar.objects.exists()  # noqa: S101
