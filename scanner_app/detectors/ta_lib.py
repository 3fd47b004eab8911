"""TA-Lib, imported without pandas.

Where pandas is installed (it comes with the trading calendars), TA-Lib imports it, to take its series too. That costs
every process of ours 70 MB, and each of its functions a look at all arguments. We give it NumPy arrays alone.
"""

import importlib
import sys
from types import ModuleType
from typing import Any, cast

_FOR_SERIES = ("pandas", "polars")
"""What TA-Lib imports if it can."""


def _without_series() -> ModuleType:
    kept = {name: sys.modules[name] for name in _FOR_SERIES if name in sys.modules}
    for name in _FOR_SERIES:
        sys.modules[name] = cast("Any", None)  # Python's way to say that there is no such module
    try:
        return importlib.import_module("talib")
    finally:
        for name in _FOR_SERIES:
            del sys.modules[name]
        sys.modules.update(kept)


talib = _without_series()
