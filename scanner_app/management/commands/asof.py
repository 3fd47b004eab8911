"""`manage.py asof`: the board as it was at a time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.api.fields import utc_time
from scanner_app.domain.wording import bar_name, clock
from scanner_app.reading import past_board
from scanner_app.reading.encoding import as_json
from scanner_app.reading.past_board import PastRow


class Command(BaseCommand):
    """Read the past, and print it."""

    help = "Show the board as it was at a time, from events, bars and alerts. Reads only. See docs/operators.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the time and the form of the answer."""
        parser.add_argument(
            "time", metavar="TIME", help="ISO 8601, such as 2026-01-05T10:00:30Z; UTC without an offset"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print a line of counts, one for each symbol, and one for each alert."""
        try:
            at = utc_time(options["time"])
        except ValueError as exc:
            raise CommandError(f"TIME {exc}") from None
        if at > timezone.now():
            raise CommandError(f"{clock(at)} has not come yet")
        board = past_board.read(at)
        if options["json"]:
            self.stdout.write(as_json(board).decode())
            return
        self.stdout.write(board.headline)
        width = max((len(one.symbol) for one in board.symbols), default=0)
        for one in board.symbols:
            self.stdout.write(_line(one, width))
        for severity, rule, message in board.alerts:
            self.stdout.write(f"{severity}: {rule}: {message}")


def _line(one: PastRow, width: int) -> str:
    last = "no bar yet" if one.timestamp is None else f"{bar_name(one.timeframe, one.timestamp)}, {one.close:g}"
    off = "" if one.enabled else "disabled"
    words = (last, off, one.reason)
    return f"{one.symbol:{width}}  {one.state:10}  {one.circuit_state:9}  {one.backlog:6,} waiting  " + "  ".join(
        word for word in words if word
    )
