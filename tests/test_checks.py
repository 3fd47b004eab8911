"""System checks: bad combinations of settings stop the start."""

import pytest
from django.core.checks import run_checks

import scanner_app.tasks  # noqa: F401 - takes max_retries from the list of delays, before a test changes that
from scanner_app.checks import NOTIFICATIONS


def ids() -> list[str]:
    return [problem.id for problem in run_checks() if problem.id and problem.id.startswith("scanner.")]


def test_the_defaults_pass():
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("SCANNER_RETRY_DELAYS", [], "scanner.E001", id="no delays"),
        pytest.param("SCANNER_RETRY_DELAYS", [1, 0, 4, 8, 16, 30], "scanner.E001", id="a delay of zero"),
        pytest.param("SCANNER_RETRY_DELAYS", [1, -2, 4, 8, 16, 30], "scanner.E001", id="a negative delay"),
        pytest.param("SCANNER_RETRY_DELAYS", [1, 2], "scanner.E002", id="not as long as max_retries"),
        pytest.param("SCANNER_SOFT_LIMIT_S", 15, "scanner.E003", id="the soft limit is not before the hard one"),
        pytest.param("SCANNER_DETECTORS", ["no.such.Detector"], "scanner.E004", id="no such detector"),
        pytest.param("SCANNER_CALENDARS", [("*", "XNYX")], "scanner.E005", id="no such calendar"),
        pytest.param("SCANNER_SHARD", "0/2", "scanner.W001", id="a retired setting: only a warning"),
    ],
)
def test_a_bad_setting_is_an_error_with_a_hint(settings, name, value, problem):
    setattr(settings, name, value)

    assert ids() == [problem]


def test_an_address_that_apprise_does_not_know_is_an_error_without_its_secrets(settings, caplog):
    settings.SCANNER_NOTIFY_URLS = ["json://localhost:1", "foo://secret", "secret"]

    found = run_checks(tags=[NOTIFICATIONS], include_deployment_checks=True)

    assert [problem.id for problem in found] == ["scanner.E008"] * 2
    assert "address 2 (foo)" in found[0].msg
    assert "address 3 (not a URL)" in found[1].msg
    assert "secret" not in str(found) + caplog.text, "apprise itself would log it"
    assert ids() == [], "a command that runs the checks at its start does not load apprise"


@pytest.mark.parametrize(
    ("timeframe", "days", "problems"), [("1d", 1, ["scanner.E006"]), ("1d", 2, []), ("12h", 1, [])]
)
def test_bars_are_kept_long_enough_for_those_that_are_made_of_them(settings, timeframe, days, problems):
    settings.SCANNER_DERIVE = {"1m": ("5m", timeframe)}
    assert ids() == [], "they are kept for ever"

    settings.SCANNER_KEEP_BARS_DAYS = days

    assert ids() == problems
