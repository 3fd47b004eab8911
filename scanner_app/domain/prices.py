"""What a bar's four prices must be to each other, and how a price changes."""

from typing import Final

DUST: Final = 1e-9
"""Share of a bar's largest price below which a difference is no price but a calculation: adjusted prices are products
of floats, so that high may be below close by their last digits. Real prices have at most seven significant digits."""


def enclosed(high: float, low: float, *, within: tuple[float, float]) -> tuple[float, float]:
    """High and low, widened to hold open and close (`within`) where less than DUST is missing.

    Raises ValueError where more is: first the field, then what is wrong with it.
    """
    lowest, highest = min(within), max(within)
    if low <= lowest and high >= highest:
        return high, low
    dust = DUST * max(abs(value) for value in (high, low, *within))
    if low - lowest >= dust:
        raise ValueError("low", f"{low} is above open {within[0]} or close {within[1]}")
    if highest - high >= dust:
        raise ValueError("high", f"{high} is below open {within[0]} or close {within[1]}")
    return max(high, highest), min(low, lowest)


def change_percent(close: float, before: float | None) -> float | None:
    """From one price to the next, in percent with two decimals; None without a price before, or one not above zero."""
    return round(100 * (close / before - 1), 2) if before is not None and before > 0 else None
