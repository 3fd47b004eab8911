"""GET patterns: names of patterns for people."""

import pytest

pytestmark = pytest.mark.django_db


def test_each_pattern_has_its_names_and_a_meaning(reader):
    rows = {one["pattern"]: one for one in reader.get("/api/v1/scanner/patterns").json()}

    assert len(rows) == 76
    assert rows["CDLENGULFING"] == {
        "pattern": "CDLENGULFING",
        "name": "Engulfing",
        "bullish": "Bullish engulfing",
        "bearish": "Bearish engulfing",
        "meaning": "A body that covers all of the body before it, of the other colour: the other side takes over.",
    }
