"""A live feed of 500 symbols: its processor time and memory, and how long its bars take from the venue to the signal.

A venue of our own in Binance's dialect sends one-minute bars in real time, from a process of its own, and writes down
when it has sent each closed one. Of each symbol a bar of `--bars` minutes ago is stored before the feed starts: so it
begins by refilling as many of each. Then `--minutes` live minutes are measured. A detector reports every bar, beside
those that ship: the time of its signal is the end of a bar's way. `python -m benchmarks.feeds`; short:
`python -m benchmarks.feeds --symbols 50 --bars 100 --minutes 1`
"""

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from benchmarks import databases, feed_tables, venue
from benchmarks.engine import DETECTORS
from benchmarks.footprint import free_port
from benchmarks.load import load_average, store
from benchmarks.memory import memory_of
from benchmarks.own import PREFORK, Scanner, cpu_s, in_a_process, scanner
from scanner_app.domain.latency import percentile

INTERVAL = "1m"
MINUTE = timedelta(minutes=1)
WITNESS, WITNESS_NAME = "scanner_app.tools.chaos.detector.Witness", "witness"

SAMPLE_S = 1.0
"""Between two looks at the feed's memory."""

LOOK_S = 2.0
"""Between two looks at how far the refill has come."""

AROUND = timedelta(seconds=5)
"""Before a full minute the live minutes begin to count, so that none begins in the middle of its bars."""

LAST_S = 2.0
"""After them, until bars that were just sent are stored, so that they can be waited for."""


def run(*, rounds: int, database: str, results: Path, minutes: float = 4.0) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own."""
    in_a_process("benchmarks.feeds", database=database, results=results, minutes=minutes)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.feeds", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--bars", type=int, default=1_000, help="of each symbol that are refilled first (1000)")
    parser.add_argument("--minutes", type=float, default=4, help="live minutes after that (4)")
    parser.add_argument("--patience", type=float, default=120, help="minutes that the refill may take (120)")
    parser.add_argument("--database", default="", metavar="D", help="empty or sqlite; postgresql; or a server's URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind, server = next(iter(databases.servers(options.database).items()))
    port = free_port()
    settings = venue.settings(port=port, symbols=options.symbols, interval=INTERVAL)
    with scanner(server, lambda folder, url: Scanner(folder, url, settings)) as own:
        venue.add_to(own, port=port, symbols=options.symbols, interval=INTERVAL)
        own.run_main(PREFORK, f"{DETECTORS},{WITNESS}")
        rows = [{"database": kind, **row} for row in _measure(own, options)]
    print(f"\nA feed of {options.symbols} symbols, {kind}\n\n{feed_tables.feeds(rows)}\n")  # noqa: T201
    store(options.results, f"feeds-{kind}", rows, database=kind)


@dataclass
class Sampler:
    """The feed's memory and processor time, while the block runs."""

    own: Scanner
    seconds: float = 0.0
    cpu: float = 0.0  # s
    pss_mb: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Begin."""
        self._pid = self.own.pid("feed")
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.seconds, self.cpu = -time.monotonic(), -cpu_s(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """End."""
        self.seconds += time.monotonic()
        self.cpu += cpu_s(self._pid)
        self._over.set()
        self._thread.join()

    def figures(self) -> dict[str, float]:
        """What was seen."""
        return {
            "seconds": round(self.seconds, 1),
            "cpu": round(100 * self.cpu / self.seconds, 1),
            "pss_mb": self.pss_mb[-1],
            "most_pss_mb": max(self.pss_mb),
            "rss_mb": self.rss_mb[-1],
        }

    def _look_on(self) -> None:
        while True:
            if (memory := memory_of(self._pid)) is not None:
                self.pss_mb.append(memory.pss_mb)
                self.rss_mb.append(memory.rss_mb)
            if self._over.wait(SAMPLE_S):
                return


def _measure(own: Scanner, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row of the refill, and one of the live minutes."""
    from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

    tickers = venue.names(options.symbols)
    own.start("venue")
    first = _this_minute() - options.bars * MINUTE
    feeding.accept_all(_old_bars(tickers, first - MINUTE))
    feeding.wait_until_idle(tickers, patience_s=600)
    own.start("feed")
    began = datetime.now(UTC)
    with Sampler(own) as refill:
        patience_s = 60 * options.patience
        _wait_for(lambda: feeding.done() >= options.symbols * (options.bars + 1), patience_s, "the refill")
        feeding.wait_until_idle(tickers, patience_s=patience_s)
    refilled = datetime.now(UTC)
    live = _this_minute() + MINUTE - AROUND
    time.sleep(max(0.0, (live - datetime.now(UTC)).total_seconds()))
    with Sampler(own) as sampler:
        time.sleep(60 * options.minutes)
    over = datetime.now(UTC)
    # The bars that were sent last.
    time.sleep(LAST_S)
    feeding.wait_until_idle(tickers, patience_s=600)
    ways = _ways(venue.sent_by(own))
    # A feed that ended is another process then, and the figures are not those of one.
    common = {name: getattr(options, name) for name in ("symbols", "bars", "minutes")}
    common |= {"restarts": own.restarts.get("feed", 0), "load_1m": load_average()}
    figures = {**refill.figures(), **_refilled(first, began), **_spread(ways, began, refilled)}
    yield {"phase": f"refill of {options.symbols * options.bars:,} bars", **common, **figures}
    yield {"phase": "live", **common, **sampler.figures(), **_spread(ways, live, over)}


