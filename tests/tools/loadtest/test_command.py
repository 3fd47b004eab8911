"""`manage.py loadtest`: its options, its token, its report; once against a real scanner."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from scanner_app.accounts import tokens
from scanner_app.management.commands import loadtest as command
from scanner_app.models import ApiToken
from scanner_app.tools.loadtest import feed
from scanner_app.tools.loadtest.client import Unreachable
from scanner_app.tools.loadtest.verdict import Fault
from tests.integration.stack import ROOT, free_port, running_stack
from tests.tools.loadtest.scanners import FakeScanner, Time

SCANNER = ("--url", "http://scanner", "--token", "T")


@pytest.fixture
def time(monkeypatch):
    """Time that passes only in sleeps."""
    made = Time()
    for function in (feed.post_all, feed.drain):
        monkeypatch.setitem(function.__kwdefaults__, "clock", made.clock)
        monkeypatch.setitem(function.__kwdefaults__, "sleep", made.sleep)
    return made


@pytest.fixture
def scanner(time, monkeypatch):
    made = FakeScanner(time)
    monkeypatch.setattr(command, "Client", lambda url, token, *, trust_env: made.client())
    return made


@pytest.fixture
def run(scanner, capsys):
    """Run the command against the fake scanner: exit status, what it printed, its JSON."""

    def call(*arguments):
        status: str | int | None = 0
        try:
            call_command("loadtest", *SCANNER, "--json", "--seconds", "2", "--symbols", "4", *arguments)
        except SystemExit as exc:
            status = exc.code
        out, err = capsys.readouterr()
        assert err == "", "progress is for terminals"
        return status, out, json.loads(out.splitlines()[-1])

    return call


def test_a_good_run_is_told_in_figures_and_a_sentence(run):
    status, out, figures = run()

    assert status == 0
    assert (figures["verdict"], figures["problems"], figures["interrupted"]) == ("good", [], False)
    assert (figures["planned"], figures["accepted"], figures["processed"]) == (200, 200, 200)
    assert figures["latency_ms"] == {"p50": 12, "p95": 12, "p99": 12, "max": 12}
    assert figures["p95_by_part_ms"] == [12] * 6
    assert figures["before"] == {"backlog": 7, "bars_per_second": 1.5}
    assert {figures[fault.name.lower()] for fault in Fault} == {0}
    assert (
        "GOOD: 200 bars of 4 symbols in 2.0 s (100.0/s): p50 12 ms, p95 12 ms, p99 12 ms, max 12 ms; "
        "nothing lost, nothing doubled, nothing out of order.\n"
    ) in out
    assert "200 of 200 bars, 41 POSTs" in out


def test_a_burst_says_when_its_last_bar_was_done(run):
    status, out, figures = run("--burst")

    assert status == 0
    assert figures["rounds_ms"] == {"p50": 12, "p95": 12, "p99": 12, "max": 12}
    assert "last of a burst" in out
    assert "max 12 ms; the last bar of a burst was done after 12 ms at worst; nothing lost" in out


def test_a_cold_start_is_said_to_count(run):
    _, out, figures = run()

    assert figures["first_bars_ms"]["max"] == 12
    assert "first bar of each symbol: p50 12 ms, max 12 ms; counted above too" in out
    assert "last of a burst" not in out


def test_the_rate_is_not_higher_for_the_last_round_being_due_before_the_end(run):
    _, _, figures = run("--burst", "--rate", "4")

    assert (figures["accepted"], figures["elapsed_s"], figures["achieved_rate"]) == (8, 1.0, 4.0)


def test_symbols_are_fresh_each_time(run, scanner):
    runs = {run()[2]["run"] for _ in range(3)}

    assert len(runs) == 3
    assert len(scanner.stored) == 12


def test_a_lost_bar_makes_the_verdict_bad(run, scanner):
    scanner.answers = [{"accepted": 1, "duplicates": 0, "conflicts": [], "rejected": []}]  # and does not store it

    status, out, figures = run()

    assert (status, figures["verdict"], figures["lost"]) == (1, "bad", 1)
    ticker = f"LT{figures['run']}-01"
    assert figures["problems"] == [f"1 bar lost: accepted, but not in the list of bars ({ticker})"]
    assert (
        "BAD: 200 bars of 4 symbols in 2.0 s (100.0/s): p50 12 ms, p95 12 ms, p99 12 ms, max 12 ms. 1 bar lost" in out
    )


def test_a_scanner_that_is_too_slow_in_taking_bars_makes_the_verdict_bad(run, scanner):
    scanner.post_s = 3.0

    status, _, figures = run()

    assert (status, figures["accepted"], figures["processed"]) == (1, 200, 200)
    (problem,) = figures["problems"]
    assert problem.startswith("only 33.")
    assert figures["late_ms"] > 2_000


def test_ctrl_c_ends_with_the_account_so_far(run, scanner, monkeypatch):
    def interrupt(bars):
        if len(scanner.posts) == 2:
            raise KeyboardInterrupt
        return take(bars)

    take = scanner.take
    monkeypatch.setattr(scanner, "take", interrupt)

    status, out, figures = run()

    assert (status, figures["interrupted"], figures["verdict"]) == (130, True, "bad")
    assert (figures["sent"], figures["accepted"]) == (11, 6)
    assert figures["problems"][0] == "interrupted after 0.1 s of posting"
    assert "BAD: 6 bars of 4 symbols" in out


def test_a_second_ctrl_c_leaves_the_bars_unread(run, scanner, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "drain", interrupted)

    status, _, figures = run()

    assert (status, figures["accepted"], figures["processed"]) == (130, 200, 0)
    assert (figures["lost"], figures["drain_s"]) == (0, None)
    assert figures["problems"] == ["interrupted after 2.0 s of posting", "4 symbols not read back"]


def test_a_scanner_that_goes_away_after_the_posting_is_reported(run, scanner, monkeypatch):
    def gone(*args, **kwargs):
        raise Unreachable("GET status got no usable answer: refused")

    monkeypatch.setattr(command, "drain", gone)

    status, _, figures = run()

    assert status == 1
    assert figures["problems"] == ["GET status got no usable answer: refused", "4 symbols not read back"]


# --- wrong use


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--symbols", "0"], "--symbols must be 1 to 1,000, not 0", id="no symbol"),
        pytest.param(["--symbols", "1001"], "--symbols must be 1 to 1,000, not 1001", id="too many symbols"),
        pytest.param(["--symbols", "x"], "invalid int value: 'x'", id="no number"),
        pytest.param(["--rate", "0"], "--rate must be a number above 0, not 0", id="no rate"),
        pytest.param(["--rate", "nan"], "--rate must be a number above 0, not nan", id="a rate that is no number"),
        pytest.param(["--seconds=-1"], "--seconds must be a number above 0, not -1", id="negative time"),
        pytest.param(["--seconds", "inf"], "--seconds must be a number above 0, not inf", id="for ever"),
        pytest.param(
            ["--rate", "0.1", "--seconds", "2"], "--rate 0.1 for --seconds 2 makes no whole bar", id="not a single bar"
        ),
        pytest.param(["--rate", "1e300", "--seconds", "1e300"], "makes more than 1,000,000 bars", id="beyond memory"),
        pytest.param(["--url", "localhost:8000"], "--url must be like http://.*, not 'localhost:8000'", id="no http"),
        pytest.param(["--url", "http://scanner"], "--url needs --token", id="a URL without a token"),
    ],
)
def test_wrong_use_is_one_clear_error(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("loadtest", *arguments)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(401, "answered 401.*POST /api/v1/auth/token gives one", id="a wrong token"),
        pytest.param(403, "answered 403.*scanner_app.add_bar", id="not allowed to send bars"),
    ],
)
def test_a_scanner_that_does_not_let_us_is_one_clear_error(scanner, status, message):
    scanner.answers = [status]

    with pytest.raises(CommandError, match=message) as caught:
        call_command("loadtest", *SCANNER)

    assert caught.value.returncode == 1


def test_nobody_at_the_address_is_one_clear_error():
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(CommandError, match=f"Is a scanner running at {url}"):
        call_command("loadtest", "--url", url, "--token", "T")


# --- the local scanner


@pytest.mark.django_db
def test_without_a_superuser_there_is_no_token_and_the_error_says_what_to_do():
    get_user_model().objects.create_superuser("gone", is_active=False)
    get_user_model().objects.create_user("guest")

    with pytest.raises(CommandError, match=r"no superuser; `manage\.py ensure_admin` makes one"):
        call_command("loadtest")

    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_a_superusers_token_is_made_for_a_day():
    admin = get_user_model().objects.create_superuser("admin")

    secret = command._local_token()

    token = tokens.find(secret)
    assert token is not None
    assert token.user == admin
    assert token.expires_at == token.created_at + timedelta(days=1)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8123", id="this machine"),
        pytest.param("0.0.0.0", "http://127.0.0.1:8123", id="all of IPv4"),  # nothing is bound
        pytest.param("::", "http://[::1]:8123", id="all of IPv6"),
        pytest.param("scanner.lan", "http://scanner.lan:8123", id="a name"),
    ],
)
def test_the_local_address_is_one_that_can_be_called(settings, host, url):
    settings.ENV = settings.ENV.model_copy(update={"WEB_HOST": host, "WEB_PORT": 8123})

    assert command._local_url() == url


def test_the_account_of_a_real_scanner_balances(tmp_path):
    with running_stack(tmp_path, "sqlite") as stack:
        done = subprocess.run(
            [sys.executable, "manage.py", "loadtest", "--seconds", "3", "--rate", "40", "--symbols", "5", "--json"],
            cwd=ROOT,
            env=stack.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        figures = json.loads(done.stdout.splitlines()[-1])
        listed = {ticker: stack.rows("bars", symbol=ticker) for ticker in stored_tickers(stack)}

    # The security log notes the token that it made; nothing else is said.
    assert [line for line in done.stderr.splitlines() if "scanner.security" not in line] == []
    # A busy machine may be slow, which is reported; the account must balance on any.
    assert done.returncode == (0 if figures["verdict"] == "good" else 1)
    assert [p for p in figures["problems"] if not p.startswith(("p95", "only"))] == []
    assert figures["accepted"] == figures["processed"] == figures["sent"] == 120
    assert {figures[fault.name.lower()] for fault in Fault} == {0}
    assert figures["latency_ms"]["max"] >= figures["latency_ms"]["p50"] >= 0
    assert {ticker: len(bars) for ticker, bars in listed.items()} == {
        f"LT{figures['run']}-0{number}": 24 for number in range(1, 6)
    }
    assert figures["latency_ms"]["max"] == max(bar["latency_ms"] for bars in listed.values() for bar in bars)


def stored_tickers(stack):
    return [each["symbol"] for each in stack.status()["symbols"]]
