"""`python -m scanner_app.feeds.demo_venue --port N`: the demo's venue, until a signal comes."""

import argparse
import asyncio
import logging
import signal
import sys
import time
from contextlib import suppress

from scanner_app.feeds.demo_venue.bundled_play import script
from scanner_app.feeds.demo_venue.server import Venue
from scanner_app.telemetry import pulse


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _run(port: int) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, task.cancel)
    async with Venue(script(), start_ms=_now_ms(), port=port) as venue:
        logging.getLogger(__name__).info("listening on %s and %s", venue.ws_url, venue.rest_url)
        with suppress(asyncio.CancelledError):
            await venue.run(_now_ms)


def main() -> int:
    """Run the venue. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="demo_venue", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0: a free one")
    port = parser.parse_args().port
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    pulse.start()
    try:
        asyncio.run(_run(port))
    except OSError as exc:
        sys.stderr.write(f"The demo's venue can't listen on port {port}: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
