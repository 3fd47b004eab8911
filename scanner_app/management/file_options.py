"""The options that say how files of bars are to be read, for each command that reads some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import Feed, open_feeds
from scanner_app.feeds.reader.options import Options, columns_from_text
from scanner_app.feeds.reader.timeframe_names import timeframe_of


def add_file_options(parser: CommandParser) -> None:
    """Declare the options. What is not given is inferred from the files."""
    parser.add_argument(
        "--timeframe",
        type=lambda text: timeframe_of(text) or text,
        choices=list(TIMEFRAMES),
        help="the timeframe of all bars; without it the files' column, or how far the bars are apart",
    )
    parser.add_argument(
        "--timezone", metavar="Z", help="the zone of times that name none: America/New_York, +02:00 (UTC)"
    )
    parser.add_argument("--date-order", choices=["dmy", "mdy", "ymd"], help="how 1/2/2020 is to be read")
    parser.add_argument("--decimal", choices=[".", ","], metavar="SIGN", help="the decimal sign, . or ,")
    parser.add_argument(
        "--columns",
        type=_columns,
        default={},
        metavar="FIELD=COLUMN,...",
        help="names or numbers of columns: timestamp=Zeit,open=2; fields are timestamp or date and time, open, high, "
        "low, close, volume, symbol, timeframe",
    )
    parser.add_argument("--no-header", action="store_true", help="the first row is a bar, not names of columns")


def _columns(text: str) -> object:
    try:
        return columns_from_text(text)
    except ValueError as exc:
        raise CommandError(f"--columns: {exc}") from exc


def file_options(options: dict[str, Any]) -> Options:
    """Return what the options of a command line say about files."""
    names = ("symbol", "timeframe", "timezone", "date_order", "decimal", "columns", "no_header")
    return Options(**{name: options[name] for name in names})


def open_files(paths: list[Path], options: Options) -> list[Feed]:
    """Open all files, so that a wrong one is known before the first bar is read. Raises CommandError for it."""
    try:
        return [feed for path in paths for feed in open_feeds(path, options)]
    except FeedError as exc:
        raise CommandError(str(exc)) from exc
