"""`manage.py history`: run detectors and rules over files, or stored bars, and say what the signals were worth."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.engine import detection
from scanner_app.engine.history import Run
from scanner_app.engine.rule_book import Book
from scanner_app.feeds import history_bars
from scanner_app.feeds.history_bars import Collected
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.management import history_report
from scanner_app.management.file_options import add_file_options, file_options, open_files
from scanner_app.management.history_progress import Display
from scanner_app.models import Symbol
from scanner_app.reading import symbols
from scanner_app.signals.history import Account, rules_asked


class Command(BaseCommand):
    """Read the bars, look at them, report."""

    help = (
        "Run the detectors and the rules over files of bars, or with --symbol alone over its stored bars, as the "
        "scanner does with live bars, and say what the signals were worth. Stores nothing. See docs/history.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, the rules and the form of the report."""
        parser.add_argument(
            "files", nargs="*", type=Path, metavar="FILE", help="as for replay; without any, stored bars of --symbol"
        )
        parser.add_argument("--symbol", help="the symbol of the bars; of files with several, the one to look at")
        add_file_options(parser)
        parser.add_argument(
            "--rule",
            action="append",
            default=[],
            metavar="NAME|CONDITION",
            help="a rule to ask about all the bars, instead of the enabled ones; may be given several times",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object with all figures at the end")
        parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page with plots to this file")

    def handle(self, *_: object, **options: Any) -> None:
        """Run the command; CommandError says what is wrong with an option or a file."""
        now = timezone.now()
        try:
            book, names = rules_asked(options["rule"])
        except ValueError as exc:
            raise CommandError(f"--rule: {exc}") from exc
        account = Account(settings.SCANNER_WORTH_HORIZONS)
        with Display() as display:
            collected = self._collect(options, display, now)
            _look(account, collected, book, display, now)
        report = history_report.Report(account.series, collected, account.rows(now), names)
        if options["html"] is not None:
            options["html"].write_text(history_report.as_html(report, now), encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(history_report.as_json(report)))
            return
        for line in history_report.as_text(report):
            self.stdout.write(line)

    def _collect(self, options: dict[str, Any], display: Display, now: datetime) -> Collected:
        if not options["files"]:
            return history_bars.from_database(_symbol(options), options["timeframe"], on_progress=display.read)
        feeds = open_files(options["files"], file_options(options))
        try:
            found = history_bars.from_files(feeds, now=now, on_progress=display.read)
        except FeedError as exc:
            raise CommandError(str(exc)) from exc
        for feed in feeds:
            for note in feed.plan.notes:
                self.stderr.write(f"{feed.name}: {note}")
        return found


def _symbol(options: dict[str, Any]) -> Symbol:
    if options["symbol"] is None:
        raise CommandError("Name the files to look at, or with --symbol a symbol whose stored bars are meant")
    try:
        return symbols.get(options["symbol"])
    except symbols.SymbolNotFound as exc:
        raise CommandError(str(exc)) from exc


def _look(account: Account, collected: Collected, book: Book, display: Display, now: datetime) -> None:
    display.begin(sum(len(series) for series in collected.series.values()))
    tickers = {ticker for ticker, _ in collected.series}
    own = dict(Symbol.objects.filter(ticker__in=tickers).values_list("ticker", "calendar"))
    for (ticker, timeframe), series in collected.series.items():
        run = Run(
            series=series,
            detectors=detection.chosen(),
            hours=hours_of(calendar_of(ticker, own.get(ticker, "")), now),
            rules=book.rules_for(ticker, timeframe),
            others={other: window for (of, other), window in collected.series.items() if of == ticker},
        )
        account.look_at(run, on_bar=display.step)
