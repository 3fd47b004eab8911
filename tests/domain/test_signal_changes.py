"""What a second look at a bar changes in its signals."""

from dataclasses import dataclass

import pytest

from scanner_app.domain.signal_changes import changes


@dataclass(frozen=True)
class Sign:
    detector: str
    pattern: str
    direction: str
    strength: float


DOJI = Sign("candles", "DOJI", "neutral", 100.0)
STAR = Sign("candles", "STAR", "bullish", 80.0)
SPRING = Sign("wyckoff", "SPRING", "bullish", 50.0)


@pytest.mark.parametrize(
    ("found", "stored", "ran", "withdrawn", "added"),
    [
        pytest.param([DOJI], [DOJI], {"candles"}, [], [], id="found again, it stays"),
        pytest.param([], [DOJI], {"candles"}, [DOJI], [], id="not found again"),
        pytest.param([STAR], [], {"candles"}, [], [STAR], id="new"),
        pytest.param(
            [Sign("candles", "DOJI", "neutral", 90.0)],
            [DOJI],
            {"candles"},
            [DOJI],
            [Sign("candles", "DOJI", "neutral", 90.0)],
            id="another strength",
        ),
        pytest.param(
            [Sign("candles", "STAR", "bearish", 80.0)],
            [STAR],
            {"candles"},
            [STAR],
            [Sign("candles", "STAR", "bearish", 80.0)],
            id="another direction",
        ),
        pytest.param([], [SPRING], {"candles"}, [], [], id="its detector did not run"),
        pytest.param([], [SPRING], set(), [], [], id="no detector ran"),
    ],
)
def test_changes(found, stored, ran, withdrawn, added):
    change = changes(found, stored, ran=ran)

    assert (change.withdrawn, change.added) == (withdrawn, added)
