"""`manage.py worth`."""

import json

import pytest
from django.core.management import call_command

from scanner_app import mailbox
from scanner_app.models import SignalWorth
from tests.api.conftest import signal_on
from tests.conftest import T0, accept_days, make_symbol, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def series():
    symbol = make_symbol("TSLA")
    signal_on(symbol, 0)
    accept_days("TSLA", 2, first=1)
    for _ in range(2):
        mailbox.complete(start_head(symbol), [], now=T0)


def test_it_says_what_each_kind_was_worth(series, capsys):
    call_command("worth")

    kind, total = capsys.readouterr().out.splitlines()
    assert kind.startswith("spring (wyckoff, bullish, 1d): 1 time, ")
    assert kind.endswith("too few to say")
    assert total == "1 figure worked out."


def test_as_json(series, capsys):
    call_command("worth", "--json")

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["count"] == 1
    assert (answer["results"][0]["pattern"], answer["results"][0]["verdict"]) == ("spring", "too_few")
    assert answer["results"][0]["rule"] is None
    assert SignalWorth.objects.count() == 1
