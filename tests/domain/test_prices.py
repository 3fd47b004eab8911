"""How a bar's prices enclose each other, down to the dust of floats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain.prices import change_percent, enclosed

PRICES = st.floats(-1e9, 1e9, allow_subnormal=False)


@pytest.mark.parametrize(
    ("high", "low", "within", "field"),
    [
        pytest.param(11.0, 10.5, (10.0, 11.0), "low", id="low above open"),
        pytest.param(11.0, 10.5, (11.0, 10.0), "low", id="low above close"),
        pytest.param(10.5, 10.0, (10.0, 11.0), "high", id="high below close"),
        pytest.param(11.0, 10.0 + 2e-8, (10.0, 11.0), "low", id="a little more than dust"),
        pytest.param(-11.0, -12.0, (-12.0, -10.5), "high", id="below zero"),
        pytest.param(5.0, 20.0, (10.0, 10.0), "low", id="the wrong way round"),
    ],
)
def test_prices_outside_of_high_and_low_are_refused_by_field(high, low, within, field):
    with pytest.raises(ValueError, match=r"is above|is below") as caught:
        enclosed(high, low, within=within)

    assert caught.value.args[0] == field


@given(st.lists(PRICES, min_size=4, max_size=4).map(sorted), st.booleans())
def test_good_prices_stay_as_they_are(prices, rising):
    low, one, other, high = prices

    assert enclosed(high, low, within=(one, other) if rising else (other, one)) == (high, low)


@given(PRICES, PRICES, st.floats(0, 0.9e-9), st.floats(0, 0.9e-9))
def test_dust_is_swept(one, other, above, below):
    top, bottom = max(one, other), min(one, other)
    high, low = top - abs(top) * above, bottom + abs(bottom) * below

    assert enclosed(high, low, within=(one, other)) == (max(high, top), min(low, bottom))


@given(st.tuples(PRICES, PRICES, PRICES, PRICES))
def test_what_is_accepted_holds_and_differs_by_less_than_a_billionth(prices):
    high, low, *within = prices
    try:
        widened = enclosed(high, low, within=(within[0], within[1]))
    except ValueError:
        return
    assert widened[1] <= min(within) <= max(within) <= widened[0]
    assert abs(widened[0] - high) + abs(widened[1] - low) <= 2e-9 * max(map(abs, prices))


@pytest.mark.parametrize(
    ("close", "before", "change"),
    [(101.5, 100, 1.5), (99, 100, -1.0), (1, 3, -66.67), (5, None, None), (5, 0, None), (5, -2, None), (-1, 2, -150.0)],
)
def test_a_change_is_told_in_percent_of_a_price_above_zero(close, before, change):
    assert change_percent(close, before) == change
