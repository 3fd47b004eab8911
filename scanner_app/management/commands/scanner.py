"""`manage.py scanner`: the status and the operators' actions, on the command line."""

import getpass
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from scanner_app import mailbox
from scanner_app.api.fields import ActIn
from scanner_app.api.status import OverviewOut
from scanner_app.domain import enums
from scanner_app.domain.errors import BarsWaiting, ScannerError
from scanner_app.domain.wording import counted
from scanner_app.engine import removal
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import Symbol
from scanner_app.reading import quarantine_entries, reruns, status, symbol_status, symbols

MAX_ACTOR = 150
"""Characters of an actor's name that an event keeps."""

UNBOUNDED = 100_000
"""Width in which the table is laid out. It is wider than any error, so that rich cuts nothing by itself."""

SHORTEST_ERROR = 20
"""Characters of the last error that are shown even on a narrow terminal, which then wraps the lines."""

NOTHING = "-"

STYLES = {
    enums.SymbolState.PROCESSING: "green",
    enums.SymbolState.PAUSED: "yellow",
    enums.SymbolState.FAILED: "bold red",
}

ActionResult = dict[str, Any]
"""`outcome`; for an action on several bars their `count`; `already`: the symbol was in that state before."""

Action = Callable[..., ActionResult]
"""Does something with one symbol. Raises ScannerError, with the reason, if it can't be done."""


def _on_symbol(name: str, outcome: str) -> Action:
    """The mailbox's action of this name. It is looked up at each call."""

    def act(symbol: Symbol, *, by: str, reason: str, force: bool) -> ActionResult:  # noqa: ARG001 - one signature for all
        changed = getattr(mailbox, name)(symbol, by=by, now=timezone.now(), reason=reason)
        return {"outcome": outcome, **({"already": True} if changed is False else {})}

    return act


def _on_quarantine(name: str, outcome: str) -> Action:
    """The bulk action of this name on all bars of a symbol in quarantine. It succeeds even if there are none."""

    def act(symbol: Symbol, *, by: str, reason: str, force: bool) -> ActionResult:  # noqa: ARG001 - one signature for all
        entries = quarantine_entries.matching(quarantine_entries.Filter(symbol=symbol.ticker))
        count = getattr(quarantine_bulk, name)(entries, by=by, clock=timezone.now, reason=reason)
        return {"outcome": outcome, "count": count}

    return act


def _delete(symbol: Symbol, *, by: str, reason: str, force: bool) -> ActionResult:
    try:
        removal.delete(symbol, by=by, now=timezone.now(), force=force, reason=reason)
    except BarsWaiting as exc:
        raise ScannerError(f"{exc.waits}; add --force to {exc.drops}") from exc
    return {"outcome": "deleted"}


ACTIONS: dict[str, Action] = {
    "reset": _on_symbol("reset", "reset"),
    "skip": _on_symbol("skip", "skipped"),
    "enable": _on_symbol("enable", "enabled"),
    "disable": _on_symbol("disable", "disabled"),
    "replay": _on_quarantine("replay_all", "replayed"),
    "discard": _on_quarantine("discard_all", "discarded"),
    "delete": _delete,
}


