"""The symbols of the demo's venue. Written down, so that whoever wants their names need not read the bundled series."""

from typing import Final

INTERVAL: Final = "1m"

SYMBOLS: Final = (
    "005930USDT",
    "AAPLUSDT",
    "ACUSDT",
    "AEVUSDT",
    "ALIUSDT",
    "BDOUSDT",
    "EURUSDT",
    "FBUSDT",
    "GLOUSDT",
    "GOOGLUSDT",
    "GOOGUSDT",
    "IBMUSDT",
    "ICTUSDT",
    "IXICUSDT",
    "JFCUSDT",
    "MBTUSDT",
    "MERUSDT",
    "MSFTUSDT",
    "SPXUSDT",
    "TELUSDT",
)
"""The venue's names of the bundled symbols (bundled_play.py: name_of), sorted."""

ENTRY: Final = f"demo:{','.join(SYMBOLS)}@{INTERVAL}"
"""The live feed that reads all of them, as in SCANNER_FEEDS."""
