"""What a bar's sender says about it, beside its series and time."""

from typing import Any, Final, Protocol

VALUES: Final = ("open", "high", "low", "close", "volume")
"""Prices and volume, in the order in which statements and files have them."""


class HasValues(Protocol):
    """Anything that has a bar's prices and volume: a bar as it comes, as it is stored, as it runs, as it forms."""

    @property
    def open(self) -> float:
        """The first price."""

    @property
    def high(self) -> float:
        """The highest price."""

    @property
    def low(self) -> float:
        """The lowest price."""

    @property
    def close(self) -> float:
        """The last price."""

    @property
    def volume(self) -> float | None:
        """How much was traded; None: unknown."""


def values_of(bar: HasValues) -> dict[str, Any]:
    """Prices and volume by name: floats, and None for an unknown volume."""
    return {name: getattr(bar, name) for name in VALUES}
