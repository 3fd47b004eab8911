"""Real calendars."""

from tests.calendars.conftest import always, hong_kong, new_york

__all__ = ["always", "hong_kong", "new_york"]
