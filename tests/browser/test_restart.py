"""A page survives a restart of its server: a real one, in its own process."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import listen, tickers
from tests.waiting import wait_until


class Server:
    """The web server as `make up` runs it, on a database of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "WEB_PORT": str(port),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], env=self.environment, check=True, capture_output=True)

    def python(self, code: str) -> None:
        self.manage("shell", "-c", code)

    def start(self) -> None:
        command = [sys.executable, "-m", "scanner_project.web"]
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(tmp_path, free.getsockname()[1])
    server.manage("migrate", "-v0")
    server.manage("collectstatic", "--noinput", "-v0")
    server.python(
        "from django.contrib.auth.models import User; User.objects.create_user('rita', password='made up');"
        "from django.utils.timezone import now; from scanner_app.mailbox.accept import create_symbols;"
        "create_symbols(['AAPL'], at_most=10, now=now())"
    )
    server.start()
    yield server
    server.stop()


def test_a_page_survives_a_restart_of_the_server(chromium: Any, server: Server):
    errors: list[str] = []
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()

    def there() -> bool:
        try:
            return bool(page.goto("/"))
        except Exception:  # noqa: BLE001 - not yet
            return False

    wait_until(there, "the server answers", deadline_s=30)
    listen(page, errors)
    page.get_by_label("Username").fill("rita")
    page.get_by_label("Password").fill("made up")
    page.keyboard.press("Enter")
    expect(tickers(page)).to_have_text(["AAPL"])
    assert errors == []  # with hashed names, compressed files and the policy in force
    page.evaluate("window.stillTheSamePage = true")

    server.stop()
    expect(page.locator("#notice")).to_contain_text("Connection lost.")
    expect(tickers(page)).to_have_text(["AAPL"])
    server.python(
        "from django.utils.timezone import now; from scanner_app.mailbox.accept import create_symbols;"
        "create_symbols(['TSLA'], at_most=10, now=now())"
    )
    server.start()

    expect(page.locator("#notice")).to_be_hidden(timeout=20_000)
    expect(tickers(page)).to_have_text(["AAPL", "TSLA"])
    assert page.evaluate("window.stillTheSamePage")
    context.close()
