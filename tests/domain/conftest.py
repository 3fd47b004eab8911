"""Real calendars."""

from tests.calendars.conftest import new_york

__all__ = ["new_york"]
