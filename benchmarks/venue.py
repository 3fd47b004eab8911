"""A venue of the measurements' own, in Binance's dialect: made-up bars of many symbols in real time, no faults.

`python -m benchmarks.venue --port N --symbols 500 --interval 1m --sent FILE`, until a signal comes. It writes down when
it has sent each closed bar: lines of symbol, opening (ms) and moment (ms), of those that somebody had subscribed to.
"""

import argparse
import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from benchmarks.own import Scanner
from scanner_app.feeds.demo_venue.klines import Kline, stream_name
from scanner_app.feeds.demo_venue.script import Message, Script
from scanner_app.feeds.demo_venue.server import Venue
from scanner_project.env import BASE_DIR

Key = tuple[str, int]
"""A bar: its symbol, and its opening in ms."""


class Made:
    """Bars that follow from symbol and time alone: a venue that is started again tells the same."""

    first_ms = 1_577_836_800_000
    """2020-01-01."""

    def __init__(self, symbols: Sequence[str], interval: str) -> None:
        self.series = [(symbol, interval) for symbol in symbols]
        self._known = set(self.series)
        self._prices = {symbol: 50.0 + 3 * place for place, symbol in enumerate(symbols)}

    def kline(self, symbol: str, interval: str, open_ms: int) -> Kline | None:
        """See `Truth` in scanner_app/feeds/demo_venue/script.py."""
        if (symbol, interval) not in self._known:
            return None
        step = open_ms // 1_000
        low = self._prices[symbol] + step * 7 % 13
        up = step * 11 % 17 < 8
        first, last = (low + 1, low + 3) if up else (low + 3, low + 1)
        return Kline(open_ms=open_ms, open=first, high=low + 4, low=low, close=last, volume=1_000.0 + step % 997)


class Recording(Venue):
    """A venue that writes down what it has sent."""

    sent: TextIO

    def _send(self, message: Message) -> None:
        if message.closed and self._has_listener(stream_name(message.symbol, message.interval)):
            self.sent.write(f"{message.symbol} {message.kline.open_ms} {_now_ms()}\n")
        super()._send(message)

    def _has_listener(self, stream: str) -> bool:
        return any(stream in client.subscriptions.streams for client in self._clients)


def names(symbols: int) -> list[str]:
    """The symbols of such a venue."""
    return [f"V{number:04d}USDT" for number in range(1, symbols + 1)]


def add_to(own: Scanner, *, port: int, symbols: int, interval: str) -> None:
    """Let a scanner know the venue and its feed: `start("venue")`, then `start("feed")`."""
    venue = ["--port", str(port), "--symbols", str(symbols), "--interval", interval, "--sent", str(_file(own))]
    own.programs["venue"] = ["-m", "benchmarks.venue", *venue]
    own.programs["feed"] = [str(BASE_DIR / "manage.py"), "feed"]


def settings(*, port: int, symbols: int, interval: str) -> dict[str, str]:
    """The scanner's settings for a feed of all that the venue has."""
    return {
        "SCANNER_FEEDS": f"binance:{','.join(names(symbols))}@{interval}",
        "SCANNER_BINANCE_WS_URL": f"ws://127.0.0.1:{port}",
        "SCANNER_BINANCE_REST_URL": f"http://127.0.0.1:{port}",
    }


def sent_by(own: Scanner) -> dict[Key, int]:
    """When the venue has sent each closed bar, in ms."""
    lines = _file(own).read_text().splitlines() if _file(own).exists() else []
    return {(symbol, int(open_ms)): int(at_ms) for symbol, open_ms, at_ms in map(str.split, lines)}


def _file(own: Scanner) -> Path:
    return own.folder / "sent.txt"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _run(options: argparse.Namespace) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - we run in one
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, task.cancel)
    script = Script(Made(names(options.symbols), options.interval))
    with options.sent.open("a", buffering=1) as sent:
        venue = Recording(script, start_ms=_now_ms(), port=options.port)
        venue.sent = sent
        async with venue:
            with suppress(asyncio.CancelledError):
                await venue.run(_now_ms)


def main() -> None:
    """Run the venue."""
    parser = argparse.ArgumentParser(prog="benchmarks.venue", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--interval", required=True)
    parser.add_argument("--sent", type=Path, required=True, metavar="FILE")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
