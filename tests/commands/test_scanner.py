"""`manage.py scanner`: the operators' actions from the command line."""

import getpass
import json
import os
import re
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.management.commands import scanner
from scanner_app.messaging import publisher
from scanner_app.models import CircuitBreaker, QuarantinedBar, Symbol, SymbolEvent
from scanner_app.reading import write_checks
from tests.conftest import T0, accept_days, fail_head, make_symbol, row_of, snapshot
from tests.mailbox.test_quarantine_bulk import quarantined

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def removals(monkeypatch):
    """The symbols whose rows the upkeep worker was asked to remove."""
    asked: list[int] = []
    monkeypatch.setattr(publisher, "publish_removal", asked.append)
    return asked


def run(*arguments):
    """Run the command; its exit status and what it wrote."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("scanner", *arguments, stdout=out, stderr=err)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def run_json(*arguments):
    """The same with --json: its exit status and the object of the last line, which is the only one."""
    done = run(*arguments, "--json")
    (line,) = done.out.splitlines()
    return done.code, json.loads(line)


def failing(ticker="TSLA", failures=1, waiting=1):
    accept_days(ticker, 1 + waiting)
    symbol = Symbol.objects.get(ticker=ticker)
    fail_head(symbol, failures)
    return symbol


def everything():
    return [snapshot(symbol) for symbol in Symbol.objects.order_by("pk")]


def last_event(symbol):
    return SymbolEvent.objects.filter(symbol=symbol).latest("id")


def is_reset(symbol):
    return row_of(symbol).attempts == 0 and CircuitBreaker.objects.get(symbol=symbol).failures == 0


def is_skipped(symbol):
    return (row_of(symbol).cursor, row_of(symbol).head) == (1, 2)


def is_disabled(symbol):
    return not Symbol.objects.get(pk=symbol.pk).enabled


def is_deleted(symbol):
    return Symbol.objects.get(pk=symbol.pk).deleted_at is not None


@pytest.mark.parametrize(
    ("arguments", "outcome", "holds", "kind"),
    [
        pytest.param(["reset"], "reset", is_reset, "reset", id="reset"),
        pytest.param(["skip"], "skipped", is_skipped, "skipped", id="skip"),
        pytest.param(["disable"], "disabled", is_disabled, "disabled", id="disable"),
        pytest.param(["delete", "--force"], "deleted", is_deleted, "deleted", id="delete"),
    ],
)
def test_an_act_is_done_with_the_named_symbol_alone_whatever_its_case(arguments, outcome, holds, kind):
    symbol, other = failing("BRK.B", 3), failing("TSLA", 3)
    before = snapshot(other)

    done = run(*arguments, "brk.b", "--reason", "feed mended")

    assert (done.code, done.out, done.err) == (0, f"BRK.B: {outcome}\n", "")
    assert holds(symbol)
    assert not holds(other)
    assert snapshot(other) == before
    event = last_event(symbol)
    assert (event.kind, event.actor, event.reason) == (kind, getpass.getuser(), "feed mended")


def test_enable_lets_a_disabled_symbol_go_on(symbol):
    mailbox.disable(symbol, by="olga", now=T0)

    assert run("enable", "TSLA").out == "TSLA: enabled\n"
    assert not is_disabled(symbol)
    assert last_event(symbol).kind == "enabled"


@pytest.mark.parametrize(("act", "undo"), [("enable", "disable"), ("disable", "enable")])
def test_a_symbol_that_is_switched_so_already_is_told_as_such(act, undo):
    for ticker in ("TSLA", "AAPL"):
        getattr(mailbox, act)(make_symbol(ticker), by="olga", now=T0)
    getattr(mailbox, undo)(Symbol.objects.get(ticker="TSLA"), by="olga", now=T0)

    done = run(act, "--all")
    _, again = run_json(act, "TSLA")

    assert done.out == f"AAPL: was {act}d already\nTSLA: {act}d\n"
    assert again["results"] == [{"symbol": "TSLA", "outcome": f"{act}d", "already": True}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["reset", "TSLA", "AAPL", "--reason", "mended"],
        ["reset", "--reason", "mended", "TSLA", "AAPL"],
        ["--reason", "mended", "reset", "TSLA", "AAPL"],
        ["reset", "TSLA", "--reason", "mended", "AAPL"],
    ],
    ids=" ".join,
)
def test_options_may_stand_anywhere(symbol, arguments):
    make_symbol("AAPL")

    assert run(*arguments).out == "TSLA: reset\nAAPL: reset\n"
    assert {event.reason for event in SymbolEvent.objects.filter(kind="reset")} == {"mended"}


@pytest.mark.parametrize(("act", "outcome"), [("replay", "replayed"), ("discard", "discarded")])
def test_replay_and_discard_take_all_that_is_in_quarantine_of_the_named_symbols(act, outcome):
    quarantined("TSLA", 2)
    quarantined("AAPL")
    make_symbol("IDLE")

    done = run(act, "TSLA", "IDLE", "--reason", "mended")

    assert done.code == 0
    assert done.out == f"TSLA: {outcome} 2 bars\nIDLE: {outcome} 0 bars\n"
    assert set(QuarantinedBar.objects.filter(symbol__ticker="TSLA").values_list("resolution", flat=True)) == {outcome}
    assert QuarantinedBar.objects.get(symbol__ticker="AAPL").resolution == ""
    events = SymbolEvent.objects.filter(kind=outcome)
    assert [(event.actor, event.reason) for event in events] == [(getpass.getuser(), "mended")] * 2


def test_replay_of_all_names_those_that_had_bars_in_quarantine_and_the_sum():
    quarantined("TSLA", 2)
    for ticker in ("AAPL", "MSFT"):
        make_symbol(ticker)

    assert run("replay", "--all").out == "TSLA: replayed 2 bars\nReplayed 2 bars of 3 symbols.\n"
    assert run("replay", "--all").out == "Replayed 0 bars of 3 symbols.\n"


@pytest.mark.parametrize("act", ["reset", "disable", "enable", "replay", "discard"])
def test_all_is_every_symbol_of_the_watch_list_but_none_that_is_being_deleted(act):
    for ticker in ("TSLA", "AAPL"):
        make_symbol(ticker)
    gone = make_symbol("GONE")
    Symbol.objects.filter(pk=gone.pk).update(deleted_at=T0)
    before = snapshot(gone)

    code, printed = run_json(act, "--all")

    assert code == 0
    assert [one["symbol"] for one in printed["results"]] == ["AAPL", "TSLA"]
    assert snapshot(gone) == before


@pytest.mark.parametrize("unknown", ["XYZ", "a b", "GONE", "Ä", "\udcff", "x" * 200])
def test_an_unknown_symbol_is_named_and_keeps_the_others_from_nothing(unknown):
    Symbol.objects.filter(pk=make_symbol("GONE").pk).update(deleted_at=T0)
    symbol = failing()

    done = run("reset", unknown, "tsla")

    assert done.code == 1
    assert f"Symbol {unknown.upper().encode(errors='backslashreplace').decode()} not found\n" in done.err
    assert "Done with 1 of 2 symbols." in done.err
    assert done.out == "TSLA: reset\n"
    assert is_reset(symbol)


def test_one_that_fails_keeps_no_other_from_its_turn(symbol):
    waiting = failing("AAPL")
    before = snapshot(symbol)

    done = run("skip", "TSLA", "AAPL")

    assert (done.code, done.out) == (1, "AAPL: skipped\n")
    assert done.err == "TSLA has no bar in flight to skip\nDone with 1 of 2 symbols.\n"
    assert is_skipped(waiting)
    assert snapshot(symbol) == before


def test_a_database_that_is_away_for_one_is_told_and_the_next_has_its_turn(monkeypatch, symbol):
    other = failing("AAPL")
    reset = mailbox.reset

    def away_for_tsla(symbol, **more):
        if symbol.ticker == "TSLA":
            raise OperationalError("database is locked")
        reset(symbol, **more)

    monkeypatch.setattr(mailbox, "reset", away_for_tsla)

    done = run("reset", "TSLA", "AAPL")

    assert (done.code, done.err.splitlines()[0]) == (1, "TSLA: database is locked")
    assert is_reset(other)


def test_a_symbol_named_twice_is_acted_on_once(symbol):
    assert run("reset", "tsla", "TSLA", "Tsla").out == "TSLA: reset\n"
    assert SymbolEvent.objects.filter(kind="reset").count() == 1


def test_delete_refuses_while_bars_wait_and_asks_for_the_removal_when_it_does_not(
    removals, django_capture_on_commit_callbacks
):
    waiting, idle = failing("TSLA", waiting=1), make_symbol("AAPL")
    before = snapshot(waiting)

    with django_capture_on_commit_callbacks(execute=True):
        done = run("delete", "TSLA", "AAPL")

    assert (done.code, done.out) == (1, "AAPL: deleted\n")
    assert "\n2 bars of TSLA wait; add --force to drop them\n" in f"\n{done.err}"
    assert snapshot(waiting) == before
    assert not is_deleted(waiting)
    assert removals == [idle.pk]


def test_a_single_bar_that_waits_is_told_in_the_singular():
    failing("TSLA", waiting=0)

    assert run("delete", "TSLA").err == "1 bar of TSLA waits; add --force to drop it\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["reset"], "reset needs the symbols it is for, or --all", id="an act on nothing"),
        pytest.param(["discard", "--json"], "discard needs the symbols", id="nothing, as JSON"),
        pytest.param(["reset", "TSLA", "--all"], "not both", id="some and all"),
        pytest.param(["reset", "TSLA", "--force"], "--force is for delete alone", id="force of what has none"),
        pytest.param(["reset", "TSLA", "--reason", "x" * 1_001], "--reason", id="a reason that is too long"),
        pytest.param(["reset", "TSLA", "--reason", "\udcff"], "--reason", id="a reason that is no text"),
        pytest.param(["explode", "TSLA"], "invalid choice: 'explode'", id="an act that there is not"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_done(arguments, said):
    failing()
    before = everything()

    with pytest.raises(CommandError, match=said):
        run(*arguments)

    assert everything() == before


def test_json_tells_of_every_symbol_in_the_last_line_and_the_rest_goes_to_standard_error():
    quarantined("TSLA")
    make_symbol("IDLE")

    done = run("replay", "tsla", "XYZ", "idle", "--json")

    assert json.loads(done.out) == {
        "action": "replay",
        "results": [
            {"symbol": "TSLA", "outcome": "replayed", "count": 1},
            {"symbol": "IDLE", "outcome": "replayed", "count": 0},
            {"symbol": "XYZ", "error": "Symbol XYZ not found"},
        ],
    }
    assert done.code == 1
    assert done.err == (
        "TSLA: replayed 1 bar\nIDLE: replayed 0 bars\nSymbol XYZ not found\nDone with 2 of 3 symbols.\n"
    )


def test_json_of_an_act_tells_errors_as_such(symbol):
    code, printed = run_json("skip", "TSLA")

    assert (code, printed) == (
        1,
        {"action": "skip", "results": [{"symbol": "TSLA", "error": "TSLA has no bar in flight to skip"}]},
    )


def test_json_of_the_status_is_what_the_api_answers(client, django_user_model):
    failing("TSLA", 3)
    make_symbol("AAPL")
    client.force_login(django_user_model.objects.create_user("rita"))

    code, printed = run_json("status")

    answer = client.get("/api/v1/scanner/status").json()
    assert code == 0
    assert printed.pop("unknown") == []
    for one in [*printed["symbols"], *answer["symbols"]]:
        del one["data_age_seconds"]  # grows between the two
    assert printed == answer
    assert [one["symbol"] for one in printed["symbols"]] == ["AAPL", "TSLA"]


@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_the_status_is_a_table_with_a_line_for_the_whole(arguments):
    accept_days("TSLA", 2)
    fail_head(Symbol.objects.get(), 3, now=timezone.now(), error=ValueError("[bold]no \x1b[31mgood\nsecond line"))
    make_symbol("AAPL")
    before = everything()

    done = run("status", *arguments)

    head, first, second, whole, reason = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert head.split()[:5] == ["Symbol", "State", "Breaker", "Enabled", "Lane"]
    assert first.split()[:7] == ["AAPL", "processing", "closed", "yes", "main", "0", "0"]
    assert second.split()[:7] == ["TSLA", "failed", "open", "yes", "main", "3", "2"]
    assert second.rstrip().endswith("ValueError: [bold]no ?[31mgood")
    assert whole == ("Overall: degraded; 2 symbols, 2 enabled: 1 healthy, 0 paused, 1 failed; 0 bars/s, backlog 2")
    assert reason == "  1 of 2 symbols are healthy, which is under 80 %; not TSLA."
    assert everything() == before


def test_the_status_of_a_scanner_that_does_not_run_says_how_to_start_it(monkeypatch):
    monkeypatch.setattr(write_checks, "broker_problem", lambda: f"{write_checks.NO_ANSWER}: ConnectionError: refused")

    assert run("status").out.splitlines()[-1].strip() == "Is it running? `make up` starts it."


LONG = "no such file: " + "x" * 300


class Terminal(StringIO):
    """Standard output that is a terminal."""

    def isatty(self):
        """It is."""
        return True


def lines_of_the_status(out):
    accept_days("LONGTICKER", 2)
    fail_head(Symbol.objects.get(), 3, now=timezone.now(), error=ValueError(LONG))
    call_command("scanner", "status", stdout=out)
    return out.getvalue().splitlines()


def test_a_long_error_takes_no_room_from_the_other_columns_and_is_whole_where_there_is_no_terminal():
    head, line, *_ = lines_of_the_status(StringIO())

    titles = "Symbol State Breaker Enabled Lane Failures Backlog Processed Avg ms p95 ms"
    assert " ".join(head.split()) == f"{titles} Last processed (UTC) Next attempt (UTC) Last error"
    assert line.split()[:5] == ["LONGTICKER", "failed", "open", "yes", "main"]
    assert line.endswith(f"ValueError: {LONG}")


@pytest.mark.parametrize("columns", [60, 160, 200])
def test_on_a_terminal_the_last_error_alone_gives_way(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))

    head, line, *_ = (re.sub(r"\x1b\[[\d;]*m", "", one) for one in lines_of_the_status(Terminal()))

    assert "Last processed (UTC)" in head
    assert line.split()[:5] == ["LONGTICKER", "failed", "open", "yes", "main"]
    assert line.endswith("…")
    begin = head.index("Last error")
    assert line[begin:].startswith("ValueError: no")
    assert len(line) == max(columns, begin + scanner.SHORTEST_ERROR)


def test_the_status_of_named_symbols_shows_them_alone_and_names_those_that_there_are_not():
    for ticker in ("TSLA", "AAPL", "MSFT"):
        make_symbol(ticker)

    done = run("status", "tsla", "xyz", "msft")
    code, printed = run_json("status", "tsla", "xyz", "msft")

    assert [line.split()[0] for line in done.out.splitlines()] == ["Symbol", "MSFT", "TSLA", "Overall:"]
    assert (done.code, done.err) == (1, "Symbol XYZ not found\n")
    assert code == 1
    assert [one["symbol"] for one in printed["symbols"]] == ["MSFT", "TSLA"]
    assert (printed["total_symbols"], printed["unknown"]) == (3, ["XYZ"])


def test_the_status_takes_as_many_queries_for_forty_symbols_as_for_one():
    def queries():
        with CaptureQueriesContext(connection) as captured:
            run("status", "S0")
        return len(captured)

    make_symbol("S0")
    one = queries()
    for number in range(1, 40):
        make_symbol(f"S{number}")

    assert queries() == one
    assert one <= 8


def test_a_user_without_a_name_is_told_by_number(monkeypatch, symbol):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nameless)

    run("reset", "TSLA")

    assert last_event(symbol).actor == f"uid {os.getuid()}"


def test_a_long_name_is_cut_to_what_an_event_keeps(monkeypatch, symbol):
    monkeypatch.setattr(getpass, "getuser", lambda: "x" * 200)

    assert run("reset", "TSLA").code == 0
    assert last_event(symbol).actor == "x" * 150


def test_every_act_of_the_contract_is_there():
    assert set(scanner.ACTIONS) == {"reset", "skip", "enable", "disable", "replay", "discard", "delete"}


@pytest.mark.parametrize("act", scanner.ACTIONS)
def test_every_act_is_documented_for_operators(settings, act):
    text = (settings.BASE_DIR / "docs" / "operators.md").read_text()

    assert f"| [{act}](#" in text
    assert "manage.py scanner status|reset|skip|enable|disable|replay|discard|delete [SYMBOL…]" in text


# ---------------------------------------------------------------------------------- by a filter, and until a time


@pytest.mark.parametrize(
    ("options", "tickers"),
    [
        (["--state", "failed"], ["OPEN"]),
        (["--retrying"], ["PAUSED"]),
        (["--error", "KeyError"], ["PAUSED"]),
        (["--error", "OSError"], []),
    ],
)
def test_an_action_by_a_filter_is_counted_by_a_dry_run_and_then_done(three, options, tickers):
    before = everything()

    dry = run_json("reset", *options, "--dry-run")

    assert dry == (0, {"action": "reset", "dry_run": True, "count": len(tickers), "symbols": tickers})
    assert everything() == before

    done = run("reset", *options, "--reason", "mended")

    assert done.out.startswith(f"{len(tickers)} symbol{'' if len(tickers) == 1 else 's'} reset: ")
    assert [ticker for ticker in ("OPEN", "PAUSED") if is_reset(Symbol.objects.get(ticker=ticker))] == tickers


def test_disabled_ones_are_enabled_together(three):
    until = timezone.now() + timedelta(hours=1)
    run("disable", "OPEN", "FINE", "--until", until.isoformat())
    assert set(Symbol.objects.filter(disabled_until=until).values_list("ticker", flat=True)) == {"OPEN", "FINE"}

    assert run_json("enable", "--disabled")[1]["symbols"] == ["FINE", "OPEN"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reset", "TSLA", "--retrying"], "one of them"),
        (["reset", "--all", "--retrying"], "one of them"),
        (["reset", "TSLA", "--dry-run"], "--dry-run needs a filter"),
        (["delete", "--state", "failed"], "A filter is for"),
        (["status", "--state", "failed"], "A filter is for"),
        (["reset", "TSLA", "--until", "2999-01-01"], "--until is for disable alone"),
        (["disable", "TSLA", "--until", "2024-01-01"], "must be in the future"),
        (["disable", "TSLA", "--until", "noon"], "must be an ISO 8601 time"),
    ],
)
def test_options_that_do_not_fit_together_are_refused_before_anything_is_done(symbol, arguments, says):
    before = everything()

    with pytest.raises(CommandError, match=says):
        call_command("scanner", *arguments)

    assert everything() == before
