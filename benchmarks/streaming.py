"""The scanner's web application with one address more: the board as a stream of server-sent events.

Only to be measured beside polling (benchmarks/pages.py). A stream holds a thread for as long as its page is open.
"""

import gzip
import time
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from scanner_app.domain.proxies import TrustedProxies
from scanner_app.workers.command_lines import WEB_THREADS
from scanner_project.web.bridge import Bridge
from scanner_project.wsgi import application as scanner


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Streams at /stream, everything else as it is."""
    if environ["PATH_INFO"] != "/stream":
        return scanner(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
    return _events()


def _events() -> Iterator[bytes]:
    from scanner_app.reading.board import BOARD  # noqa: PLC0415 - models need Django set up, which importing `scanner` did

    etag = ""
    while True:
        snapshot = BOARD.snapshot(timezone.now())
        if snapshot.etag != etag:
            etag = snapshot.etag
            yield b"data: " + gzip.decompress(snapshot.body) + b"\n\n"
        else:
            yield b": nothing new\n\n"
        time.sleep(1)


served = Bridge(application, threads=WEB_THREADS, trusted=TrustedProxies.of(""), max_body=1_000_000)
"""For the web server, which speaks ASGI."""
