"""When markets trade: which calendar a symbol has, and trading time between two moments.

hours.py    a calendar's sessions as plain numbers, and what is counted by them; pure
loading.py  a calendar by its name; which calendar a symbol has
build.py    a short process of its own that reads the sessions out of the package exchange_calendars
names.py    the names that there are, so that nobody has to load that package for a list of words
"""

from scanner_app.calendars.loading import calendar_of, hours_of
from scanner_app.domain.calendar_names import ALWAYS_OPEN, NAMES, hint
from scanner_app.domain.trading_hours import Hours

__all__ = ["ALWAYS_OPEN", "NAMES", "Hours", "calendar_of", "hint", "hours_of"]
