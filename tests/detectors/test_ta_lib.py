"""TA-Lib without pandas: what that saves must not come back unseen."""

import subprocess
import sys

SCRIPT = """
import sys
import scanner_app.detectors.candlesticks
assert "talib" in sys.modules
print(*[name for name in ("pandas", "polars", "pyarrow") if name in sys.modules])
import pandas  # who needs it can still have it
"""


def test_the_shipped_detectors_load_neither_pandas_nor_pyarrow_and_whoever_needs_them_still_can():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_a_pandas_that_is_there_already_stays():
    script = (
        "import pandas; kept = pandas; import scanner_app.detectors.ta_lib, sys; assert sys.modules['pandas'] is kept"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
