"""When markets trade: which calendar a symbol has, and its sessions.

loading.py  which calendar a symbol has; a calendar's sessions, from a file that build.py made once
build.py    a short process that reads the sessions from the package exchange_calendars

`domain/trading_hours.py` counts trading time and missing bars by the sessions.

May import: domain, Django's settings.
"""

from scanner_app.calendars.loading import calendar_of, hours_if_made, hours_of

__all__ = ["calendar_of", "hours_if_made", "hours_of"]
