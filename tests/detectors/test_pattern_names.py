"""Names of patterns for people."""

import re
from pathlib import Path

import pytest

from scanner_app.detectors.pattern_names import NAMES, meaning_of, name_of
from scanner_app.detectors.ta_lib import talib

PAGE = (Path(__file__).parents[2] / "docs" / "beyond-candles.md").read_text(encoding="utf-8")


def test_every_pattern_of_the_detectors_that_ship_has_a_name_of_its_own():
    described = re.findall(r"^\| \[`\w+`\].*?\| (`.*?`) \|", PAGE, re.MULTILINE)
    beyond = {pattern for cell in described for pattern in re.findall(r"`(\w+)`", cell)}

    assert len(beyond) == 13
    assert set(NAMES) == {*talib.get_function_groups()["Pattern Recognition"], "SPRING", "UPTHRUST"} | beyond
    assert len({one.name for one in NAMES.values()}) == len(NAMES)


@pytest.mark.parametrize("pattern", sorted(NAMES))
def test_every_meaning_is_one_sentence_that_fits_on_a_line(pattern):
    meaning = meaning_of(pattern)

    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert len(meaning) <= 140


@pytest.mark.parametrize(
    ("pattern", "direction", "name"),
    [
        ("CDLENGULFING", "bearish", "Bearish engulfing"),
        ("CDLRISEFALL3METHODS", "bullish", "Rising three methods"),
        ("CDLHAMMER", "bullish", "Hammer"),
        ("CDLENGULFING", "neutral", "Engulfing"),
        ("INSIDE", "neutral", "INSIDE"),
    ],
)
def test_a_signal_is_called_by_its_pattern_and_direction(pattern, direction, name):
    assert name_of(pattern, direction) == name


def test_of_a_foreign_pattern_no_meaning_is_known():
    assert meaning_of("INSIDE") == ""
