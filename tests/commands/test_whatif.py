"""`manage.py whatif`."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.models import Symbol
from tests.conftest import accept_days, fail_head, live_message, row_of, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def an_incident():
    """Three failures and a probe that succeeds, an hour ago, while two bars waited."""
    began = timezone.now() - timedelta(hours=1)
    accept_days("TSLA", 3, now=began)
    symbol = Symbol.objects.get(ticker="TSLA")
    fail_head(symbol, 3, now=began)
    done = row_of(symbol).next_attempt_at
    assert done is not None
    for _ in range(3):
        mailbox.complete(start_head(symbol, now=done), [], now=done)


def test_it_says_what_another_threshold_would_have_changed(an_incident, capsys):
    call_command("whatif", "--threshold", "5")

    head, short, long = capsys.readouterr().out.splitlines()
    assert head == (
        "1 streak of failures in 30 days. With threshold 5, recovery 30 s, delays 1,2,4,8,16,30 "
        "instead of threshold 3, recovery 30 s, delays 1,2,4,8,16,30:"
    )
    assert short.endswith(": 1 opening fewer, as many failed runs, 3 bars sooner, by up to 26 s")
    assert long.endswith(":  as many openings, 2 failed runs more, 3 bars later, by up to 12 s")


def test_as_json(an_incident, capsys):
    call_command("whatif", "--threshold", "5", "--json")

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["present"]["threshold"], answer["other"]["threshold"]) == (3, 5)
    assert answer["shortest_faults"]["openings_if"] == 0
    assert answer["longest_faults"]["bars_later"] == 3


LATE = timedelta(milliseconds=60)
"""How long a run that is due takes, from the queue to its result."""


def fail_late(symbol, times, *, now):
    """Let the head fail, each time a little after it was due; returns when its next run ends."""
    for _ in range(times):
        fail_head(symbol, now=now)
        due = row_of(symbol).next_attempt_at
        assert due is not None
        now = due + LATE
    return now


def test_runs_that_come_some_milliseconds_late_are_as_many_in_thought(db, capsys):
    """`inject AAPL --fail 4`: a fifth run, which there was not, would put the other setting in a better light."""
    began = timezone.now() - timedelta(hours=1)
    accept_days("AAPL", 1, now=began)
    symbol = Symbol.objects.get(ticker="AAPL")
    done = fail_late(symbol, 4, now=began)
    mailbox.complete(start_head(symbol, now=done), [], now=done)

    call_command("whatif", "--threshold", "5")

    _, short, long = capsys.readouterr().out.splitlines()
    assert short.endswith(": as many openings, 1 failed run more, 1 bar sooner, by up to 18 s")
    assert long.endswith(":  as many openings, 2 failed runs more, 1 bar later, by up to 12 s")


def test_a_hold_whose_probes_came_late_is_as_long_in_thought(db, capsys, settings):
    """Its failures share one row, of which only the last one's time is known."""
    began = timezone.now() - timedelta(hours=1)
    accept_days("AAPL", 1, now=began)
    symbol = Symbol.objects.get(ticker="AAPL")
    done = fail_late(symbol, len(settings.SCANNER_RETRY_DELAYS), now=began)
    fail_head(symbol, now=done)
    mailbox.control_failed(live_message(symbol), reason="no good bar yet", now=done)
    done = fail_late(symbol, 20, now=done)
    mailbox.complete(start_head(symbol, now=done), [], now=done)

    call_command("whatif", "--threshold", "5", "--json")

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["shortest_faults"]["failed_runs"] == answer["longest_faults"]["failed_runs"] == 27


def test_an_unusable_bar_fails_once_in_thought_too(db, capsys):
    """`inject GOOG --unusable`: it went to quarantine at its first attempt, and no breaker opened."""
    began = timezone.now() - timedelta(hours=1)
    accept_days("GOOG", 2, now=began)
    symbol = Symbol.objects.get(ticker="GOOG")
    mailbox.quarantine_head(start_head(symbol, now=began), BarUnusable("no"), now=began)
    mailbox.complete(start_head(symbol, now=began + LATE), [], now=began + LATE)

    call_command("whatif", "--threshold", "5")

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("1 streak of failures")
    assert [line.rpartition(":")[2].strip() for line in lines] == ["as many openings, as many failed runs"] * 2


def test_a_bar_that_used_up_its_retries_does_so_with_the_other_setting_too(db, capsys, settings):
    began = timezone.now() - timedelta(hours=1)
    accept_days("GOOG", 2, now=began)
    symbol = Symbol.objects.get(ticker="GOOG")
    done = fail_late(symbol, len(settings.SCANNER_RETRY_DELAYS), now=began)
    fail_head(symbol, now=done)
    mailbox.control_passed(live_message(symbol), now=done + LATE)
    done = (row_of(symbol).next_attempt_at or done) + LATE
    mailbox.complete(start_head(symbol, now=done), [], now=done)

    call_command("whatif", "--delays", "1,2,4", "--json")

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    for found in ("shortest_faults", "longest_faults"):
        assert (answer[found]["failed_runs"], answer[found]["failed_runs_if"]) == (7, 4)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--threshold", "0"], ["--recovery", "0"], ["--delays", "a"], ["--delays", "-1"], ["--delays", ""]],
)
def test_settings_that_are_none_are_refused(arguments, db):
    with pytest.raises(CommandError):
        call_command("whatif", *arguments)


def test_without_failures_nothing_would_have_changed(db, capsys):
    call_command("whatif", "--threshold", "5", "--days", "1")

    assert "0 streaks of failures in 1 days" in capsys.readouterr().out
