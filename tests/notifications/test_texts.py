from datetime import timedelta
from typing import Any

import pytest

from scanner_app.notifications import texts
from scanner_app.notifications.texts import DigestEntry
from tests.conftest import T0

OPENED: dict[str, Any] = {
    "ticker": "TSLA",
    "timeframe": "1d",
    "bar_time": T0,
    "failures": 3,
    "error": ("ValueError", "no good"),
    "half_open_at": T0 + timedelta(seconds=33),
    "now": T0 + timedelta(seconds=3),
}
RECOVERED: dict[str, Any] = {
    "ticker": "TSLA",
    "failures": 4,
    "incident_at": T0,
    "by": "scanner",
    "now": T0 + timedelta(seconds=63),
}


def test_the_subject_says_which_symbol_failed_how_often():
    assert texts.opened(**OPENED).subject == "TSLA processing failed 3 times"


@pytest.mark.parametrize(
    ("renew", "said"),
    [(timedelta(hours=1), "a reminder every 1 h until"), (timedelta(minutes=90), "every 1 h 30 min until")],
)
def test_an_alert_says_how_often_a_reminder_is_sent(renew, said):
    alert = texts.AlertSummary(name="", title="t", severity="error", message="m", runbook="r", began_at=T0)

    assert said in texts.fired(alert, renew=renew).body


def test_with_a_threshold_of_one_the_subject_is_still_english():
    assert texts.opened(**{**OPENED, "failures": 1}).subject == "TSLA processing failed 1 time"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("ValueError: no good\n", id="the error"),
        pytest.param("Bar: 1d, 2024-05-31 14:30:00 UTC", id="the bar"),
        pytest.param("Failures in a row: 3, the last at 2024-05-31 14:30:03 UTC", id="how often and when"),
        pytest.param("From 2024-05-31 14:30:33 UTC on, its first waiting bar runs once", id="when the probe runs"),
        pytest.param("reset|skip|disable TSLA", id="what can be done"),
    ],
)
def test_the_body_says_what_is_wrong_what_follows_and_what_can_be_done(said):
    assert said in texts.opened(**OPENED).body


@pytest.mark.parametrize(
    ("error", "headline"),
    [
        pytest.param(("ValueError", ""), "ValueError", id="an error without a text"),
        pytest.param(("KeyError", "'a'\n  'b'"), "KeyError: 'a' 'b'", id="lines become one"),
        pytest.param(("E", "\0\ud800\x1b[31m"), "E: [31m", id="what PostgreSQL or a terminal chokes on"),
        pytest.param(("E", "x" * 500), "E: " + "x" * 196 + "…", id="too long for a line"),
    ],
)
def test_the_first_line_is_one_readable_line_whatever_the_error_says(error, headline):
    assert texts.opened(**{**OPENED, "error": error}).headline == headline


def test_an_error_of_several_lines_is_given_in_full_below():
    text = texts.opened(**{**OPENED, "error": ("KeyError", "first\nsecond")})

    assert "\n\nfirst\nsecond\n\n" in text.body


def test_an_endless_error_is_cut():
    text = texts.opened(**{**OPENED, "error": ("E", "x" * 1_000_000)})

    assert len(text.body) < 5_000
    assert "x…\n" in text.body


@pytest.mark.parametrize(
    ("by", "headline"),
    [
        pytest.param("scanner", "The probe succeeded after 4 failures in a row and 1 min 3 s.", id="itself"),
        pytest.param("ada", "ada reset the symbol after 4 failures in a row and 1 min 3 s.", id="by an operator"),
    ],
)
def test_a_recovery_says_by_whom_and_after_what(by, headline):
    text = texts.recovered(**{**RECOVERED, "by": by})

    assert (text.subject, text.headline) == ("TSLA recovered", headline)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0.4, "0.4 s", id="at once"),
        pytest.param(1, "1 s", id="one"),
        pytest.param(120, "2 min", id="no seconds over"),
        pytest.param(3_700, "1 h 1 min", id="hours"),
        pytest.param(90_000, "1 day 1 h", id="days"),
        pytest.param(-5, "0 s", id="the clock of another machine is ahead"),
    ],
)
def test_durations_in_words(seconds, words):
    text = texts.recovered(**{**RECOVERED, "now": T0 + timedelta(seconds=seconds)})

    assert text.headline.endswith(f" and {words}.")


def test_a_digest_names_every_symbol_with_its_error():
    named = [DigestEntry(ticker=f"S{n}", at=T0 + timedelta(seconds=n), headline=f"E: {n}") for n in range(5)]

    text = texts.digest_of_opened(named)

    assert text.subject == "5 symbols: processing failed"
    assert "- S4, 14:30:04 UTC: E: 4\n" in text.body
    assert all(f"- S{n}, " in text.body for n in range(5))


def test_a_digest_of_thousands_still_names_all_and_stays_short():
    named = [DigestEntry(ticker=f"S{n}", at=T0, headline="x" * 200) for n in range(5_000)]

    text = texts.digest_of_opened(named)

    assert all(f"S{n}" in text.body for n in range(5_000))
    assert len(text.body) < 60_000


@pytest.mark.parametrize(
    ("digest", "subject"),
    [
        pytest.param(texts.digest_of_opened, "2 symbols: processing failed", id="opened"),
        pytest.param(texts.digest_of_recovered, "2 symbols recovered", id="recovered"),
    ],
)
def test_a_symbol_that_is_named_twice_is_counted_once(digest, subject):
    named = [DigestEntry(ticker=ticker, at=T0, headline="E") for ticker in ("A", "B", "A", "A", "B")]

    assert digest(named).subject == subject
