"""Fifth stage, where there is no header: which column is what, by what all of its cells look like.

A time comes first (or a symbol, a timeframe and then a time), then four prices, then perhaps a volume. Which of
the prices is which is shown by the high, which is never below the others, and the low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scanner_app.feeds.reader.columns import Columns, Group
from scanner_app.feeds.reader.errors import Unsettled
from scanner_app.feeds.reader.survey import NumberSurvey, OrderSurvey, TimeSurvey

WIDEST: Final = 60
"""Columns that a file without a header may have."""

_ORDERS: Final[tuple[tuple[tuple[str, str, str, str], str], ...]] = (
    (("open", "high", "low", "close"), "open, high, low, close"),
    (("low", "high", "open", "close"), "low, high, open, close, as Coinbase has them"),
    (("open", "close", "high", "low"), "open, close, high, low, as KuCoin has them"),
    (("close", "high", "low", "open"), "close, high, low, open, as yfinance has them"),
)

_KRAKEN: Final = 7
"""Columns after the time in what Kraken's API answers."""

_ENOUGH: Final = 0.98
"""Share of rows in which the high must be the highest: one bad row does not change what a column is."""


def time_places(times: Sequence[TimeSurvey]) -> tuple[int, int | None]:
    """Return the column of the time, and that of the time of day if it is a column of its own.

    Raises Unsettled if none of the first columns holds times.
    """
    for place, survey in enumerate(times[:4]):
        forms = survey.known_forms
        if survey.share < 0.9 or not any(form.is_calendar or form.unit for form in forms):
            continue
        clock = place + 1
        dates = all(not form.has_time for form in forms)
        if dates and clock < len(times) and times[clock].is_clock:
            return place, clock
        return place, None
    raise Unsettled(
        "has no header, and none of its first columns holds times. Name the columns: --columns timestamp=1,open=2,..."
    )


def find_layout(
    width: int, when: int, clock: int | None, numbers: Sequence[NumberSurvey], order: OrderSurvey
) -> tuple[Columns, str]:
    """Return the columns and how the prices are ordered, in words. Raises Unsettled where the cells do not show it."""
    first = (when if clock is None else clock) + 1
    if width < first + 4:
        raise Unsettled(f"has no header and {width} columns, which is too few for a time and four prices")
    order_of = next((each for each in _ORDERS if _holds(order, each[0].index("high"), each[0].index("low"))), None)
    if order_of is None:
        raise Unsettled(
            "has no header, and none of the four columns after the time is always the highest or the lowest. "
            "Name the columns: --columns timestamp=1,open=2,..."
        )
    prices = {name: first + at for at, name in enumerate(order_of[0])}
    volume = first + 4
    if width - first == _KRAKEN and numbers[first + 6].whole and not numbers[volume].whole:
        volume += 1  # the volume-weighted price stands before the volume
    group = Group(symbol=None, volumes=(volume,) if width > volume else (), **prices)
    names = tuple("" for _ in range(width))
    columns = Columns(groups=(group,), times=(when,), time_of_day=clock, symbol=0 if when else None, names=names)
    return columns, order_of[1]


def _holds(order: OrderSurvey, high: int, low: int) -> bool:
    return order.highest[high] >= _ENOUGH * order.rows and order.lowest[low] >= _ENOUGH * order.rows
