"""`manage.py replay`: feed bars from files, or the bundled series, through ingest."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Max
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scanner_app import mailbox
from scanner_app.domain.actors import SCANNER
from scanner_app.engine import retention
from scanner_app.engine.ingest import accept
from scanner_app.feeds import replay
from scanner_app.feeds.bundled import Series, load_series, market_of, too_old
from scanner_app.feeds.dry_run import examine, in_words
from scanner_app.feeds.reader import Feed, FeedError
from scanner_app.feeds.tally import Tally, summary
from scanner_app.mailbox.accept import create_symbols
from scanner_app.management.file_options import add_file_options, file_options, open_files
from scanner_app.models import Bar, Symbol

if TYPE_CHECKING:
    from datetime import datetime

EXIT_NOT_TAKEN = 1
"""Exit status when some bar was rejected or in conflict, or a file or an option was of no use."""

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class Command(BaseCommand):
    """Open the sources, run the replay, print the account."""

    help = (
        "Feed bars from files through ingest, merged in time order. Exit status 0 if every bar was accepted or known "
        "already, 1 if not. How a file is to be read is inferred from it, and said. See docs/data.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare files, pace and output."""
        parser.add_argument(
            "files",
            nargs="*",
            type=Path,
            metavar="FILE",
            help="CSV, JSON, Parquet or Feather, also packed; - is standard input",
        )
        parser.add_argument("--bundled", action="store_true", help="the bundled real series, in turn")
        parser.add_argument(
            "--symbol", help="the symbol of the bars; of files with several, or with --bundled, the one to feed"
        )
        add_file_options(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="say how the files are understood, and store nothing"
        )
        pace = parser.add_mutually_exclusive_group()
        pace.add_argument("--rate", type=float, metavar="N", help="bars a second")
        pace.add_argument("--speed", type=float, metavar="X", help="times real time, by the timestamps")
        parser.add_argument(
            "--follow-on",
            action="store_true",
            help="leave out the bars up to the newest accepted one of their symbol and timeframe",
        )
        parser.add_argument("--json", action="store_true", help="end with the account as one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        """Run the command; SystemExit carries the exit status."""
        pace = _pace(rate=options["rate"], speed=options["speed"])
        try:
            feeds = _feeds(options)
        except CommandError as exc:
            if options["json"]:
                self.stdout.write(json.dumps({"error": str(exc)}))
            raise
        if options["dry_run"]:
            self._dry_run(feeds, as_json=options["json"])
        else:
            self._say(feeds)
            self._replay(pace, feeds, options)

    def _replay(self, pace: replay.Pace, feeds: list[Feed], options: dict[str, Any]) -> None:
        tally = Tally()
        sources = _sources(options, feeds)
        oldest = retention.oldest_bar(timezone.now())
        if options["bundled"]:
            self._begin_demo(_series(options["symbol"]), oldest)
        if options["follow_on"]:
            newest = _newest()
            sources = [replay.going_on(source, newest, tally.skip, oldest=oldest) for source in sources]
        in_turn = options["bundled"] and options["speed"] is None
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        status = 0
        # Standard output is for the account; a terminal's bar becomes one plain line elsewhere.
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("replay", total=1.0)

            def show(share: float) -> None:
                progress.update(task, completed=share, description=f"{tally.accepted:,} bars accepted")

            run = replay.Replay(sources, accept, pace=pace, round_robin=in_turn, tally=tally, on_progress=show)
            failure = None
            try:
                run.run()
                show(1.0)  # also where all was known already, and ingest was never called
            except KeyboardInterrupt:
                status = EXIT_INTERRUPTED
            except FeedError as exc:
                failure = exc
        self.stderr.write(summary(tally), ending="\n")
        if options["json"]:
            account = tally.as_json() | {"interrupted": status == EXIT_INTERRUPTED}
            if failure is not None:
                account["error"] = str(failure)
            self.stdout.write(json.dumps(account))
        if failure is not None:
            raise CommandError(str(failure), returncode=EXIT_NOT_TAKEN)
        if status or not tally.clean:
            raise SystemExit(status or EXIT_NOT_TAKEN)

    def _dry_run(self, feeds: list[Feed], *, as_json: bool) -> None:
        try:
            examined = [examine(feed) for feed in feeds]
        except FeedError as exc:
            raise CommandError(str(exc), returncode=EXIT_NOT_TAKEN) from exc
        for each in examined:
            (self.stderr if as_json else self.stdout).write(in_words(each), ending="\n")
        if as_json:
            self.stdout.write(json.dumps({"files": examined}))

    def _say(self, feeds: list[Feed]) -> None:
        """Say what was inferred, so that a wrong guess is seen before the bars are in."""
        for feed in feeds:
            for note in feed.plan.notes:
                self.stderr.write(f"{feed.name}: {note}", ending="\n")

    def _begin_demo(self, series: list[Series], oldest: datetime | None) -> None:
        if said := too_old(series, oldest, days=settings.SCANNER_KEEP_BARS_DAYS):
            self.stderr.write(said)
        _know_markets([each.symbol for each in series])


def _pace(*, rate: float | None, speed: float | None) -> replay.Pace:
    for name, value in (("--rate", rate), ("--speed", speed)):
        if value is not None and not 0 < value < math.inf:
            raise CommandError(f"{name} must be a number above 0, not {value:g}")
    if rate is not None:
        return replay.at_rate(rate)
    return replay.at_once if speed is None else replay.at_speed(speed)


def _feeds(options: dict[str, Any]) -> list[Feed]:
    """Open the files; none with --bundled."""
    if options["bundled"] == bool(options["files"]):
        raise CommandError("Name the files to replay, or --bundled, and not both")
    if options["bundled"] and options["dry_run"]:
        raise CommandError("--dry-run is for files")
    return open_files(options["files"], file_options(options))


def _sources(options: dict[str, Any], feeds: list[Feed]) -> list[replay.Source]:
    """Return everything that is to be fed."""
    symbol, timeframe = options["symbol"], options["timeframe"]
    if feeds:
        return [replay.from_feed(feed) for feed in feeds]
    if timeframe is not None:
        raise CommandError("--timeframe is for files; the bundled series have their own")
    series = _series(symbol)
    if not series:
        known = ", ".join(each.symbol for each in load_series())
        raise CommandError(f"There is no bundled series {symbol}; there are {known}")
    return [replay.from_series(each) for each in series]


def _series(symbol: str | None) -> list[Series]:
    """Return the bundled series, or the one of a symbol."""
    return [each for each in load_series() if symbol is None or each.symbol == symbol.upper()]


def _know_markets(tickers: list[str]) -> None:
    """Give symbols without bars the calendar of their market: by New York's, Manila's holidays would be gaps."""
    markets = {ticker: market for ticker in tickers if (market := market_of(ticker))}
    if settings.SCANNER_UNKNOWN_SYMBOLS == "create":
        create_symbols(list(markets), at_most=settings.SCANNER_MAX_SYMBOLS, now=timezone.now())
    fresh = Symbol.objects.filter(ticker__in=markets, calendar="", deleted_at=None, status__last_sequence=0)
    now = timezone.now()
    for symbol in fresh:
        mailbox.set_calendar(symbol, markets[symbol.ticker], by=SCANNER, now=now, reason="that of its market")


def _newest() -> dict[tuple[str, str], datetime]:
    """Return the newest accepted timestamp of every symbol and timeframe."""
    rows = Bar.objects.values_list("symbol__ticker", "timeframe").annotate(newest=Max("timestamp")).order_by()
    return {(ticker, timeframe): newest for ticker, timeframe, newest in rows}
