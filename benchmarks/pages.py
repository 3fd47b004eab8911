"""What open pages cost: 0 and 50 clients that ask for the board every second, or that hold a stream.

A real web server, as `make up` runs it, on a database of its own, whose symbols change all the time, so that nearly
every answer is a new board. Beside the pages one client asks for a symbol's status: what it waits is what the pages
cost the API; and before that, one after the other, for the status of all symbols. Processor time is that of the
web processes (Linux: from /proc).

`python -m benchmarks.pages [--symbols 20] [--pages 50] [--seconds 15] [--ways none poll stream]`
"""

import argparse
import http.client
import os
import random
import shlex
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import tables
from benchmarks.load import store
from benchmarks.own import end_cleanly, run_ourselves

WAYS = {"none": "no pages", "poll": "each asks every second", "stream": "each holds a stream"}
PROBE_EVERY_S = 0.05
CHANGE_EVERY_S = 0.25
STATUSES = 40
"""Of all symbols, asked for one after the other."""


def run(*, rounds: int, database: str, results: Path) -> None:  # noqa: ARG001 - one round is enough
    """With 20 and with 1,000 symbols, each in a process of its own: settings are read once a process."""
    for symbols in (20, 1000):
        with TemporaryDirectory(prefix="bench-") as folder:
            environment = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": database, "REDIS_URL": ""}
            command = [sys.executable, "-m", "benchmarks.pages", "--symbols", str(symbols), "--results", str(results)]
            run_ourselves(command, environment=environment)


def main() -> None:
    """Parse, set up, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.pages", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"))
    options = parser.parse_args()
    end_cleanly()
    with TemporaryDirectory(prefix="bench-") as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "scanner_project.settings"
        os.environ["SCANNER_PUBLIC_STATUS"] = "0"
        figures = measure(options)
    print(tables.pages(figures))  # noqa: T201
    kind = "postgresql" if os.environ.get("DATABASE_URL") else "sqlite"
    store(options.results, f"pages-{options.symbols}-{kind}", figures, database=kind)


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The figures of each way."""
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    names = _fill(options.symbols)
    user, _ = User.objects.get_or_create(username="page")
    client = Client()
    client.force_login(user)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    return [_way(way, options, cookie, names) for way in options.ways]


def _fill(symbols: int) -> list[str]:
    from django.utils import timezone  # noqa: PLC0415

    from benchmarks import scene  # noqa: PLC0415
    from scanner_app.models import SymbolStatus  # noqa: PLC0415

    scene.quiet()
    names = scene.tickers(symbols, random.Random(1))  # noqa: S311
    scene.play(names, 3, timezone.now())
    chance = random.Random(3)  # noqa: S311
    rows = list(SymbolStatus.objects.all())
    for row in rows:  # as full as after a hundred bars each
        row.latencies = [[round(chance.lognormvariate(3.2, 0.45)), 0] for _ in range(100)]
        row.p95_latency_ms, row.longest_latency_ms = 52, max(pair[0] for pair in row.latencies)
    SymbolStatus.objects.bulk_update(rows, ["latencies", "p95_latency_ms", "longest_latency_ms"])
    return names


def _way(way: str, options: argparse.Namespace, cookie: str, names: list[str]) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    from scanner_app.workers.command_lines import web_command  # noqa: PLC0415

    command = [sys.executable, "-m", *shlex.split(web_command()), "benchmarks.streaming:served"]
    environment = {**os.environ, "WEB_PORT": str(port)}
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - ourselves
    stop = threading.Event()
    answers: list[tuple[float, int]] = []  # (ms, bytes)
    api: list[float] = []
    threads = [
        threading.Thread(target=_change, args=(names, stop), daemon=True),
        threading.Thread(target=_probe, args=(port, cookie, api, stop), daemon=True),
    ]
    page = {"none": None, "poll": _poll, "stream": _stream}[way]
    if page is not None:
        threads += [
            threading.Thread(target=page, args=(port, cookie, answers, stop), daemon=True) for _ in range(options.pages)
        ]
    try:
        _wait_for(port)
        for thread in threads:
            thread.start()
        time.sleep(3)  # all are there
        whole = _statuses(port, cookie)
        answers.clear()
        api.clear()
        before = _cpu_s(server.pid)
        time.sleep(options.seconds)
        cpu_s = _cpu_s(server.pid) - before
        seen, waited = list(answers), list(api)
    finally:
        stop.set()
        server.terminate()
        server.wait(30)
    times = [ms for ms, _ in seen]
    return {
        "symbols": options.symbols,
        "way": "none" if page is None else f"{options.pages}, {WAYS[way]}",
        "cpu": round(100 * cpu_s / options.seconds, 1),
        "answers": round(len(seen) / options.seconds, 1),
        "p50": _percentile(times, 50),
        "p95": _percentile(times, 95),
        "api_p50": _percentile(waited, 50),
        "api_p95": _percentile(waited, 95),
        "status_p50": _percentile(whole, 50),
        "status_p95": _percentile(whole, 95),
        "kb": round(statistics.fmean(size for _, size in seen) / 1000, 1) if seen else 0.0,
    }


