"""`manage.py replay` end to end: files to rows, the account, the exit status."""

import gzip
import json
import os
import signal
import zipfile
from datetime import UTC, datetime
from functools import partial

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from scanner_app.engine.ingest import accept
from scanner_app.feeds import replay
from scanner_app.feeds.bundled import load_series
from scanner_app.feeds.patience import Outside
from scanner_app.management import replay_session
from scanner_app.management.commands import replay as command
from scanner_app.models import Bar, BarRevision, Symbol
from tests.conftest import accept_days, make_symbol

HEADER = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2024-01-02,1,3,0.5,2,100\n2024-01-03,2,3,1.5,2,0\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="ACME.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def run(capsys):
    """Run the command; return its exit status, its account and what went to standard error."""

    def call(*arguments, **options):
        status: str | int | None = 0
        try:
            call_command("replay", *map(str, arguments), json=True, **options)
        except SystemExit as exc:
            status = exc.code
        out, err = capsys.readouterr()
        assert out.count("\n") == 1, "standard output is for the account alone"
        return status, json.loads(out), err

    return call


def test_a_file_becomes_rows(csv_file, run):
    status, account, err = run(csv_file(HEADER + GOOD))

    seconds = account.pop("seconds")
    assert seconds >= 0
    assert (status, account) == (
        0,
        {
            "accepted": 2,
            "revised": 0,
            "forming": 0,
            "duplicates": 0,
            "sent_again": 0,
            "conflicts": [],
            "rejected": [],
            "changed": [],
            "conflict_count": 0,
            "rejected_count": 0,
            "skipped": 0,
            "changed_count": 0,
            "missing": 0,
            "waiting": 0,
            "unanswered": 0,
            "interrupted": False,
            "exit_status": 0,
        },
    )
    assert list(Bar.objects.order_by("sequence").values_list("symbol__ticker", "timeframe", "timestamp")) == [
        ("ACME", "1d", datetime(2024, 1, 2, tzinfo=UTC)),
        ("ACME", "1d", datetime(2024, 1, 3, tzinfo=UTC)),
    ]
    assert "2 accepted, 0 duplicates, 0 conflicts, 0 rejected" in err


def test_a_second_run_finds_duplicates_and_is_a_success(csv_file, run):
    path = csv_file(HEADER + GOOD)
    run(path)

    status, account, _ = run(path)

    assert (status, account["accepted"], account["duplicates"]) == (0, 0, 2)
    assert Bar.objects.count() == 2


def test_rejected_and_conflicting_lines_are_told_and_the_exit_status_is_one(csv_file, run):
    run(csv_file(HEADER + GOOD))
    path = csv_file(
        HEADER + "2024-01-02,1,3,0.5,2.5,100\nsoon,1,3,0.5,2,100\n2024-01-05,1,x,1,1,1\n2024-01-04,1,1,1,1,1\n"
    )

    status, account, err = run(path)

    assert status == 1
    assert (account["accepted"], account["duplicates"]) == (1, 0)
    assert account["conflicts"] == [
        {
            "file": str(path),
            "line": 2,
            "symbol": "ACME",
            "timeframe": "1d",
            "timestamp": "2024-01-02T00:00:00Z",
        }
    ]
    rejected = [(row["line"], row["field"], row["reason"]) for row in account["rejected"]]
    assert rejected == [(3, "timestamp", "invalid"), (4, "high", "invalid")]
    assert f"{path}:4: rejected (invalid): high must be a number" in err
    assert Bar.objects.get(timestamp="2024-01-02T00:00:00Z").close == 2


def test_symbol_and_timeframe_can_be_given(csv_file, run):
    status, _, _ = run(csv_file(HEADER + "2024-01-02T10:00Z,1,3,0.5,2,100\n"), symbol="btc/usd", timeframe="1h")

    assert status == 0
    assert set(Bar.objects.values_list("symbol__ticker", "timeframe")) == {("BTC/USD", "1h")}


def test_a_timeframe_that_the_file_contradicts_is_an_error(csv_file):
    with pytest.raises(CommandError, match="--timeframe is 1h, but its times are dates"):
        call_command("replay", str(csv_file(HEADER + GOOD)), timeframe="1h")


def test_what_was_inferred_is_said(csv_file, run):
    _, _, err = run(
        csv_file(HEADER.replace("Volume", "Vol.") + "01/02/2024,1,3,0.5,2,\n01/16/2024,1,3,0.5,2,\n"), timeframe="1d"
    )

    assert "dates read as month/day/year, because line 3 has 01/16/2024" in err
    assert "volume is unknown: Vol. is empty" in err


