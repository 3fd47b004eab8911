"""`manage.py asof`."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scanner_app import mailbox
from scanner_app.models import Alert, Symbol
from scanner_app.reading import past_board
from tests.conftest import T0, accept_days, fail_head, make_symbol, row_of, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def story():
    """TSLA has a bar at T0, fails three times from +10 s to +13 s while two wait, recovers at +43 s; AAPL is idle."""
    make_symbol("AAPL")
    accept_days("TSLA", 1)
    symbol = Symbol.objects.get(ticker="TSLA")
    mailbox.complete(start_head(symbol), [], now=T0 + timedelta(seconds=1))
    accept_days("TSLA", 2, first=1, now=T0 + timedelta(seconds=10))
    fail_head(symbol, 3, now=T0 + timedelta(seconds=10))
    done = row_of(symbol).next_attempt_at
    assert done is not None
    for _ in range(2):
        mailbox.complete(start_head(symbol, now=done), [], now=done)
    Alert.objects.create(
        rule="open_breakers",
        severity="error",
        message="a breaker is open",
        began_at=T0,
        fired_at=T0 + timedelta(seconds=15),
        cleared_at=T0 + timedelta(seconds=60),
        state="resolved",
    )
    Symbol.objects.update(created_at=T0)


def shown(seconds, capsys):
    call_command("asof", (T0 + timedelta(seconds=seconds)).isoformat(), "--json")
    board = json.loads(capsys.readouterr().out)
    return {one["symbol"]: one for one in board["symbols"]}, board["alerts"]


def test_it_shows_states_waiting_bars_and_alerts_of_the_time(story, capsys):
    before, alerts = shown(5, capsys)
    assert (before["TSLA"]["state"], before["TSLA"]["backlog"], before["TSLA"]["close"]) == ("processing", 0, 11.0)
    assert (before["AAPL"]["state"], before["AAPL"]["close"], alerts) == ("processing", None, [])

    retrying, _ = shown(11, capsys)
    assert (retrying["TSLA"]["state"], retrying["TSLA"]["backlog"]) == ("paused", 2)

    failed, alerts = shown(20, capsys)
    assert (failed["TSLA"]["state"], failed["TSLA"]["circuit_state"]) == ("failed", "open")
    assert (failed["TSLA"]["consecutive_failures"], failed["TSLA"]["backlog"]) == (3, 2)
    assert failed["TSLA"]["reason"] == "TSLA processing failed 3 times"
    assert alerts == [["error", "open_breakers", "a breaker is open"]]

    after, alerts = shown(61, capsys)
    assert (after["TSLA"]["state"], after["TSLA"]["backlog"], alerts) == ("processing", 0, [])


def test_symbols_that_were_not_there_yet_are_not_shown(story, capsys):
    assert shown(-1, capsys)[0] == {}


def test_in_words(story, capsys):
    call_command("asof", (T0 + timedelta(seconds=20)).isoformat())

    head, aapl, tsla, alert = capsys.readouterr().out.splitlines()
    assert (
        head == "As of 2024-05-31 14:30:20 UTC: 2 symbols, 1 failed, 0 paused; 2 bars waited, 0 in quarantine; 1 alert"
    )
    assert aapl.split()[:3] == ["AAPL", "processing", "closed"]
    assert tsla.endswith("2 waiting  1d bar of 2024-01-01, 11  TSLA processing failed 3 times")
    assert alert == "error: open_breakers: a breaker is open"


@pytest.mark.parametrize("time", ["yesterday", "2999-01-01T00:00:00Z"])
def test_a_time_that_is_none_or_has_not_come_is_refused(time):
    with pytest.raises(CommandError):
        call_command("asof", time)


def test_it_costs_as_many_queries_for_many_symbols(story, django_assert_num_queries):
    for number in range(20):
        accept_days(f"SYM{number}", 1, now=T0)
    Symbol.objects.update(created_at=T0)

    with django_assert_num_queries(6):
        assert len(past_board.read(T0 + timedelta(seconds=20)).symbols) == 22
