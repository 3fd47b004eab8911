"""`manage.py inject`: make a symbol's next runs go wrong, to see the scanner recover."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scanner_app.engine import fault_injection
from scanner_app.reading import symbols


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def _next_runs(count: int, one: str, many: str) -> str:
    return f"the next run {one}" if count == 1 else f"the next {count:,} runs {many}"


class Command(BaseCommand):
    """Inject faults into a symbol's runs. Refused unless SCANNER_FAULT_INJECTION=1."""

    help = "Make a symbol's next runs go wrong, to see the scanner recover. Needs SCANNER_FAULT_INJECTION=1."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the symbol and its fault."""
        parser.add_argument("symbol")
        fault = parser.add_mutually_exclusive_group(required=True)
        fault.add_argument("--fail", type=_count, metavar="N", help="the next N runs of the head fail")
        fault.add_argument("--hang", type=_seconds, metavar="S", help="the next run sleeps S seconds")
        fault.add_argument("--crash", type=_count, metavar="N", help="the next N runs kill their process")
        fault.add_argument("--unusable", action="store_true", help="the next run raises BarUnusable")
        fault.add_argument("--outage", type=_seconds, metavar="S", help="every run fails for S seconds")
        fault.add_argument("--clear", action="store_true", help="remove all faults that were injected")

    def handle(self, *_: Any, **options: Any) -> None:
        """Set the fault."""
        if not settings.SCANNER_FAULT_INJECTION:
            raise CommandError("fault injection is off; set SCANNER_FAULT_INJECTION=1 for workers and this command")
        try:
            symbol = symbols.get(options["symbol"])
        except symbols.SymbolNotFound as exc:
            raise CommandError(str(exc)) from None
        if options["clear"]:
            fault_injection.clear(symbol)
            self.stdout.write(f"{symbol.ticker}: no faults any more")
            return
        if options["outage"]:
            fault_injection.inject_outage(symbol, options["outage"], now=timezone.now())
            what = f"every run fails for {options['outage']:g} s"
        elif options["unusable"]:
            fault_injection.inject(symbol, unusable=True)
            what = "the next run finds its bar unusable"
        elif options["hang"]:
            fault_injection.inject(symbol, hang_s=options["hang"])
            what = f"the next run sleeps {options['hang']:g} s"
        elif options["crash"]:
            fault_injection.inject(symbol, crash_runs=options["crash"])
            what = _next_runs(options["crash"], "kills its process", "kill their process")
        else:
            fault_injection.inject(symbol, fail_runs=options["fail"])
            what = _next_runs(options["fail"], "fails", "fail")
        self.stdout.write(f"{symbol.ticker}: {what}")
