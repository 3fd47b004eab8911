"""Names, patterns, and how a calendar comes into a process."""

import fcntl
import subprocess
import sys
from datetime import UTC, datetime

import exchange_calendars
import pytest

from scanner_app.calendars import calendar_of, hours_if_made, hours_of, loading
from scanner_app.domain.calendar_names import NAMES, ZONES, hint
from scanner_app.domain.trading_hours import Hours
from tests.domain.test_trading_hours import at, traded
from tests.waiting import wait_until

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def trades_on(hours, day):
    return traded(hours, f"{day} 00:00", f"{day} 23:59") > 0


@pytest.fixture(autouse=True)
def nothing_loaded(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr(loading, "_not_made", {})


def test_the_names_are_those_of_the_package():
    assert set(exchange_calendars.get_calendar_names(include_aliases=True)) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_zones_are_those_of_the_package(name):
    dispatcher = exchange_calendars.calendar_utils.global_calendar_dispatcher

    assert ZONES[name] == str(dispatcher._calendar_factories[dispatcher.resolve_alias(name)].tz)


def test_a_wrong_name_gets_a_hint():
    assert hint("XNYE") == "did you mean XNYS or XNZE?" or "XNYS" in hint("XNYE")
    assert "exchange_calendars" in hint("????????")


@pytest.mark.parametrize(
    ("ticker", "own", "calendar"),
    [
        pytest.param("TSLA", "", "XNYS", id="a share"),
        pytest.param("BTC/USD", "", "24/7", id="a pair with a slash"),
        pytest.param("ETHUSDT", "", "24/7", id="a pair without one"),
        pytest.param("SOL-USD", "", "24/7", id="a pair with a dash"),
        pytest.param("BTCUSD", "", "24/7", id="a coin without a sign between"),
        pytest.param("BTC-PERPETUAL", "", "24/7", id="a perpetual future"),
        pytest.param("EURUSD=X", "", "24/5", id="currencies by Yahoo"),
        pytest.param("GBPUSD", "", "24/5", id="currencies"),
        pytest.param("ES=F", "", "CMES", id="a future by Yahoo"),
        pytest.param("7203.T", "", "XTKS", id="Tokyo"),
        pytest.param("SAP.DE", "", "XETR", id="Xetra"),
        pytest.param("BP.L", "", "XLON", id="London"),
        pytest.param("INFY.NS", "", "XBOM", id="NSE, which has the holidays of Bombay"),
        pytest.param("600519.SS", "", "XSHG", id="Shanghai"),
        pytest.param("BRK.B", "", "XNYS", id="a class of shares is no exchange"),
        pytest.param("AAPL.US", "", "XNYS", id="a US share by Stooq"),
        pytest.param("GOOGL", "", "XNYS", id="five letters are no pair"),
        pytest.param("TSLA", "XETR", "XETR", id="its own comes first"),
    ],
)
def test_a_symbols_calendar_is_its_own_or_that_of_the_first_pattern_that_fits(ticker, own, calendar):
    assert calendar_of(ticker, own) == calendar


def test_a_ticker_that_no_pattern_fits_is_always_traded(settings):
    settings.SCANNER_CALENDARS = [("A*", "XNYS")]

    assert (calendar_of("AAPL", ""), calendar_of("MSFT", "")) == ("XNYS", "24/7")


def test_an_exact_ticker_wins_over_the_patterns_before_it(settings):
    settings.SCANNER_CALENDARS = [("^V*", "XNYS"), ("^VIX*", "24/5"), ("*", "24/7")]

    assert [calendar_of(ticker, "") for ticker in ("^VIX*", "^VIX9D", "A")] == ["24/5", "XNYS", "24/7"]


def test_the_sessions_are_worked_out_once_for_all_processes(tmp_path, monkeypatch):
    first = hours_of("XNYS", NOW)
    monkeypatch.setattr(loading, "_loaded", {})  # as in another process
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_options: pytest.fail("worked out again"))

    second = hours_of("XNYS", NOW)

    assert [file.name.split("-")[0] for file in (tmp_path / "calendars").iterdir()] == ["XNYS"]
    christmas = (at("2025-12-24").timestamp(), at("2025-12-26").timestamp())
    assert first.traded_between(*christmas) == second.traded_between(*christmas) == 3.5 * 3600


def test_a_name_with_a_slash_makes_a_file_too():
    hours_of("24/5", NOW)
    loading._loaded.clear()

    assert trades_on(hours_of("24/5", NOW), "2026-03-03")


