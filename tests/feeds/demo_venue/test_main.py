import signal
import socket
import subprocess
import sys

import httpx

from tests.integration.stack import free_port
from tests.waiting import wait_until


def start(port):
    return subprocess.Popen(
        [sys.executable, "-m", "scanner_app.feeds.demo_venue", "--port", str(port)], stderr=subprocess.PIPE, text=True
    )


def test_the_demo_s_venue_runs_by_itself_and_ends_on_a_signal():
    port = free_port()
    process = start(port)
    try:

        def rows():
            try:
                return httpx.get(f"http://127.0.0.1:{port}/api/v3/klines?symbol=AAPLUSDT&interval=1m").json()
            except httpx.HTTPError:
                return []

        wait_until(lambda: len(rows()) > 400, "the venue has history")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_told_in_a_sentence():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        process = start(port)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert f"can't listen on port {port}" in said
