"""`manage.py scanner`: the operators' acts, and the status, from the command line."""

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
"""Columns that the table is laid out in: no terminal and no error is so wide, so nothing is cut but what we cut."""

SHORTEST_ERROR = 20
"""Letters of the last error that also a narrow terminal gets; it breaks the lines then, and no column shrinks."""

NOTHING = "-"

STYLES = {
    enums.SymbolState.PROCESSING: "green",
    enums.SymbolState.PAUSED: "yellow",
    enums.SymbolState.FAILED: "bold red",
}

Outcome = dict[str, Any]
"""What an act came to: `outcome`, where it concerns many bars their `count`, `already` if there was nothing to do."""

Act = Callable[..., Outcome]
"""Does one thing with one symbol. Raises ScannerError with why not."""


def _on_symbol(name: str, outcome: str) -> Act:
    """The act of the mailbox of this name. Looked up when it is called, as everywhere."""

    def act(symbol: Symbol, *, by: str, reason: str, force: bool) -> Outcome:  # noqa: ARG001 - for all acts alike
        changed = getattr(mailbox, name)(symbol, by=by, now=timezone.now(), reason=reason)
        return {"outcome": outcome, **({"already": True} if changed is False else {})}

    return act


def _on_quarantine(name: str, outcome: str) -> Act:
    """The act in bulk of this name on what of a symbol is in quarantine; none there is a success too."""

    def act(symbol: Symbol, *, by: str, reason: str, force: bool) -> Outcome:  # noqa: ARG001 - for all acts alike
        entries = quarantine_entries.matching(quarantine_entries.Filter(symbol=symbol.ticker))
        count = getattr(quarantine_bulk, name)(entries, by=by, clock=timezone.now, reason=reason)
        return {"outcome": outcome, "count": count}

    return act


def _delete(symbol: Symbol, *, by: str, reason: str, force: bool) -> Outcome:
    try:
        removal.delete(symbol, by=by, now=timezone.now(), force=force, reason=reason)
    except BarsWaiting as exc:
        raise ScannerError(f"{exc.waits}; add --force to {exc.drops}") from exc
    return {"outcome": "deleted"}


ACTS: dict[str, Act] = {
    "reset": _on_symbol("reset", "reset"),
    "skip": _on_symbol("skip", "skipped"),
    "enable": _on_symbol("enable", "enabled"),
    "disable": _on_symbol("disable", "disabled"),
    "replay": _on_quarantine("replay_all", "replayed"),
    "discard": _on_quarantine("discard_all", "discarded"),
    "delete": _delete,
}


class Command(BaseCommand):
    """Show the symbols, or do an act on each of those that are named."""

    help = (
        "Show the symbols' status, or do an operator's act on each: reset (close the breaker, run the waiting bar "
        "now), skip (put that bar into quarantine), enable, disable, replay or discard (all bars in quarantine), "
        "delete. Exit status 0 only if it was done with every symbol. See docs/operators.md."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that takes symbols also behind options: `scanner reset --reason "mended" TSLA`."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the action, its symbols and what goes with them."""
        parser.add_argument("action", choices=["status", *ACTS])
        parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="tickers, in upper or lower case")
        parser.add_argument("--all", action="store_true", help="every symbol of the watch list")
        parser.add_argument("--reason", default="", metavar="R", help="why, for the symbols' timeline")
        parser.add_argument("--force", action="store_true", help="with delete: also while bars wait, which are lost")
        parser.add_argument("--json", action="store_true", help="end with the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it; SystemExit carries the exit status 1."""
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
        """The symbols that were asked for, all of them if none was; the counts are always of all."""
        overview = status.overview(timezone.now())
        if found is not None:
            asked = {symbol.ticker for symbol in found}
            overview = replace(overview, symbols=[one for one in overview.symbols if one.symbol in asked])
        self._tell_unknown(unknown)
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
        """One symbol after the other, each for itself: one that fails keeps no other from its turn."""
        how = {"by": _actor(), "reason": options["reason"], "force": options["force"]}
        results = []
        for symbol in chosen:
            results.append(one := _result(ACTS[action], symbol, how))
            if options["all"] and one.get("count") == 0:
                continue  # most symbols have nothing in quarantine; the sum shows it
            stream = self.stderr if options["json"] or "error" in one else self.stdout
            stream.write(_line(one))
        if options["all"] and any("count" in one for one in results):
            (self.stderr if options["json"] else self.stdout).write(_sum(results))
        self._tell_unknown(unknown)
        results += [{"symbol": ticker, "error": str(symbols.SymbolNotFound(ticker))} for ticker in unknown]
        failed = sum("error" in one for one in results)
        if failed and (done := len(results) - failed):
            self.stderr.write(f"Done with {done:,} of {counted(len(results), 'symbol')}.")
        if options["json"]:
            self.stdout.write(json.dumps({"action": action, "results": results}))
        if failed:
            raise SystemExit(1)

    def _tell_unknown(self, unknown: list[str]) -> None:
        for ticker in unknown:
            self.stderr.write(str(symbols.SymbolNotFound(ticker)))


def _check(action: str, names: list[str], options: dict[str, Any]) -> None:
    """Raises CommandError for what doesn't go together, before anything is done."""
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
    """Who runs the command: the system's user, by number where it has no name, as in many containers."""
    try:
        return getpass.getuser()[:MAX_ACTOR]
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _result(act: Act, symbol: Symbol, how: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"symbol": symbol.ticker, **act(symbol, **how)}
    except (ScannerError, OperationalError) as exc:
        return {"symbol": symbol.ticker, "error": str(exc)}


def _line(result: dict[str, Any]) -> str:
    """What became of one symbol, for people."""
    ticker = result["symbol"]
    if error := result.get("error"):
        return error if f" {ticker} " in f" {error} " else f"{ticker}: {error}"
    done = f"was {result['outcome']} already" if result.get("already") else result["outcome"]
    return f"{ticker}: {done}" + (f" {counted(result['count'], 'bar')}" if "count" in result else "")


def _sum(results: list[dict[str, Any]]) -> str:
    """What became of the bars of all symbols, for people."""
    done = [one for one in results if "count" in one]
    bars = counted(sum(one["count"] for one in done), "bar")
    return f"{done[0]['outcome'].capitalize()} {bars} of {counted(len(done), 'symbol')}."


def _table(symbols: list[symbol_status.SymbolSummary], *, terminal: bool) -> str:
    """The symbols for people, a line each; on a terminal the last error has the room that the others leave."""
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
    """The first line of an error, without what could steer a terminal."""
    line = (error or NOTHING).strip().split("\n")[0]
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _rerun_line(one: reruns.RerunProgress) -> str:
    failed = f"; a detector failed: {_first_line(one.last_error)}" if one.failures else ""
    return f"Looking again at {one.symbol} {one.timeframe}: {one.bars_done:,} done, {one.bars_left:,} left{failed}"


def _summary(one: status.Overview) -> str:
    """The whole in one line."""
    return (
        f"Overall: {one.overall_status}; {one.total_symbols:,} symbols, {one.enabled_symbols:,} enabled: "
        f"{one.healthy_symbols:,} healthy, {one.paused_symbols:,} paused, {one.failed_symbols:,} failed; "
        f"{one.bars_per_second:g} bars/s, backlog {one.backlog:,}" + "".join(f"\n  {reason}" for reason in one.reasons)
    )