def test_a_data_folder_that_takes_no_file_costs_time_and_nothing_else(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.write_text("no folder")

    assert trades_on(hours_of("24/5", NOW), "2026-03-03")


def test_a_calendar_that_can_not_be_made_is_asked_for_again_only_after_a_while(monkeypatch):
    asked = []

    def fail(*_args, **_options):
        asked.append(1)
        raise subprocess.TimeoutExpired("build", 30)

    monkeypatch.setattr(subprocess, "run", fail)

    hours = [hours_of("XNYS", NOW) for _ in range(3)]

    assert len(asked) == 1
    assert not any(trades_on(one, "2026-03-03") for one in hours)


def test_no_process_of_ours_imports_pandas_for_a_calendar():
    code = (
        "import django, sys; django.setup()\n"
        "from datetime import datetime, UTC\n"
        "from scanner_app import tasks\n"
        "from scanner_app.domain import staleness\n"
        "from scanner_app.reading import status\n"
        "from scanner_app.calendars import hours_of\n"
        "hours_of('24/7', datetime.now(UTC)); print('pandas' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_who_cannot_wait_does_not_make_a_calendar_and_looks_again_after_a_while(monkeypatch, tmp_path):
    now, begun = 1_000.0, []
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(loading, "_make", lambda *key: begun.append(key))

    assert not hours_if_made("XNYS", NOW).are_known
    assert not list(tmp_path.rglob("*.json"))
    loading._load("XNYS", NOW.year + 1)
    assert not hours_if_made("XNYS", NOW).are_known, "it is not looked at every bar"
    now += loading.LOOK_AGAIN_S
    assert hours_if_made("XNYS", NOW).are_known
    assert hours_if_made("24/7", NOW).are_known
    assert begun == [("XNYS", NOW.year + 1)]


def test_who_cannot_wait_knows_the_calendar_as_soon_as_a_thread_has_made_it(monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "LOOK_AGAIN_S", 3_600)  # so it is not by looking again

    assert not hours_if_made("XNYS", NOW).are_known
    wait_until(lambda: hours_if_made("XNYS", NOW).are_known, "the calendar is known")

    assert len(list(tmp_path.rglob("*.json"))) == 1, "for the other processes too"


def test_a_calendar_that_another_process_makes_is_not_made_twice(monkeypatch, tmp_path):
    monkeypatch.setattr("subprocess.run", None)
    file = loading._file("XNYS", NOW.year + 1).with_suffix(".lock")
    file.parent.mkdir()

    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        loading._make("XNYS", NOW.year + 1)

    assert loading._loaded == {}


def test_a_folder_that_takes_no_files_costs_who_cannot_wait_no_calendar(monkeypatch, tmp_path):
    (tmp_path / "calendars").write_text("no folder")

    loading._make("XNYS", NOW.year + 1)

    assert hours_if_made("XNYS", NOW).are_known


def test_who_cannot_wait_does_not_try_again_itself_what_could_not_be_made(monkeypatch):
    now, begun = 1_000.0, []
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(loading, "_make", lambda *key: begun.append(key))
    monkeypatch.setattr("subprocess.run", None)
    loading._loaded["XNYS", NOW.year + 1] = (now + loading.RETRY_S, Hours([]))

    assert not hours_if_made("XNYS", NOW).are_known
    assert begun == []
    now += loading.RETRY_S + 1
    assert not hours_if_made("XNYS", NOW).are_known
    assert begun == [("XNYS", NOW.year + 1)]


@pytest.mark.parametrize("takes_files", [True, False])
def test_calendars_are_made_one_after_the_other(monkeypatch, tmp_path, takes_files):
    folder = tmp_path / "calendars"
    if not takes_files:
        folder.write_text("no folder")
    alone = []

    def load(*_key):
        if takes_files:
            with (folder / "turn.lock").open("w") as turn, pytest.raises(BlockingIOError):
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone.append(takes_files or loading._making.locked())
        return float("inf"), Hours([])

    monkeypatch.setattr(loading, "_load", load)

    loading._make("XNYS", NOW.year + 1)

    assert alone == [True]


def test_who_waited_for_his_turn_does_not_make_again_what_is_made_by_then(monkeypatch, tmp_path):
    (tmp_path / "calendars").write_text("no folder")
    monkeypatch.setattr(loading, "_load", None)
    loading._loaded["XNYS", NOW.year + 1] = (float("inf"), Hours([]))

    loading._make("XNYS", NOW.year + 1)


def test_a_bar_goes_on_without_its_calendar_if_no_thread_can_start(monkeypatch):
    def fail(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", fail)

    assert not hours_if_made("XNYS", NOW).are_known


def test_a_bar_goes_on_without_its_calendar_if_the_folder_may_not_be_read(monkeypatch):
    monkeypatch.setattr(loading, "_make", lambda *_: None)

    def refuse(*_args, **_options):
        raise PermissionError("no")

    with monkeypatch.context() as patched:
        patched.setattr("os.stat", refuse)
        found = hours_if_made("XNYS", NOW)

    assert not found.are_known
