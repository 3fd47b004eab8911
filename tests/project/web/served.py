"""What the web server serves in its tests: streams of events, and requests that take as long as they are told to."""

import asyncio
import os
import time
from pathlib import Path

from scanner_app.domain.proxies import TrustedProxies
from scanner_project.web.bridge import Bridge


class Events:
    """As Django answers with an asynchronous generator."""

    is_async = True

    async def __aiter__(self):
        number = 0
        while True:
            yield b"data: %d\n\n" % number
            number += 1
            await asyncio.sleep(0.2)

    def close(self):
        """Django's, which has something to do here."""


def scanner(environ, start_response):
    """/events streams; /wait says that it has begun and waits for a file; all others answer their body."""
    if environ["PATH_INFO"].startswith("/events"):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return Events()
    if environ["PATH_INFO"] == "/wait":
        folder = Path(os.environ["DATA_DIR"])
        (folder / "begun").touch()
        while not (folder / "go-on").exists():
            time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read() or b"ok"]


application = Bridge(scanner, threads=4, trusted=TrustedProxies.of("127.0.0.1"), max_body=1_000_000)
