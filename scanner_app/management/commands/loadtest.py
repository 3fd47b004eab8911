"""`manage.py loadtest`: a steady load on fresh symbols, and a verdict."""

import json
import math
import secrets
import shutil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scanner_app.accounts import tokens
from scanner_app.domain.addresses import local_host, web_url
from scanner_app.tools.loadtest.client import Client, LoadTestError, Unreachable
from scanner_app.tools.loadtest.feed import DRAIN_S, INTERRUPTED_DRAIN_S, Posting, drain, post_all, read_back
from scanner_app.tools.loadtest.plan import Plan
from scanner_app.tools.loadtest.report import WIDTH, Report
from scanner_app.tools.loadtest.verdict import ReadBack, achieved_rate

EXIT_BAD = 1
"""Exit status of a bad verdict, and of a test that could not begin."""

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

MOST_SYMBOLS = 1_000

MOST_BARS = 1_000_000
"""Bars of one run. All of them are kept in memory until the report, some 500 bytes each."""


class Command(BaseCommand):
    """Check the options, run the test, print its report."""

    help = (
        "Load test with a verdict: posts bars of fresh symbols at a steady rate, as a live feed would, waits until "
        "they are processed, reads all of them back and checks that each was processed once, in order and fast "
        "enough. Exit status 0 if the verdict is good, 1 if it is bad or the test could not begin. "
        "See docs/loadtest.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the load, the scanner and the output."""
        parser.add_argument("--symbols", type=int, default=20, metavar="N", help="fresh symbols (20)")
        parser.add_argument(
            "--rate", type=float, default=100, metavar="N", help="bars a second, of all symbols together (100)"
        )
        parser.add_argument("--seconds", type=float, default=60, metavar="S", help="how long bars are posted (60)")
        parser.add_argument(
            "--burst", action="store_true", help="a bar of every symbol at one moment each round, instead of evenly"
        )
        parser.add_argument("--url", metavar="U", help="the scanner's root, http://host:port; without it the local one")
        parser.add_argument(
            "--token", metavar="T", help="a token that may send bars; for the local scanner a superuser's is looked up"
        )
        parser.add_argument("--json", action="store_true", help="end with all figures as one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        """Run the command; SystemExit carries the exit status."""
        plan = _plan(options)
        url = _local_url() if options["url"] is None else _checked(options["url"])
        token = options["token"] or (_local_token() if options["url"] is None else None)
        if token is None:
            raise CommandError("--url needs --token: a token of that scanner, from POST /api/v1/auth/token")
        try:
            # A proxy named in the environment is for other hosts, not for the scanner on this machine.
            with Client(url, token, trust_env=options["url"] is not None) as client:
                report = _run(plan, client)
        except LoadTestError as exc:
            raise CommandError(str(exc), returncode=EXIT_BAD) from exc
        except KeyboardInterrupt:
            raise CommandError("interrupted before the first bar", returncode=EXIT_INTERRUPTED) from None
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else WIDTH
        self.stdout.write(report.table(width=width))
        self.stdout.write(report.sentence())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        if report.posting.interrupted:
            raise SystemExit(EXIT_INTERRUPTED)
        if not report.good:
            raise SystemExit(EXIT_BAD)


def _run(plan: Plan, client: Client) -> Report:
    """Run the test and return its report. Ctrl-C ends the posting; a second one skips the remaining steps."""
    try:
        before = client.status(patience_s=0)
    except Unreachable as exc:
        raise Unreachable(f"{exc}. Is a scanner running at {client.url}? `make up` starts one") from exc
    posting, bars = Posting(), dict[str, ReadBack]()
    drain_s, trouble = None, list[str]()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("posting", total=plan.total)

        def show() -> None:
            rate = achieved_rate(posting.accepted_count, elapsed_s=posting.elapsed_s, planned_s=0.0)
            text = f"{posting.accepted_count:,} bars accepted, {rate:.1f}/s"
            progress.update(task, completed=posting.sent, description=text)

        try:
            post_all(plan, client, posting, on_progress=show)
        except KeyboardInterrupt:
            posting.interrupted = True
        try:
            progress.update(task, description="waiting for the backlog", total=None)
            deadline_s = INTERRUPTED_DRAIN_S if posting.interrupted else DRAIN_S
            drain_s, counts = drain(plan, client, deadline_s=deadline_s)
            progress.update(task, description="reading the bars back", total=len(posting.accepted), completed=0)
            for ticker, read in read_back(list(posting.accepted), client, counts):
                bars[ticker] = read
                progress.advance(task)
        except LoadTestError as exc:
            trouble.append(str(exc))
        except KeyboardInterrupt:
            posting.interrupted = True
    return Report(
        url=client.url,
        plan=plan,
        posting=posting,
        bars=bars,
        drain_s=drain_s,
        before={"backlog": before["backlog"], "bars_per_second": before["bars_per_second"]},
        trouble=tuple(trouble),
    )


def _plan(options: dict[str, Any]) -> Plan:
    symbols, rate, seconds = options["symbols"], options["rate"], options["seconds"]
    if not 1 <= symbols <= MOST_SYMBOLS:
        raise CommandError(f"--symbols must be 1 to {MOST_SYMBOLS:,}, not {symbols}")
    for name, value in (("--rate", rate), ("--seconds", seconds)):
        if not 0 < value < math.inf:
            raise CommandError(f"{name} must be a number above 0, not {value:g}")
    if rate * seconds > MOST_BARS:
        raise CommandError(f"--rate {rate:g} for --seconds {seconds:g} makes more than {MOST_BARS:,} bars")
    plan = Plan(
        run=secrets.token_hex(4).upper(),
        symbols=symbols,
        rate=rate,
        seconds=seconds,
        burst=options["burst"],
        now=timezone.now(),
    )
    if not plan.total:
        raise CommandError(f"--rate {rate:g} for --seconds {seconds:g} makes no whole bar")
    return plan


def _local_url() -> str:
    return web_url(local_host(settings.ENV.WEB_HOST), settings.ENV.WEB_PORT)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandError(f"--url must be like http://127.0.0.1:8000, not {url!r}")
    return url


def _local_token() -> str:
    """A new token, for a day, of a superuser of the local database."""
    try:
        user = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if user is None:
            raise CommandError(
                "The local database has no superuser; `manage.py ensure_admin` makes one. Or give --token"
            )
        _, secret = tokens.make(user, name="manage.py loadtest", days=1, by=None, now=timezone.now())
        return secret
    except DatabaseError as exc:
        raise CommandError(
            f"No token from the local database ({str(exc).strip()}). Has `make up` run here, with this DATA_DIR and "
            "DATABASE_URL? Or give --url and --token"
        ) from exc
