import numpy as np
import pytest

from scanner_app.detectors.beyond_candles.turns import peaks


@pytest.mark.parametrize(
    ("high", "found"),
    [
        pytest.param([1, 2, 3, 2, 1], [2], id="one peak"),
        pytest.param([1, 2, 3, 2], [], id="one bar too early to know"),
        pytest.param([1, 2, 3, 3, 1, 1], [2], id="of equal highs the first"),
        pytest.param([3, 2, 3, 2, 1], [], id="as high as a bar before"),
        pytest.param([1, 2, 4, 2, 1, 2, 3, 2, 1], [2, 6], id="two peaks"),
        pytest.param([1, 1, 1, 1, 1, 1], [], id="a plain"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_a_peak_is_higher_than_the_bars_before_and_not_lower_than_those_after(high, found):
    assert peaks(np.array(high, dtype=float), 2).tolist() == found
