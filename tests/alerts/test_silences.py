"""Silences: a symbol or a rule silenced before anything fires."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.alerts import silences
from scanner_app.models import Notification, Silence, Symbol
from tests.alerts.watching import notified, redis_server, state_of, watched
from tests.conftest import T0, accept_days, fail_head, make_symbol

__all__ = ["redis_server", "watched"]  # fixtures

HOUR = timedelta(hours=1)


def waits(watched, settings, *tickers: str) -> None:
    """More bars wait than the limit allows."""
    settings.SCANNER_ALERT_BACKLOG = 1
    for ticker in tickers:
        accept_days(ticker, 3, now=watched.clock.now)


def told_of(rule: str) -> list[str]:
    rows = Notification.objects.filter(alert__rule=rule).order_by("pk")
    return list(rows.values_list("symbol__ticker", flat=True))


@pytest.mark.parametrize(
    ("rule", "ticker", "told"),
    [
        pytest.param("backlog", "", [], id="a rule, of every symbol"),
        pytest.param("backlog", "TSLA", ["AAPL"], id="a rule of one symbol"),
        pytest.param("", "TSLA", ["AAPL"], id="a symbol, all its rules"),
        pytest.param("", "", [], id="everything"),
        pytest.param("slow_symbol", "", ["AAPL", "TSLA"], id="another rule"),
        pytest.param("backlog", "IBM", ["AAPL", "TSLA"], id="another symbol"),
    ],
)
def test_what_is_silenced_before_it_fires_fires_without_a_notification(watched, settings, rule, ticker, told):
    for name in ("TSLA", "AAPL", "IBM"):
        make_symbol(name)
    symbol = Symbol.objects.get(ticker=ticker) if ticker else None
    silences.add(rule, symbol, until=T0 + HOUR, by="olga", now=T0)

    waits(watched, settings, "AAPL", "TSLA")
    watched.look_for(90)

    assert state_of("backlog") == ["firing", "firing"]
    assert sorted(told_of("backlog")) == told


def test_what_still_fires_when_the_silence_ends_is_told_then(watched, settings):
    silences.add("backlog", None, until=T0 + timedelta(minutes=5), by="olga", now=T0)
    waits(watched, settings, "TSLA")
    watched.look_for(290)
    assert notified("backlog") == []

    watched.look_for(15)

    assert notified("backlog") == ["fired"]


def test_an_operator_can_end_it_before_its_time(watched, settings):
    silence = silences.add("backlog", make_symbol("TSLA"), until=T0 + HOUR, by="olga", now=T0)
    waits(watched, settings, "TSLA")
    watched.look_for(90)

    assert silences.end(silence, by="otto", now=watched.clock.now)
    assert not silences.end(silence, by="otto", now=watched.clock.now), "once"
    watched.look()

    assert notified("backlog") == ["fired"]
    row = Silence.objects.get()
    assert (row.ended_by, row.in_force(watched.clock.now)) == ("otto", False)


def test_the_breakers_messages_of_a_silenced_symbol_are_recorded_but_not_sent(symbol, mail_server, settings):
    silences.add("", symbol, until=T0 + HOUR, by="olga", now=T0)
    accept_days("TSLA", 1)

    fail_head(symbol, 3)
    mailbox.reset(symbol, by="olga", now=T0 + timedelta(minutes=2))

    rows = Notification.objects.order_by("pk").values_list("kind", "state", "channel")
    assert list(rows) == [("opened", "skipped", "none"), ("recovered", "skipped", "none")]
    assert Notification.objects.order_by("pk")[0].error == "silenced by olga until 2024-05-31 15:30:00 UTC"


def test_of_another_symbol_they_are_sent(symbol, mail_server):
    silences.add("breaker", make_symbol("AAPL"), until=T0 + HOUR, by="olga", now=T0)
    accept_days("TSLA", 1)

    fail_head(symbol, 3)

    assert list(Notification.objects.values_list("state", flat=True)) == ["pending"]


def test_a_silence_of_a_symbol_is_in_its_timeline_with_its_end(symbol):
    silence = silences.add("backlog", symbol, until=T0 + HOUR, by="olga", now=T0, reason="moving house")
    silences.end(silence, by="otto", now=T0)

    events = symbol.events.order_by("id").values_list("kind", "actor", "reason")
    assert list(events)[-2:] == [
        ("silenced", "olga", "backlog until 2024-05-31 15:30:00 UTC: moving house"),
        ("unsilenced", "otto", "backlog until 2024-05-31 15:30:00 UTC"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "until", "says"),
    [
        pytest.param("nonsense", T0 + HOUR, "'nonsense' is no rule", id="no such rule"),
        pytest.param("backlog", T0, "must be in the future", id="now"),
        pytest.param("backlog", T0 + timedelta(days=31), "within 30 days", id="too far"),
    ],
)
def test_what_makes_no_sense_is_refused(rule, until, says):
    with pytest.raises(ValueError, match=says):
        silences.add(rule, None, until=until, by="olga", now=T0)

    assert not Silence.objects.exists()
