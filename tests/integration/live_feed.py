"""Live feeds as processes of their own for the tests: they follow a venue that plays one-second bars in real time."""

import contextlib
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis

from scanner_app.feeds.demo_venue.klines import Kline
from scanner_app.messaging.live_feeds import KEY, LEASE_KEY
from tests.integration.stack import Stack
from tests.servers import PostgreSQLServer
from tests.venues import PlayedVenue, klines, played
from tests.waiting import wait_until

SYMBOLS = ("BTCUSDT", "ETHUSDT")

PAST_S, FUTURE_S = 60, 900
"""So many bars of each symbol there are before the test begins, and from then on."""

SECONDS = {
    "sqlite": "CAST(strftime('%s', {0}) AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM {0}) AS BIGINT)",
}
"""A column of times as Unix seconds, by database."""


class SQLiteFile:
    """The database as a file. It is away while somebody else is writing."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody else can write for the length of the block; what was written in it is taken back."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def end(self) -> None:
        """Nothing runs."""


class Server:
    """The database as a server of the test's own, which can be crashed."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        self.server = PostgreSQLServer(folder)
        self.url = self.server.url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query gives; nothing while the server is away."""
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2) as connection:
            return connection.execute(query.encode()).fetchall()
        return []

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The server crashes, and is started again at the end of the block."""
        self.server.stop("immediate")
        yield
        self.server.start()

    def end(self) -> None:
        """Stop it, if the test has not left it stopped."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.server.stop("immediate")


class LiveFeeds:
    """Processes of `manage.py feed`, their venue, their broker and their database."""

    def __init__(self, folder: Path, venue: PlayedVenue, database: SQLiteFile | Server) -> None:
        self.venue = venue
        self.began_ms = venue.venue.now_ms
        self.database = database
        self.stack = Stack(
            folder,
            "sqlite",
            DATABASE_URL=database.url,
            SCANNER_FEEDS=f"binance:{','.join(SYMBOLS)}@1s",
            SCANNER_BINANCE_WS_URL=venue.ws_url,
            SCANNER_BINANCE_REST_URL=venue.rest_url,
        )
        self.broker = self.stack.redis

    def start(self, name: str) -> None:
        self.stack.start(name, "django", "feed")

    def log(self, name: str) -> str:
        return (self.stack.folder / f"{name}.log").read_text()

    def terminate(self, name: str) -> int:
        """SIGTERM; returns the exit status."""
        process = self.stack.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def seconds(self, column: str) -> str:
        return SECONDS[self.database.kind].format(column)

    def newest_s(self) -> int:
        """The newest bar that all symbols have; 0 while the database is away."""
        newest = self.database.rows(
            f"SELECT max({self.seconds('timestamp')}) FROM scanner_app_bar GROUP BY symbol_id"  # noqa: S608 - our own
        )
        return min(row[0] for row in newest) if len(newest) == len(SYMBOLS) else 0

    def comes_up_to_date(self, why: str, *, deadline_s: float = 60) -> None:
        """Wait until there are bars that open after this moment. Fails at once if a process has ended."""
        now_s = time.time()

        def is_up_to_date() -> bool:
            self.all_live()
            return self.newest_s() > now_s

        wait_until(is_up_to_date, f"bars come {why}", deadline_s=deadline_s)

    def all_live(self) -> None:
        """Fail if a process has ended that nobody has stopped."""
        for name, process in self.stack.processes.items():
            assert process.poll() is None, f"{name} has ended:\n{self.log(name)[-3000:]}"

    def until_bars_have_passed(self, number: int) -> None:
        end_ms = self.venue.venue.now_ms + number * 1_000
        wait_until(lambda: self.venue.venue.now_ms > end_ms, f"{number} bars' time passes")

    def no_hole_is_open(self) -> None:
        wait_until(
            lambda: self.database.rows("SELECT count(*) FROM scanner_app_gap WHERE state = 'open'") == [(0,)],
            "no hole is open",
        )

    def asked(self, question: "Callable[[redis.Redis], Any]") -> Any:
        """What the broker answers."""
        with redis.Redis(unix_socket_path=str(self.broker.socket)) as connection:
            return question(connection)

    def lease_holder(self) -> str:
        """Who runs the venue; "": nobody."""
        return (self.asked(lambda broker: broker.get(f"{LEASE_KEY}binance")) or b"").decode()

    def heartbeat(self) -> str:
        """What the feed last said of itself, in JSON."""
        return (self.asked(lambda broker: broker.get(f"{KEY}binance")) or b"").decode()

    def check(self) -> None:
        """Every closed bar of the venue's script is stored once, in order, with its values; each hole is refilled."""
        holes: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in SYMBOLS}
        for symbol, first_s, last_s, missing, refilled, state in self.database.rows(
            f"SELECT ticker, {self.seconds('first')}, {self.seconds('last')}, missing, refilled, state "  # noqa: S608
            "FROM scanner_app_gap JOIN scanner_app_symbol ON scanner_app_symbol.id = symbol_id"
        ):
            assert state == "refilled", (symbol, first_s, last_s, state)  # the script has all of them
            assert refilled == missing == last_s - first_s + 1, (symbol, first_s, last_s)
            holes[symbol].append((first_s, last_s))
        for symbol in SYMBOLS:
            stored = self.database.rows(
                f"SELECT {self.seconds('timestamp')}, sequence, late, assumed, open, high, low, close, volume "  # noqa: S608
                "FROM scanner_app_bar JOIN scanner_app_symbol ON scanner_app_symbol.id = symbol_id "
                f"WHERE ticker = '{symbol}' ORDER BY sequence"
            )
            assert [row[1] for row in stored] == list(range(1, len(stored) + 1))
            in_time = [row[0] for row in stored if not row[2]]
            assert in_time == sorted(in_time)
            needless = [row[0] for row in stored if row[2] and not any(a <= row[0] <= b for a, b in holes[symbol])]
            assert not needless, f"{symbol}: late, though no hole: {needless}"
            assert not [row[0] for row in stored if row[3]], "only assumed"
            times = sorted(row[0] for row in stored)
            assert times[0] * 1_000 < self.began_ms, "there is history of before the start"
            truth = self.venue.venue.script.closed(symbol, "1s", times[0] * 1_000, (times[-1] + 1) * 1_000)
            assert times == [kline.open_ms // 1_000 for kline in truth]
            values = {row[0]: row[4:] for row in stored}
            for kline in truth:
                assert values[kline.open_ms // 1_000] == values_of(kline), (symbol, kline.open_ms)


def values_of(kline: Kline) -> tuple[float, ...]:
    return kline.open, kline.high, kline.low, kline.close, kline.volume


@contextlib.contextmanager
def live_feeds(folder: Path, kind: str) -> Iterator[LiveFeeds]:
    """A venue that plays, a broker that runs and a database with its tables; no process of a feed yet."""
    start_ms = time.time_ns() // 1_000_000
    first_ms = (start_ms // 1_000 - PAST_S) * 1_000
    series = {(symbol, "1s"): klines(first_ms, PAST_S + FUTURE_S, interval="1s") for symbol in SYMBOLS}
    # The path of a server's socket may not be long, so its folder is not pytest's.
    with (
        tempfile.TemporaryDirectory(prefix="pg-") as short,
        played(series, start_ms=start_ms, update_ms=300) as venue,
        venue.in_real_time(),
    ):
        Path(short).chmod(0o755)
        database = Server(Path(short) / "data") if kind == "postgresql" else SQLiteFile(folder / "scanner.sqlite3")
        feeds = LiveFeeds(folder, venue, database)
        try:
            feeds.broker.start()
            feeds.stack.manage("migrate", "-v0")
            yield feeds
        finally:
            feeds.stack.down()
            database.end()
            print(feeds.stack.logs())  # noqa: T201 - pytest shows it if the test has failed
