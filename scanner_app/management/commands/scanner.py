"""`manage.py scanner`: the status and the operators' actions, on the command line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from scanner_app.api.fields import ActIn, utc_time
from scanner_app.api.status import OverviewOut
from scanner_app.domain import enums
from scanner_app.domain.errors import BarsWaiting, ScannerError
from scanner_app.domain.wording import counted
from scanner_app.engine import removal
from scanner_app.mailbox import operate_bulk, quarantine_bulk
from scanner_app.management.start_hint import HOW_TO_START
from scanner_app.management.system_user import system_user
from scanner_app.models import Symbol
from scanner_app.reading import quarantine_entries, reruns, status, symbol_filters, symbol_status, symbols, write_checks

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

    def act(symbol: Symbol, *, by: str, reason: str, until: datetime | None = None, **_: Any) -> ActionResult:
        more = {} if until is None else {"until": until}
        changed = getattr(mailbox, name)(symbol, by=by, now=timezone.now(), reason=reason, **more)
        return {"outcome": outcome, **({"already": True} if changed is False else {})}

    return act


def _on_quarantine(name: str, outcome: str) -> Action:
    """The bulk action of this name on all bars of a symbol in quarantine. It succeeds even if there are none."""

    def act(symbol: Symbol, *, by: str, reason: str, **_: Any) -> ActionResult:
        entries = quarantine_entries.matching(quarantine_entries.Filter(symbol=symbol.ticker))
        count = getattr(quarantine_bulk, name)(entries, by=by, clock=timezone.now, reason=reason)
        return {"outcome": outcome, "count": count}

    return act


def _delete(symbol: Symbol, *, by: str, reason: str, force: bool, **_: Any) -> ActionResult:
    try:
        removal.delete(symbol, by=by, now=timezone.now(), force=force, reason=reason)
    except BarsWaiting as exc:
        raise ScannerError(f"{exc.waits}; add --force to {exc.drops}") from exc
    return {"outcome": "deleted"}


OUTCOMES = {"reset": "reset", "skip": "skipped", "enable": "enabled", "disable": "disabled"}
"""The actions that can be done to all symbols that match a filter, and what the symbols then are."""

ACTIONS: dict[str, Action] = {
    **{name: _on_symbol(name, outcome) for name, outcome in OUTCOMES.items()},
    "replay": _on_quarantine("replay_all", "replayed"),
    "discard": _on_quarantine("discard_all", "discarded"),
    "delete": _delete,
}


@dataclass(frozen=True, slots=True)
class _FilterOption:
    """An option that chooses symbols by how they are doing."""

    option: str
    how: dict[str, Any]

    @property
    def dest(self) -> str:
        """Its name among the parsed options."""
        return self.option.removeprefix("--").replace("-", "_")


BY_FILTER = {
    "state": _FilterOption(
        "--state", {"choices": [one.value for one in enums.SymbolState], "help": "the symbols in this state"}
    ),
    "retrying": _FilterOption(
        "--retrying",
        {
            "action": "store_const",
            "const": True,
            "help": "the symbols whose head failed and waits for its retry, or is the probe",
        },
    ),
    "error_type": _FilterOption(
        "--error", {"metavar": "TYPE", "help": "the symbols that fail with errors of this type, as ValueError"}
    ),
    "enabled": _FilterOption(
        "--disabled", {"action": "store_const", "const": False, "help": "the symbols that are disabled"}
    ),
}
"""The options by the names of the filter's fields."""