class Command(BaseCommand):
    """Show the symbols, or do an action on each of those that are named."""

    help = (
        "Show the symbols' status, or do an operator's action on each: reset (close the breaker, run the waiting bar "
        "now), skip (put that bar into quarantine), enable, disable, replay or discard (all bars in quarantine), "
        "delete. Exit status 0 only if it was done with every symbol. See docs/operators.md."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that accepts symbols after options too: `scanner reset --reason "mended" TSLA`."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the action, its symbols and the options."""
        parser.add_argument("action", choices=["status", *ACTIONS])
        parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="tickers, in upper or lower case")
        parser.add_argument("--all", action="store_true", help="every symbol of the watch list")
        parser.add_argument("--reason", default="", metavar="R", help="why, for the symbols' timeline")
        parser.add_argument("--force", action="store_true", help="with delete: also while bars wait, which are lost")
        parser.add_argument("--json", action="store_true", help="end with the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it. Raises SystemExit with status 1 if it was not done with every symbol."""
        action, names = options["action"], options["symbols"]
        _check(action, names, options)
        found, unknown = symbols.find_all(names, among=symbol_status.shown_symbols())
        unknown = [_printable(name) for name in unknown]
        if action == "status":
            self._show(found if names else None, unknown, as_json=options["json"])
        else:
            chosen = list(symbol_status.shown_symbols().order_by("ticker")) if options["all"] else found
            self._act(action, chosen, unknown, options)

    def _show(self, found: list[Symbol] | None, unknown: list[str], *, as_json: bool) -> None:
        """The named symbols; without names, all symbols. The counts are always those of all."""
        overview = status.overview(timezone.now())
        if found is not None:
            asked = {symbol.ticker for symbol in found}
            overview = replace(overview, symbols=[one for one in overview.symbols if one.symbol in asked])
        self._report_unknown(unknown)
        if as_json:
            self.stdout.write(json.dumps(OverviewOut(overview).data | {"unknown": unknown}))
        else:
            self.stdout.write(_table(overview.symbols, terminal=self.stdout.isatty()), ending="")
            self.stdout.write(_summary(overview))
            for one in reruns.progress():
                self.stdout.write(_rerun_line(one))
        if unknown:
            raise SystemExit(1)

    def _act(self, action: str, chosen: list[Symbol], unknown: list[str], options: dict[str, Any]) -> None:
        """Do the action on one symbol after the other. If it fails for one, the others follow all the same."""
        how = {"by": _actor(), "reason": options["reason"], "force": options["force"]}
        results = []
        for symbol in chosen:
            results.append(one := _result(ACTIONS[action], symbol, how))
            if options["all"] and one.get("count") == 0:
                continue  # most symbols have nothing in quarantine; the sum shows it
            stream = self.stderr if options["json"] or "error" in one else self.stdout
            stream.write(_line(one))
        if options["all"] and any("count" in one for one in results):
            (self.stderr if options["json"] else self.stdout).write(_sum(results))
        self._report_unknown(unknown)
        results += [{"symbol": ticker, "error": str(symbols.SymbolNotFound(ticker))} for ticker in unknown]
        failed = sum("error" in one for one in results)
        if failed and (done := len(results) - failed):
            self.stderr.write(f"Done with {done:,} of {counted(len(results), 'symbol')}.")
        if options["json"]:
            self.stdout.write(json.dumps({"action": action, "results": results}))
        if failed:
            raise SystemExit(1)

    def _report_unknown(self, unknown: list[str]) -> None:
        for ticker in unknown:
            self.stderr.write(str(symbols.SymbolNotFound(ticker)))


def _check(action: str, names: list[str], options: dict[str, Any]) -> None:
    """Raise CommandError, before anything is done, if arguments do not fit together."""
    if names and options["all"]:
        raise CommandError("Name symbols or give --all, not both")
    if action != "status" and not (names or options["all"]):
        raise CommandError(f"{action} needs the symbols it is for, or --all")
    if options["force"] and action != "delete":
        raise CommandError("--force is for delete alone")
    asked = ActIn(data={"reason": options["reason"]})
    if not asked.is_valid():
        raise CommandError(f"--reason: {' '.join(str(one) for one in asked.errors['reason'])}")


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _actor() -> str:
    """The system user who runs the command; their number if they have no name, as in many containers."""
    try:
        return getpass.getuser()[:MAX_ACTOR]
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _result(act: Action, symbol: Symbol, how: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"symbol": symbol.ticker, **act(symbol, **how)}
    except (ScannerError, OperationalError) as exc:
        return {"symbol": symbol.ticker, "error": str(exc)}


def _line(result: dict[str, Any]) -> str:
    """The result for one symbol, in words."""
    ticker = result["symbol"]
    if error := result.get("error"):
        return error if f" {ticker} " in f" {error} " else f"{ticker}: {error}"
    done = f"was {result['outcome']} already" if result.get("already") else result["outcome"]
    return f"{ticker}: {done}" + (f" {counted(result['count'], 'bar')}" if "count" in result else "")


def _sum(results: list[dict[str, Any]]) -> str:
    """The results for the bars of all symbols, in words."""
    done = [one for one in results if "count" in one]
    bars = counted(sum(one["count"] for one in done), "bar")
    return f"{done[0]['outcome'].capitalize()} {bars} of {counted(len(done), 'symbol')}."


def _table(symbols: list[symbol_status.SymbolSummary], *, terminal: bool) -> str:
    """The symbols as a table. On a terminal the last error gets the width that the other columns leave."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("Symbol", "State", "Breaker", "Enabled", "Lane"):
        table.add_column(title, no_wrap=True)
    for title in ("Failures", "Backlog", "Processed", "Avg ms", "p95 ms"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("Last processed (UTC)", "Next attempt (UTC)"):
        table.add_column(title, no_wrap=True)
    table.add_column("Last error", no_wrap=True, max_width=1 if terminal else None)
    for one in symbols:
        table.add_row(
            one.symbol,
            Text(one.state, style=STYLES[one.state]),
            one.circuit_state.replace("_", "-"),
            "yes" if one.enabled else "no",
            one.lane,
            f"{one.consecutive_failures:,}",
            f"{one.backlog:,}",
            f"{one.bars_processed:,}",
            f"{one.avg_latency_ms:,.0f}",
            f"{one.p95_latency_ms:,}",
            _time(one.last_processed),
            _time(one.next_attempt_at),
            _first_line(one.last_error),
        )
    console = Console(force_terminal=terminal, width=UNBOUNDED, markup=False, highlight=False, emoji=False)
    if terminal:
        others = Measurement.get(console, console.options, table).maximum - 1
        table.columns[-1].max_width = max(SHORTEST_ERROR, shutil.get_terminal_size().columns - others)
    with console.capture() as captured:
        console.print(table)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def _time(moment: datetime | None) -> str:
    return NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _first_line(error: str | None) -> str:
    """The first line of an error, without characters that would control the terminal."""
    line = (error or NOTHING).strip().split("\n")[0]
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _rerun_line(one: reruns.RerunProgress) -> str:
    failed = f"; a detector failed: {_first_line(one.last_error)}" if one.failures else ""
    return f"Looking again at {one.symbol} {one.timeframe}: {one.bars_done:,} done, {one.bars_left:,} left{failed}"


def _summary(one: status.Overview) -> str:
    """The overall status and the counts in one line, and a line for each reason."""
    return (
        f"Overall: {one.overall_status}; {one.total_symbols:,} symbols, {one.enabled_symbols:,} enabled: "
        f"{one.healthy_symbols:,} healthy, {one.paused_symbols:,} paused, {one.failed_symbols:,} failed; "
        f"{one.bars_per_second:g} bars/s, backlog {one.backlog:,}" + "".join(f"\n  {reason}" for reason in one.reasons)
    )