def test_a_vendors_file_without_volumes_is_stored_with_unknown_ones(csv_file, run):
    rows = "20240102 093000;1.1;1.2;1.0;1.1;0\n20240102 093100;1.1;1.2;1.0;1.1;0\n20240102 093200;1.1;1.2;1.0;1.1;0\n"

    status, account, _ = run(csv_file(rows, "DAT_ASCII_EURUSX_M1_202401.csv"))

    assert (status, account["accepted"]) == (0, 3)
    assert list(Bar.objects.order_by("timestamp").values_list("symbol__ticker", "timeframe", "timestamp", "volume"))[
        :1
    ] == [("EURUSX", "1m", datetime(2024, 1, 2, 14, 30, tzinfo=UTC), None)]


def test_an_archive_of_several_symbols_is_fed_in_order_of_time(tmp_path, run):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("B", "A"):
            archive.writestr(f"{name}X.csv", HEADER + GOOD)

    status, account, _ = run(path)

    assert (status, account["accepted"]) == (0, 4)
    assert set(Bar.objects.values_list("symbol__ticker", flat=True)) == {"AX", "BX"}


# --- dry run


def test_a_dry_run_says_how_the_file_is_understood_and_stores_nothing(csv_file, run):
    rows = "".join(f"2024-01-{day:02},1,3,0.5,2,{day}\n" for day in range(1, 9))

    status, account, err = run(csv_file(HEADER + rows + "2024-01-09,1,x,0.5,2,9\n"), dry_run=True)

    (file,) = account["files"]
    assert status == 0
    assert (file["bars"], file["symbols"], file["timeframe"], file["timezone"]) == (9, ["ACME"], "1d", "UTC")
    assert file["columns"]["high"] == "High"
    assert [bar["timestamp"] for bar in file["first"]] == [f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    assert [bar["line"] for bar in file["last"]] == [8, 9, 10]
    assert file["unreadable"] == [{"line": 10, "field": "high", "value": "x"}]
    assert "9 bars of ACME, timeframe 1d" in err
    assert "line 10: high 'x'" in err
    assert not Bar.objects.exists()


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_that_is_refused_is_said_in_json_too(csv_file, capsys, dry_run):
    with pytest.raises(CommandError):
        call_command("replay", str(csv_file(HEADER + GOOD, "data.csv")), json=True, dry_run=dry_run)

    assert "Say --symbol" in json.loads(capsys.readouterr().out)["error"]


def test_a_dry_run_without_json_says_it_on_standard_output(csv_file, capsys):
    call_command("replay", str(csv_file(HEADER + GOOD)), dry_run=True)

    assert "columns: timestamp=Date, open=Open" in capsys.readouterr().out


def test_a_full_backlog_delays_bars_and_loses_none(csv_file, run, settings, monkeypatch):
    settings.SCANNER_MAX_BACKLOG = 1

    slept = []

    def sleep(seconds):
        slept.append(seconds)
        settings.SCANNER_MAX_BACKLOG = 2

    monkeypatch.setattr(replay_session, "Outside", partial(Outside, sleep=sleep, clock=lambda: sum(slept)))

    status, account, _ = run(csv_file(HEADER + GOOD))

    assert (status, account["accepted"], account["rejected"]) == (0, 2, [])
    assert slept == [1]


@pytest.fixture
def accept_at(monkeypatch):
    """Ingest that does something of the test's at the call that brings bars of a symbol."""

    def make(symbol, act):
        def accept_and(bars, *, now, **options):
            report = accept(bars, now=now, **options)
            if any(bar["symbol"] == symbol for bar in bars):
                act()
            return report

        monkeypatch.setattr(replay_session, "accept", accept_and)
        monkeypatch.setattr(replay, "BATCH", 2)

    return make


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_with_the_account_after_the_call_that_is_under_way(csv_file, run, accept_at, signum, code):
    accept_at("A", lambda: os.kill(os.getpid(), signum))

    status, account, err = run(csv_file(HEADER + GOOD, "A.csv"), csv_file(HEADER + "2024-02-02,1,1,1,1,1\n", "B.csv"))

    assert (status, account["accepted"], account["unanswered"], account["interrupted"]) == (code, 2, 0, True)
    assert account["exit_status"] == code
    assert "2 accepted" in err
    assert Bar.objects.count() == 2


def test_ctrl_c_before_the_first_bar_has_an_account_too(csv_file, run, monkeypatch):
    def interrupted(*_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_sources", interrupted)

    status, account, err = run(csv_file(HEADER + GOOD))

    assert (status, account["accepted"]) == (130, 0)
    assert "0 accepted" in err


def test_a_damaged_file_is_an_error_before_any_bar_is_fed(csv_file, tmp_path):
    whole = gzip.compress((HEADER + GOOD * 500).encode())
    path = tmp_path / "ACME.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(CommandError, match=r"ACME\.csv\.gz: cannot be read"):
        call_command("replay", str(csv_file(HEADER + GOOD, "B.csv")), str(path))

    assert not Bar.objects.exists()


def test_a_bug_of_ours_has_an_account_before_its_traceback(csv_file, capsys, accept_at):
    def bug():
        raise ZeroDivisionError("of ours")

    accept_at("B", bug)

    with pytest.raises(ZeroDivisionError):
        call_command(
            "replay",
            str(csv_file(HEADER + GOOD, "A.csv")),
            str(csv_file(HEADER + "2024-02-02,1,1,1,1,1\n", "B.csv")),
            json=True,
        )

    account = json.loads(capsys.readouterr().out)
    assert (account["accepted"], account["unanswered"], account["error"]) == (2, 1, "of ours")


def test_a_missing_table_is_an_error_at_once_and_in_the_account(csv_file, capsys, monkeypatch):
    def broken(bars, **_options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr(replay_session, "accept", broken)

    with pytest.raises((CommandError, ProgrammingError), match="no_such_table"):
        call_command("replay", str(csv_file(HEADER + GOOD)), json=True)

    out, err = capsys.readouterr()
    assert "no_such_table" in json.loads(out)["error"]
    assert "2 bars got no answer before the end" in err


def test_where_standard_error_is_no_terminal_a_line_now_and_then_shows_rate_and_time_left(csv_file, run, monkeypatch):
    monkeypatch.setattr(replay_session, "LINE_EVERY_S", 0)
    monkeypatch.setattr(replay, "BATCH", 1)

    _, _, err = run(csv_file(HEADER + GOOD))

    lines = [line for line in err.splitlines() if "of the input read" in line]
    assert lines[0].startswith("1 bar accepted, 100% of the input read; ")
    assert "bars a second" in lines[0]
    _, _, paced = run(csv_file(HEADER + GOOD), rate=1_000)
    assert "of the input read" not in paced


# --- follow on


def test_history_that_has_changed_is_said_and_is_no_success(csv_file, run):
    run(csv_file(HEADER + GOOD))
    path = csv_file(HEADER + "2024-01-01,1,3,0.5,2,1\n" + GOOD.replace("3,0.5", "3,0.75") + "2024-01-04,1,1,1,1,1\n")

    status, account, err = run(path, follow_on=True)

    assert (status, account["exit_status"]) == (3, 3)
    assert (account["accepted"], account["skipped"], account["changed_count"], account["missing"]) == (1, 3, 1, 1)
    assert [(row["line"], row["timestamp"]) for row in account["changed"]] == [(3, "2024-01-02T00:00:00Z")]
    assert "replay the files with --revise and without --follow-on" in err
    assert f"{path}:3: changed: ACME 1d 2024-01-02T00:00:00Z" in err
    assert Bar.objects.get(timestamp="2024-01-02T00:00:00Z").low == 0.5


def test_the_same_history_is_a_success(csv_file, run):
    path = csv_file(HEADER + GOOD)
    run(path)

    status, account, _ = run(path, follow_on=True)

    assert (status, account["accepted"], account["skipped"], account["changed_count"]) == (0, 0, 2, 0)


# --- the bundled series


def test_the_bundled_series_go_on_after_their_last_accepted_bar(run):
    series = next(each for each in load_series() if each.symbol == "FB")
    status, account, _ = run(bundled=True, symbol="fb")
    assert (status, account["accepted"], account["skipped"]) == (0, 196, 0)
    newest = Bar.objects.order_by("-timestamp")[:6]
    Bar.objects.filter(pk__in=[bar.pk for bar in newest]).delete()

    status, account, _ = run(bundled=True, symbol="FB", follow_on=True)

    assert (status, account["accepted"], account["duplicates"], account["skipped"]) == (0, 6, 0, 190)
    assert Bar.objects.count() == len(series)
    status, account, _ = run(bundled=True, symbol="FB", follow_on=True)
    assert (status, account["accepted"], account["skipped"]) == (0, 0, 196)


def test_a_demo_that_retention_forgets_says_so_and_ends_well_so_that_nobody_starts_it_again(run, settings):
    settings.SCANNER_KEEP_BARS_DAYS = 30

    status, account, err = run(bundled=True, symbol="FB", follow_on=True)

    assert (status, account["accepted"], account["rejected_count"], account["skipped"]) == (0, 0, 0, 196)
    assert err.startswith("The demo has nothing to show: all 196 bundled bars are older than SCANNER_KEEP_BARS_DAYS=30")


def test_bundled_bars_that_are_asked_for_and_too_old_are_rejected_as_such(run, settings):
    settings.SCANNER_KEEP_BARS_DAYS = 30

    status, account, err = run(bundled=True, symbol="FB")

    assert (status, account["rejected_count"]) == (1, 196)
    assert "The demo has nothing to show" in err


def test_ingest_takes_every_kind_of_bundled_ticker_and_bar(run, monkeypatch):
    sources = command._sources
    few = 3

    def first_bars(options, feeds):
        found = sources(options, feeds)
        for source in found:
            lines = [next(source.lines) for _ in range(few)]
            source.lines = iter(lines)
        return found

    monkeypatch.setattr(command, "_sources", first_bars)

    status, account, _ = run(bundled=True)

    assert (status, account["accepted"]) == (0, 20 * few)
    assert set(Bar.objects.values_list("symbol__ticker", flat=True)) == {each.symbol for each in load_series()}


# --- wrong use


def test_revised_values_replace_the_stored_ones(csv_file, run):
    run(csv_file(HEADER + GOOD))
    changed = csv_file(HEADER + GOOD.replace("0.5,2,100", "0.5,2.5,100"))

    status, account, _ = run(changed)
    assert (status, account["revised"], account["conflict_count"]) == (1, 0, 1)
    status, account, err = run(changed, "--revise")

    assert (status, account["revised"], account["duplicates"], account["conflict_count"]) == (0, 1, 1, 0)
    assert "1 revised" in err
    assert Bar.objects.get(sequence=1).close == 2.5
    assert BarRevision.objects.get().source == "replay"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--rate", "0"], "--rate must be a number above 0, not 0", id="a rate of nothing"),
        pytest.param(["--rate=-1"], "--rate must be a number above 0, not -1", id="a negative rate"),
        pytest.param(["--rate", "nan"], "--rate must be a number above 0, not nan", id="no number"),
        pytest.param(["--speed", "inf"], "--speed must be a number above 0, not inf", id="infinite speed"),
        pytest.param(["--rate", "x"], "invalid float value", id="a word"),
        pytest.param(["--rate", "1", "--speed", "1"], "not allowed with", id="two paces"),
        pytest.param(["--timeframe", "2d"], "invalid choice: '2d'", id="an unknown timeframe"),
        pytest.param(
            ["--revise", "--follow-on"], "--follow-on leaves out the known bars", id="to change and leave out"
        ),
        pytest.param(["--bundled"], "and not both", id="files and the bundled series"),
        pytest.param(["missing.csv"], "missing.csv: no such file", id="a file that is not there"),
        pytest.param(["--columns", "x=1"], "--columns: 'x=1' is not FIELD=COLUMN", id="an unknown field"),
        pytest.param(["--timezone", "America/New York"], "did you mean America/New_York", id="an unknown zone"),
        pytest.param(["--dry-run", "--bundled"], "and not both", id="a dry run of the bundled series"),
    ],
)
def test_wrong_use_is_one_clear_error_before_any_bar_is_fed(csv_file, arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("replay", str(csv_file(HEADER + GOOD)), *arguments)

    assert not Bar.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "Name the files to replay, or --bundled", id="nothing to feed"),
        pytest.param(["--bundled", "--symbol", "ACME"], "no bundled series ACME; there are 005930, AAPL", id="unknown"),
        pytest.param(["--bundled", "--timeframe", "1d"], "--timeframe is for files", id="a timeframe"),
    ],
)
def test_the_bundled_series_are_asked_for_rightly_or_not_at_all(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("replay", *arguments)


def test_bundled_symbols_get_their_markets_calendar_before_their_first_bar_and_never_after():
    make_symbol("005930")
    accept_days("PSE:GLO", 1)
    Symbol.objects.filter(pk=make_symbol("PSE:ICT").pk).update(calendar="24/7")

    command._know_markets(["AAPL", "005930", "PSE:AC", "PSE:GLO", "PSE:ICT"])

    assert dict(Symbol.objects.values_list("ticker", "calendar")) == {
        "005930": "XKRX",
        "PSE:AC": "XPHS",
        "PSE:GLO": "",
        "PSE:ICT": "24/7",
    }


def test_where_unknown_symbols_are_rejected_the_bundled_ones_are_too(settings):
    settings.SCANNER_UNKNOWN_SYMBOLS = "reject"

    command._know_markets(["PSE:AC"])

    assert not Symbol.objects.exists()
