"""Check the parameters of the detectors that ship."""

from typing import Any


def check_whole(owner: object, **bounds: tuple[int, int]) -> None:
    """Each named attribute must be an int from least to most. Raises ValueError, naming attribute and value."""
    for field, (least, most) in bounds.items():
        value: Any = getattr(owner, field)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{field} must be a whole number from {least} to {most}, not {value!r}")


def check_number(owner: object, **bounds: float) -> None:
    """Each named attribute must be a number above 0, at most the bound. Raises ValueError as above."""
    for field, bound in bounds.items():
        value: Any = getattr(owner, field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= bound:
            raise ValueError(f"{field} must be above 0 and at most {bound}, not {value!r}")
