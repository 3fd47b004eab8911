"""The web server as a process, as `make up` starts it: streams, clients that do not send, bodies, and its end."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.integration.stack import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
SERVED = "tests.project.web.served:application"
STREAMS = 200

pytestmark = pytest.mark.skipif(
    os.environ.get("SCANNER_TEST_DATABASE") == "postgresql", reason="what is served here has no database"
)


class Server:
    def __init__(self, folder, *arguments, **env):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "web.log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scanner_project.web", *arguments],
                cwd=ROOT,
                env={**kept, "DATA_DIR": str(folder), "WEB_PORT": str(self.port), "PYTHONPATH": str(ROOT), **env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self, path="/healthz"):
        with suppress(httpx.HTTPError):
            return httpx.get(self.url + path, timeout=5).status_code == 200
        return False

    def raw(self, request):
        """A connection on which this was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(request)
        return connection

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path):
    with ExitStack() as after:

        def one(*arguments, **env):
            server = Server(tmp_path, *arguments, **env)
            after.callback(server.end)
            wait_until(server.answers, "the web server answers", deadline_s=60)
            return server

        yield one


def test_streams_of_events_and_all_other_requests_share_a_port(start):
    server = start(SERVED)
    with ExitStack() as after:
        request = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
        streams = [after.enter_context(server.raw(request)) for _ in range(STREAMS)]

        for stream in streams:
            assert b"200 OK" in stream.recv(4096)
        answers = [httpx.post(server.url, content=b"bar", timeout=20).text for _ in range(20)]
        going_on = [stream.recv(4096) for stream in streams]

        assert answers == ["bar"] * 20
        assert all(b"data: " in piece for piece in going_on)
        assert server.stop() == 0  # streams do not hold it up


def test_it_is_not_held_up_by_hundreds_that_send_nothing_or_half(start):
    server = start(SERVED)
    halves = [
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    ]
    with ExitStack() as after:
        for number in range(400):
            after.enter_context(server.raw(halves[number % len(halves)]))

        assert httpx.post(server.url, content=b"bar", timeout=20).text == "bar"
        assert server.answers("/readyz")
        assert server.stop() == 0


def test_a_request_that_runs_is_answered_although_the_server_stops(start):
    server = start(SERVED)
    got = []
    asking = threading.Thread(target=lambda: got.append(httpx.get(f"{server.url}/wait", timeout=30).text))
    asking.start()
    wait_until((server.folder / "begun").exists, "the request runs", deadline_s=20)

    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not server.answers(), "new requests are not taken", deadline_s=20)
    (server.folder / "go-on").touch()
    asking.join(20)

    assert got == ["ok"]
    assert server.process.wait(20) == 0


def test_the_scanner_reads_chunked_bodies_and_refuses_large_ones(start):
    server = start()
    token = f"{server.url}/api/v1/auth/token"

    def pieces(*body):
        yield from body

    json = {"Content-Type": "application/json"}
    chunked = httpx.post(token, content=pieces(b'{"username": ', b'"tom"}'), headers=json, timeout=20)
    large = [
        httpx.post(token, content=body, headers=json, timeout=20)
        for body in (b" " * 10_000_001, pieces(*[b" " * 1_000_000] * 11))
    ]

    assert (chunked.status_code, list(chunked.json())) == (400, ["password"])
    assert [(answer.status_code, list(answer.json())) for answer in large] == [(413, ["detail"])] * 2
    assert server.stop() == 0
    lines = server.log.read_text().splitlines()
    assert all(line.startswith("{") for line in lines), lines


def test_a_bad_setting_is_one_sentence(tmp_path):
    env = {**os.environ, "WEB_PORT": "no", "PYTHONPATH": str(ROOT), "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from scanner_project.web.__main__ import main; sys.exit(main())"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "WEB_PORT='no'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_only_bars_need_is_not_loaded_at_the_start_nor_when_a_rule_is_checked():
    script = (
        "import django; django.setup(); import sys, scanner_project.urls\n"
        "from scanner_app.trader_rules import compiled\n"
        "compiled('close > sma(close, 5) and rsi(14) < 30 and session_high > 1')\n"
        "print(sorted({'numpy', 'talib', 'pandas', 'pyarrow', 'apprise'} & set(sys.modules)))"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}

    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
