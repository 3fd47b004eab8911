"""Which lane a symbol belongs to after a run."""

from typing import NamedTuple

from scanner_app.domain.enums import Lane


class Place(NamedTuple):
    """A symbol's lane, and its progress towards returning to the main lane."""

    lane: str
    quick_bars: int  # quick runs in a row, counted only in the slow lane


INTO_SLOW_LANE = Place(Lane.SLOW, 0)
"""The place of a symbol whose run was slow, hit a time limit or killed its process."""


def after_run(place: Place, run_s: float, *, slow_run_s: float, quick_bars: int) -> Place:
    """The place after a run of `run_s` seconds.

    A run of `slow_run_s` or longer leads to the slow lane; `quick_bars` shorter ones in a row lead back.
    """
    if run_s >= slow_run_s:
        return INTO_SLOW_LANE
    if place.lane == Lane.MAIN:
        return place
    if place.quick_bars + 1 >= quick_bars:
        return Place(Lane.MAIN, 0)
    return Place(Lane.SLOW, place.quick_bars + 1)