def _percentile(times: list[float], percent: int) -> float | str:
    return round(statistics.quantiles(times, n=100)[percent - 1], 1) if len(times) > 1 else "-"


def _change(names: list[str], stop: threading.Event) -> None:
    """Something of the board is new all the time."""
    from django.db import connection  # noqa: PLC0415
    from django.db.models import F  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from scanner_app.models import SymbolStatus  # noqa: PLC0415

    chance = random.Random(2)  # noqa: S311
    while not stop.wait(CHANGE_EVERY_S):
        some = chance.sample(names, min(5, len(names)))
        SymbolStatus.objects.filter(symbol__ticker__in=some).update(
            bars_processed=F("bars_processed") + 1, last_processed_at=timezone.now() - timedelta(milliseconds=5)
        )
    connection.close()


def _probe(port: int, cookie: str, waited: list[float], stop: threading.Event) -> None:
    while not stop.wait(PROBE_EVERY_S):
        began = time.perf_counter()
        with suppress(OSError, http.client.HTTPException):
            _ask(port, cookie, "/api/v1/scanner/symbols/AAPL/status")
        waited.append(1000 * (time.perf_counter() - began))  # one that nobody answered has waited too


def _statuses(port: int, cookie: str) -> list[float]:
    """Milliseconds of each; none if one of them is not answered at all: streams may hold every thread."""
    try:
        return [_ask(port, cookie, "/api/v1/scanner/status") for _ in range(STATUSES)]
    except (OSError, http.client.HTTPException):
        return []


def _ask(port: int, cookie: str, path: str) -> float:
    """Milliseconds until the whole answer is there, on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path} was answered with {answer.status}")
    return 1000 * (time.perf_counter() - began)


def _poll(port: int, cookie: str, answers: list[tuple[float, int]], stop: threading.Event) -> None:
    """As the page does: every second, with the ETag, on a connection that is kept."""
    stop.wait(random.random())  # noqa: S311 - pages are not opened at one moment
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    etag = ""
    while not stop.is_set():
        began = time.perf_counter()
        try:
            headers = {"Cookie": cookie, "Accept-Encoding": "gzip", "If-None-Match": etag}
            connection.request("GET", "/api/v1/scanner/board", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            etag = answer.headers.get("ETag", "")
            answers.append((1000 * (time.perf_counter() - began), len(body)))
        except (OSError, http.client.HTTPException):
            connection.close()  # the server has closed a connection that was kept: ask again
            continue
        stop.wait(1)


def _stream(port: int, cookie: str, answers: list[tuple[float, int]], stop: threading.Event) -> None:
    """Every event counts as an answer; how long one waits for it can't be seen here."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("GET", "/stream", headers={"Cookie": cookie})
        answer = connection.getresponse()
        while not stop.is_set() and (line := answer.readline()):
            if line.startswith(b"data:"):
                answers.append((0.0, len(line)))


def _wait_for(port: int) -> None:
    for _ in range(300):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise SystemExit("the web server did not start")


def _cpu_s(pid: int) -> float:
    """Processor time of a process and its children, by now."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = stat.read_text().partition(" (")
            fields = rest.rpartition(") ")[2].split()
            if int(number) == pid or int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    main()