def _old_bars(tickers: Sequence[str], at: datetime) -> Iterator[dict[str, object]]:
    """The bar of each symbol that the venue has of this minute."""
    made = venue.Made(tickers, INTERVAL)
    for ticker in tickers:
        kline = made.kline(ticker, INTERVAL, round(at.timestamp() * 1000))
        assert kline is not None  # noqa: S101 - a mistake of ours
        values = {name: getattr(kline, name) for name in ("open", "high", "low", "close", "volume")}
        yield {"symbol": ticker, "timeframe": INTERVAL, "timestamp": at, **values}


def _refilled(first: datetime, began: datetime) -> dict[str, float]:
    """When the last bar of the refill was stored, and when it was processed: s after the feed's start."""
    from django.db.models import Count, Max  # noqa: PLC0415 - models need Django set up

    from scanner_app.models import Bar  # noqa: PLC0415

    mine = Bar.objects.filter(timestamp__gte=first, timestamp__lt=began.replace(second=0, microsecond=0))
    found = mine.aggregate(bars=Count("id"), stored=Max("accepted_at"), done=Max("finished_at"))
    return {
        "refilled": found["bars"],
        "stored_s": round((found["stored"] - began).total_seconds(), 1),
        "done_s": round((found["done"] - began).total_seconds(), 1),
    }


def _ways(sent: dict[venue.Key, int]) -> dict[venue.Key, tuple[int, float]]:
    """Of each bar that the venue has sent: when (ms), and how many ms later its signal was stored.

    Raises RuntimeError if a bar has no signal.
    """
    from scanner_app.models import Signal  # noqa: PLC0415 - models need Django set up

    first = datetime.fromtimestamp(min((opened for _, opened in sent), default=0) / 1000, UTC)
    mine = Signal.objects.filter(detector=WITNESS_NAME, timestamp__gte=first)  # the refill's are many
    rows = mine.values_list("symbol__ticker", "timestamp", "created_at")
    stored = {(ticker, round(at.timestamp() * 1000)): done.timestamp() * 1000 for ticker, at, done in rows.iterator()}
    if missing := sent.keys() - stored.keys():
        raise RuntimeError(f"{len(missing)} bars that the venue has sent have no signal, among them {min(missing)}")
    return {key: (at_ms, stored[key] - at_ms) for key, at_ms in sent.items()}


def _spread(ways: dict[venue.Key, tuple[int, float]], first: datetime, last: datetime) -> dict[str, int | None]:
    """How long the bars took that were sent in a span."""
    span = range(round(first.timestamp() * 1000), round(last.timestamp() * 1000))
    took = [round(took_ms) for at_ms, took_ms in ways.values() if at_ms in span]
    shares = {f"p{percent}_ms": percentile(took, percent) for percent in (50, 95)}
    return {"live_bars": len(took), **shares, "max_ms": max(took) if took else None}


def _wait_for(condition: Callable[[], bool], patience_s: float, what: str) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {patience_s:g} s: {what}")
        time.sleep(LOOK_S)


def _this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


if __name__ == "__main__":
    main()
