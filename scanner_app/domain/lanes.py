"""Which lane a symbol belongs to after a run."""

from typing import NamedTuple

from scanner_app.domain.enums import Lane


class Place(NamedTuple):
    """Where a symbol is, and how far on its way back."""

    lane: str
    quick_bars: int  # in a row, counted in the slow lane only


HUNG = Place(Lane.SLOW, 0)
"""Where a symbol goes that hit a time limit or killed its process."""


def after_run(place: Place, run_s: float, *, slow_run_s: float, quick_bars: int) -> Place:
    """The place after a run of `run_s` seconds: slow at `slow_run_s`, back after `quick_bars` quicker ones."""
    if run_s >= slow_run_s:
        return HUNG
    if place.lane == Lane.MAIN:
        return place
    if place.quick_bars + 1 >= quick_bars:
        return Place(Lane.MAIN, 0)
    return Place(Lane.SLOW, place.quick_bars + 1)