class Command(BaseCommand):
    """Show the symbols, or do an action on each of those that are named."""

    help = (
        "Show the symbols' status, or do an operator's action on each: reset (close the breaker, run the waiting bar "
        "now), skip (put that bar into quarantine), enable, disable, replay or discard (all bars in quarantine), "
        "delete; or, by a filter (--state, --retrying, --error, --disabled), on all that match. Exit status 0 only if "
        "it was done with every symbol. See docs/operators.md."
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
        parser.add_argument("--all", action="store_true", help="every symbol")
        for name in BY_FILTER.values():
            parser.add_argument(name.option, **name.how)
        parser.add_argument("--dry-run", action="store_true", help="with a filter: only count, change nothing")
        parser.add_argument("--until", metavar="T", help="with disable: when it is enabled by itself (ISO 8601)")
        parser.add_argument("--reason", default="", metavar="R", help="why, for the symbols' timeline")
        parser.add_argument("--force", action="store_true", help="with delete: also while bars wait, which are lost")
        parser.add_argument("--json", action="store_true", help="end with the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it. Raises SystemExit with status 1 if it was not done with every symbol."""
        action, names = options["action"], options["symbols"]
        _check(action, names, options)
        if wanted := _filter_of(options):
            self._act_on_all(action, wanted, options)
            return
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
        how = {"by": system_user(), "reason": options["reason"], "force": options["force"], "until": options["until"]}
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

    def _act_on_all(self, action: str, wanted: symbol_filters.Filter, options: dict[str, Any]) -> None:
        """Do the action on all symbols that match the filter, or count them."""
        chosen = symbol_filters.matching(wanted, timezone.now())
        if options["dry_run"]:
            tickers = list(operate_bulk.changed_by(action, chosen).values_list("ticker", flat=True))
        else:
            more = {"until": options["until"]} if options["until"] else {}
            tickers = operate_bulk.act_on_all(
                action,
                chosen,
                by=system_user(),
                clock=timezone.now,
                reason=options["reason"],
                matched=wanted.chosen,
                **more,
            )
        would = "would be " if options["dry_run"] else ""
        stream = self.stderr if options["json"] else self.stdout
        stream.write(f"{counted(len(tickers), 'symbol')} {would}{OUTCOMES[action]}: {', '.join(tickers) or 'none'}")
        if options["json"]:
            result = {"action": action, "dry_run": options["dry_run"], "count": len(tickers), "symbols": tickers}
            self.stdout.write(json.dumps(result))

    def _report_unknown(self, unknown: list[str]) -> None:
        for ticker in unknown:
            self.stderr.write(str(symbols.SymbolNotFound(ticker)))


def _check(action: str, names: list[str], options: dict[str, Any]) -> None:
    """Raise CommandError, before anything is done, if arguments do not fit together. Reads the time `until`."""
    filtered = _filter_of(options) is not None
    if filtered and action not in OUTCOMES:
        raise CommandError(f"A filter is for {', '.join(OUTCOMES)} alone")
    if filtered and (names or options["all"]):
        raise CommandError("Give a filter, or name symbols, or give --all: one of them")
    if options["dry_run"] and not filtered:
        raise CommandError("--dry-run needs a filter")
    if options["until"] is not None:
        options["until"] = _until(action, options["until"])
    if names and options["all"]:
        raise CommandError("Name symbols or give --all, not both")
    if action != "status" and not (names or options["all"] or filtered):
        raise CommandError(f"{action} needs the symbols it is for, or --all, or a filter")
    if options["force"] and action != "delete":
        raise CommandError("--force is for delete alone")
    asked = ActIn(data={"reason": options["reason"]})
    if not asked.is_valid():
        raise CommandError(f"--reason: {' '.join(str(one) for one in asked.errors['reason'])}")


def _until(action: str, text: str) -> datetime:
    if action != "disable":
        raise CommandError("--until is for disable alone")
    try:
        until = utc_time(text)
    except ValueError as exc:
        raise CommandError(f"--until {exc}") from None
    if until <= timezone.now():
        raise CommandError("--until must be in the future")
    return until


def _filter_of(options: dict[str, Any]) -> symbol_filters.Filter | None:
    """The filter that the options describe; None without one."""
    wanted = symbol_filters.Filter(**{field: options[one.dest] for field, one in BY_FILTER.items()})
    return None if wanted.empty else wanted


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


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
            f"{one.avg_latency_ms:,.0f}" if one.avg_latency_ms else "-",
            f"{one.p95_latency_ms:,}" if one.p95_latency_ms else "-",
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
    """The overall status and the counts in one line, a line for each reason, and one for the last drill."""
    was_drilled = one.alarm_path.proven_at is not None or one.alarm_path.failed_at is not None
    lines = [*one.reasons, one.alarm_path.said] if was_drilled else [*one.reasons]
    if any(reason.startswith(write_checks.NO_ANSWER) for reason in one.reasons):
        lines.append(HOW_TO_START)
    return (
        f"Overall: {one.overall_status}; {one.total_symbols:,} symbols, {one.enabled_symbols:,} enabled: "
        f"{one.healthy_symbols:,} healthy, {one.paused_symbols:,} paused, {one.failed_symbols:,} failed; "
        f"{one.bars_per_second:g} bars/s, backlog {one.backlog:,}" + "".join(f"\n  {line}" for line in lines)
    )
