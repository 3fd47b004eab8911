"""`manage.py feed`: run the live feeds."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scanner_app.feeds.live.process import Process
from scanner_app.telemetry import pulse


class Command(BaseCommand):
    """Run the live feeds of SCANNER_FEEDS and of the database, until a signal comes."""

    help = "Run the live feeds of SCANNER_FEEDS and of the database: docs/feeds.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which venues."""
        parser.add_argument("venues", nargs="*", metavar="VENUE", help="only these venues (default: all)")
        parser.add_argument(
            "--without", action="append", default=[], metavar="VENUE", help="all venues but this one; may be repeated"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run."""
        pulse.start()
        process = Process(options["venues"], without=options["without"])
        with suppress(asyncio.CancelledError):
            asyncio.run(_until_a_signal(process))


async def _until_a_signal(process: Process) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - we run in one
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, task.cancel)
    await process.run()
