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

from scanner_app import mailbox
from scanner_app.domain.actors import SCANNER
from scanner_app.engine import retention
from scanner_app.engine.overlap import compare
from scanner_app.feeds import replay
from scanner_app.feeds.bundled import Series, load_series, market_of, too_old
from scanner_app.feeds.dry_run import examine, in_words
from scanner_app.feeds.following_on import FollowOn
from scanner_app.feeds.pace import at_once, at_rate, at_speed
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import Feed
from scanner_app.mailbox.accept import create_symbols
from scanner_app.management.file_options import add_file_options, file_options, open_files
from scanner_app.management.replay_session import EXIT_NOT_TAKEN, Session
from scanner_app.models import Bar, Symbol

if TYPE_CHECKING:
    from datetime import datetime

    from scanner_app.feeds.pace import Pace


class Command(BaseCommand):
    """Open the sources, run the replay, print the account."""

    help = (
        "Feed bars from files through ingest, merged in time order. Exit status 0 if every bar was accepted or known "
        "already, 1 if not, 3 if --follow-on found that history has changed. How a file is to be read is inferred from "
        "it, and said. See docs/data.md."
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
        parser.add_argument(
            "--revise",
            action="store_true",
            help="new values for known bars replace the stored ones; without it they are conflicts",
        )
        parser.add_argument("--json", action="store_true", help="end with the account as one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        """Run the command; SystemExit and CommandError carry the exit status."""
        if options["dry_run"]:
            self._dry_run(options)
            return
        session = Session(out=self.stdout, as_json=options["json"])
        session.run(lambda: self._feed(session, options))

    def _dry_run(self, options: dict[str, Any]) -> None:
        try:
            examined = [examine(feed) for feed in _feeds(options)]
        except (FeedError, CommandError) as exc:
            if options["json"]:
                self.stdout.write(json.dumps({"files": [], "error": str(exc)}))
            raise CommandError(str(exc), returncode=EXIT_NOT_TAKEN) from exc
        for each in examined:
            (self.stderr if options["json"] else self.stdout).write(in_words(each), ending="\n")
        if options["json"]:
            self.stdout.write(json.dumps({"files": examined}))

    def _feed(self, session: Session, options: dict[str, Any]) -> None:
        if options["revise"] and options["follow_on"]:
            raise CommandError("--follow-on leaves out the known bars that --revise would change: choose one of them")
        pace = _pace(rate=options["rate"], speed=options["speed"])
        feeds = _feeds(options)
        for feed in feeds:
            for note in feed.plan.notes:  # so that a wrong guess is seen before the bars are in
                session.say(f"{feed.name}: {note}")
        sources = _sources(options, feeds)
        oldest = retention.oldest_bar(timezone.now())
        if options["bundled"]:
            series = _series(options["symbol"])
            if said := too_old(series, oldest, days=settings.SCANNER_KEEP_BARS_DAYS):
                session.say(said)
            session.patience.call(lambda: _know_markets([each.symbol for each in series]))
        if options["follow_on"]:
            follow_on = FollowOn(
                newest=session.patience.call(_newest),
                oldest=oldest,
                tally=session.tally,
                patience=session.patience,
                # The bundled series are what they are; own bars of one of their symbols are nobody's correction.
                compare=None if options["bundled"] else compare,
                on_progress=session.refresh,
            )
            sources = [follow_on.of(source) for source in sources]
        in_turn = options["bundled"] and options["speed"] is None
        paced = options["rate"] is not None or options["speed"] is not None
        session.feed(sources, pace=pace, in_turn=in_turn, paced=paced, revising=options["revise"])


def _pace(*, rate: float | None, speed: float | None) -> Pace:
    for name, value in (("--rate", rate), ("--speed", speed)):
        if value is not None and not 0 < value < math.inf:
            raise CommandError(f"{name} must be a number above 0, not {value:g}")
    if rate is not None:
        return at_rate(rate)
    return at_once if speed is None else at_speed(speed)


def _feeds(options: dict[str, Any]) -> list[Feed]:
    """Open the files, so that a wrong one is known before the first bar goes in; none with --bundled."""
    if options["bundled"] == bool(options["files"]):
        raise CommandError("Name the files to replay, or --bundled, and not both")
    if options["bundled"] and options["dry_run"]:
        raise CommandError("--dry-run is for files")
    return open_files(options["files"], file_options(options))


def _sources(options: dict[str, Any], feeds: list[Feed]) -> list[replay.Source]:
    """Return everything that is to be fed."""
    symbol, timeframe = options["symbol"], options["timeframe"]
    if feeds:
        return [replay.from_feed(feed, feed.plan.symbols) for feed in feeds]
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
