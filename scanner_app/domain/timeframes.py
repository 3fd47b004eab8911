"""The timeframes that bars may have, shortest first."""

from datetime import timedelta
from typing import Final

TIMEFRAMES: Final[dict[str, timedelta]] = {
    "1s": timedelta(seconds=1),
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
    "1M": timedelta(days=30),
}
"""Name and nominal length. A month has no fixed length; 30 days are enough for ordering and for staleness."""

RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(TIMEFRAMES)}
"""Rank of each timeframe by length, 0 for the shortest."""
