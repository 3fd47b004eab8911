from datetime import UTC, datetime, timedelta

from scanner_app.domain.breaker import Breaker, Rules, State
from scanner_app.domain.past import Past, past_of

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
RULES = Rules(threshold=3, recovery=timedelta(seconds=30))


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def past(*kinds):
    """After these events, a second apart."""
    return past_of((kind, at(number), f"{kind}!") for number, kind in enumerate(kinds))


def test_without_events_a_symbol_was_enabled_and_nothing_failed():
    assert past() == Past()


def test_failures_count_until_a_success_and_the_third_opens_the_breaker():
    opened = past("paused", "paused", "opened")

    assert (opened.attempts, opened.breaker) == (3, Breaker(failures=3, opened_at=at(2), incident_at=at(2)))
    assert opened.reason == "opened!"
    assert [opened.circuit(RULES, at(seconds)) for seconds in (31, 32)] == [State.OPEN, State.HALF_OPEN]
    assert past("paused", "paused", "opened", "closed") == Past()
    assert past("paused", "recovered") == Past()
    assert past("paused", "paused", "opened", "reset") == Past()


def test_a_probe_that_fails_opens_the_breaker_anew_in_the_same_incident():
    found = past("paused", "paused", "opened", "reopened").breaker

    assert (found.failures, found.opened_at, found.incident_at) == (4, at(3), at(2))


def test_a_bar_that_goes_to_quarantine_takes_its_attempts_along_but_not_the_breakers_failures():
    found = past("paused", "paused", "quarantined")

    assert (found.attempts, found.breaker.failures) == (0, 2)


def test_a_symbol_is_disabled_until_it_is_enabled():
    assert not past("disabled").enabled
    assert past("disabled", "enabled").enabled
