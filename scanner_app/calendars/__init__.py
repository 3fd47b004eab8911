"""When markets trade: which calendar a symbol has, and its sessions.

loading.py  a calendar by its name, from a short process and a file that keeps its result
build.py    that process: it reads the sessions out of the package exchange_calendars

What is counted by the sessions is `domain/trading_hours.py`. May import: domain, Django's settings.
"""

from scanner_app.calendars.loading import calendar_of, hours_of

__all__ = ["calendar_of", "hours_of"]
