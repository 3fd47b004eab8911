"""TradingView's alerts: the text to paste as an alert's message, and which of its keys is which field.

From its help pages "How to use a variable value in alert" (solutions/43000531021), "How to configure webhook alerts"
(solutions/43000529348) and "Webhook resubmission", read on 2026-11-29. What matters of them here:

- `{{time}}` is the opening time of the bar in UTC, `{{timenow}}` the moment of the alert, both like
  2019-08-27T09:56:00Z; prices and volume are fixed-point numbers.
- `{{interval}}` is the chart's: minutes as a number (`1`, `60`), or with a letter (`1S`, `D`, `W`, `M`; `10T`: ticks).
  Of a plain price alert it is 1.
- A message that is no JSON comes as text/plain. An answer must come within three seconds. Only an answer of 500 to
  599, without 504, makes it send again: after five seconds, three times at most.
- It fills in placeholders in the message of an alert, but not in the text that a script gives to `alert()`.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

KEYS: Final[Mapping[str, str]] = {
    "symbol": "ticker",
    "timeframe": "interval",
    "timestamp": "time",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "sent_at": "timenow",
}
"""The key of each field. A key has the name of the placeholder that is its value."""

MESSAGE: Final = json.dumps({key: f"{{{{{key}}}}}" for key in KEYS.values()}, indent=2)
"""The text to paste. With quotation marks around the numbers too, so that it is JSON also where one is missing."""

PLACEHOLDER: Final = re.compile(r"\{\{\s*\w+\s*\}\}")

NOT_FILLED_IN: Final = "TradingView fills placeholders in only in the message of an alert, not in a script's alert()"

_TICKS: Final = re.compile(r"\d+T")


def interval(text: str) -> str:
    """The timeframe by its name for `domain.timeframes`. A number of ticks is made one that no timeframe has."""
    # Elsewhere T means minutes, as in pandas: ten ticks must not become ten minutes.
    return f"{text} (ticks)" if _TICKS.fullmatch(text) else text
