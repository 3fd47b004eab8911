"""`manage.py whatif`."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.models import Symbol
from tests.conftest import accept_days, fail_head, row_of, start_head

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
