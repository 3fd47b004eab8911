"""Asked of stored bars, a rule says what it said in their runs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.engine import rule_book, runs
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, Hit, Rule, Symbol
from scanner_app.signals import asking_rules
from scanner_app.trader_rules import compiled
from tests.conftest import live_message, new_bar, row_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
ABOVE = "on('1h', 'close > 100')"


@pytest.fixture
def story(settings, monkeypatch):
    """Three hours of five-minute bars, each run as it came; the second hour closes above 100, the others below."""
    settings.SCANNER_DERIVE = {"5m": ("1h",)}
    settings.SCANNER_DETECTORS = []
    monkeypatch.setattr(rule_book, "REFRESH_S", -1.0)
    user = User.objects.create_user("rita")
    about = {"timeframes": ["5m"], "created_at": NOON, "changed_at": NOON, "tell_within_s": 10**6}
    Rule.objects.create(owner=user, name="Above", expression=ABOVE, **about)
    create_symbols(["BTCUSDT"], at_most=10, now=NOON)
    symbol = Symbol.objects.get()
    for number in range(36):
        opens = NOON + number * STEP
        monkeypatch.setattr(timezone, "now", lambda at=opens + STEP: at)
        close = 110.0 if 12 <= number < 24 else 90.0
        bar = new_bar("BTCUSDT", timeframe="5m", timestamp=opens, open=close, high=close, low=close, close=close)
        mailbox.accept([bar], now=timezone.now())
        while row_of(symbol).head is not None:
            runs.process_head(live_message(symbol))
    yield symbol
    rule_book.forget()


def test_why_sees_no_derived_hour_that_its_bar_completed(story):
    (hit,) = Hit.objects.all()
    assert hit.timestamp == NOON + timedelta(hours=2)  # the first bar after the hour

    held = {
        bar.timestamp: asking_rules.why(compiled(ABOVE), bar, now=timezone.now()).held
        for bar in Bar.objects.filter(timeframe="5m").select_related("symbol")
    }

    assert held[hit.timestamp - STEP] is False
    assert [at for at, is_so in held.items() if is_so] == [
        NOON + timedelta(hours=2) + number * STEP for number in range(12)
    ]


def test_a_try_out_hits_where_the_rule_did(story):
    found = asking_rules.try_out(compiled(ABOVE), story, "5m", bars=36, cooldown_s=0, now=timezone.now())

    assert [one.timestamp for one in found.hits] == [hit.timestamp for hit in Hit.objects.all()]
    assert found.held == 12


def test_why_sees_no_bar_that_came_later(story):
    bar = Bar.objects.get(timeframe="5m", timestamp=NOON + 20 * STEP)
    mailbox.accept([new_bar("BTCUSDT", timeframe="5m", timestamp=NOON - STEP, close=99.0)], now=timezone.now())
    while row_of(story).head is not None:
        runs.process_head(live_message(story))

    found = asking_rules.why(compiled("previous(close, 21) > 0"), bar, now=timezone.now())

    assert found.held is None
