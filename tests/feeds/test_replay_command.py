"""`manage.py replay` end to end: files to rows, the account, the exit status."""

import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from scanner_app.engine.ingest import accept
from scanner_app.feeds import replay
from scanner_app.feeds.bundled import load_series
from scanner_app.management.commands import replay as command
from scanner_app.models import Bar, Symbol
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
            "duplicates": 0,
            "conflicts": [],
            "rejected": [],
            "conflict_count": 0,
            "rejected_count": 0,
            "skipped": 0,
            "waiting": 0,
            "forming": 0,
            "interrupted": False,
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
    status, _, _ = run(csv_file(HEADER + GOOD), symbol="btc/usd", timeframe="1h")

    assert status == 0
    assert set(Bar.objects.values_list("symbol__ticker", "timeframe")) == {("BTC/USD", "1h")}


def test_a_full_backlog_delays_bars_and_loses_none(csv_file, run, settings, monkeypatch):
    settings.SCANNER_MAX_BACKLOG = 1

    slept = []

    def sleep(seconds):
        slept.append(seconds)
        settings.SCANNER_MAX_BACKLOG = 2

    world = {"sleep": sleep, "clock": lambda: sum(slept)}
    for name, value in world.items():
        monkeypatch.setitem(replay.Replay.__init__.__kwdefaults__, name, value)

    status, account, _ = run(csv_file(HEADER + GOOD))

    assert (status, account["accepted"], account["rejected"]) == (0, 2, [])
    assert slept == [1]


def test_ctrl_c_ends_with_the_account_so_far(csv_file, run, monkeypatch):
    def interrupted(bars, *, now):
        if any(bar["symbol"] == "B" for bar in bars):
            raise KeyboardInterrupt
        return accept(bars, now=now)

    monkeypatch.setattr(command, "accept", interrupted)
    monkeypatch.setattr(replay, "BATCH", 2)

    status, account, err = run(csv_file(HEADER + GOOD, "A.csv"), csv_file(HEADER + "2024-02-02,1,1,1,1,1\n", "B.csv"))

    assert (status, account["accepted"], account["interrupted"]) == (130, 2, True)
    assert "2 accepted" in err


def test_a_damaged_file_is_an_error_after_the_account(csv_file, capsys):
    path = csv_file(HEADER + "2024-01-02,1,3,0.5,2,100\n" * 1_000)
    path.write_bytes(path.read_bytes() + b"\xff\n")

    with pytest.raises(CommandError, match="cannot be read beyond line"):
        call_command("replay", str(path), json=True)

    account = json.loads(capsys.readouterr().out)
    assert "cannot be read" in account["error"]
    assert (account["accepted"], account["duplicates"] > 600) == (1, True)


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

    def first_bars(options):
        found = sources(options)
        for source in found:
            lines = [next(source.lines) for _ in range(few)]
            source.lines = iter(lines)
        return found

    monkeypatch.setattr(command, "_sources", first_bars)

    status, account, _ = run(bundled=True)

    assert (status, account["accepted"]) == (0, 20 * few)
    assert set(Bar.objects.values_list("symbol__ticker", flat=True)) == {each.symbol for each in load_series()}


# --- wrong use


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
        pytest.param(["--bundled"], "and not both", id="files and the bundled series"),
        pytest.param(["missing.csv"], "missing.csv: no such file", id="a file that is not there"),
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
