"""`manage.py replay` as a process of its own, while its database is stopped and started again and no broker answers."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.integration.stack import ROOT
from tests.servers import PostgreSQLServer
from tests.waiting import wait_until

BARS = 300


def environment(folder: Path, url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCANNER_")}
    return clean | {
        "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "REDIS_URL": f"unix://{folder / 'nobody.sock'}",
        "SECRET_KEY": "for tests only, and no secret at all",
    }


def manage(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True, timeout=120)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    # Its socket's path may not be long, so not pytest's folder.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        Path(folder).chmod(0o755)
        running = PostgreSQLServer(Path(folder) / "data")
        manage(environment(Path(folder), running.url), "migrate", "-v0")
        yield running
        with contextlib.suppress(subprocess.CalledProcessError):  # a failed test has left it stopped
            running.stop("immediate")


@pytest.fixture
def replay_of(tmp_path: Path, server: PostgreSQLServer) -> Iterator[Callable[[str], "Replay"]]:
    started = []

    def start(ticker: str) -> Replay:
        started.append(Replay(tmp_path, server, ticker))
        return started[-1]

    yield start
    for replay in started:
        replay.process.kill()
        replay.process.wait()


class Replay:
    """A replay of BARS bars of a symbol, 100 a second, without a broker."""

    def __init__(self, folder: Path, server: PostgreSQLServer, ticker: str) -> None:
        self.url, self.ticker = server.url, ticker
        self.env = environment(folder, self.url)
        first = datetime(2024, 1, 1, tzinfo=UTC)
        lines = [f"{first + timedelta(minutes=minute):%Y-%m-%dT%H:%MZ},1,1,1,1,1" for minute in range(BARS)]
        self.path = folder / f"{ticker}.csv"
        self.path.write_text("Date,Open,High,Low,Close,Volume\n" + "\n".join(lines) + "\n")
        self.log = folder / "stderr"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *self.command], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=log
            )

    @property
    def command(self) -> list[str]:
        return ["replay", str(self.path), "--timeframe", "1m", "--rate", "100", "--json"]

    def said(self) -> list[str]:
        return [line.split()[0] for line in self.log.read_text().splitlines() if line.startswith(("Waits", "Goes on"))]

    def stored(self) -> list[int]:
        """The numbers of its bars in the order of time."""
        with psycopg.connect(self.url) as database:
            rows = database.execute(
                "SELECT sequence FROM scanner_app_bar bar JOIN scanner_app_symbol symbol ON symbol.id = bar.symbol_id"
                " WHERE ticker = %s ORDER BY timestamp",
                [self.ticker],
            )
            return [number for (number,) in rows]

    def end(self) -> tuple[int, dict[str, int]]:
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_goes_away_and_comes_back_costs_no_bar_and_doubles_none(replay_of, server, mode):
    replay = replay_of(mode.upper())
    wait_until(lambda: len(replay.stored()) > BARS / 10, "the replay is under way")

    server.stop(mode)
    wait_until(lambda: replay.said() == ["Waits"], "it says that it waits")
    server.start()
    status, account = replay.end()

    assert status == 0, replay.log.read_text()
    assert replay.stored() == list(range(1, BARS + 1))
    assert account["accepted"] + account["sent_again"] == BARS
    assert replay.said() == ["Waits", "Goes"]


def test_while_it_waits_it_can_be_stopped_and_a_second_run_does_the_rest(replay_of, server):
    replay = replay_of("STOPPED")
    wait_until(lambda: len(replay.stored()) > BARS / 10, "the replay is under way")

    server.stop()
    try:
        wait_until(lambda: replay.said() == ["Waits"], "it says that it waits")
        replay.process.send_signal(signal.SIGTERM)
        status, account = replay.end()
    finally:
        server.start()

    assert (status, account["exit_status"], account["interrupted"]) == (143, 143, True)
    stored = len(replay.stored())
    assert account["accepted"] <= stored <= account["accepted"] + account["unanswered"]
    manage(replay.env, "replay", str(replay.path), "--timeframe", "1m")
    assert replay.stored() == list(range(1, BARS + 1))
