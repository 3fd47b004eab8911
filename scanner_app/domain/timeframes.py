"""The timeframes that bars may have, shortest first."""

from datetime import timedelta
from typing import Final

TIMEFRAMES: Final[dict[str, timedelta]] = {
    "1s": timedelta(seconds=1),
    "1m": timedelta(minutes=1),
    "2m": timedelta(minutes=2),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "10m": timedelta(minutes=10),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "3h": timedelta(hours=3),
    "4h": timedelta(hours=4),
    "6h": timedelta(hours=6),
    "8h": timedelta(hours=8),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "1w": timedelta(weeks=1),
    "1M": timedelta(days=30),
}
"""Name and nominal length. A month has no fixed length; 30 days are enough for ordering and for staleness."""

RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(TIMEFRAMES)}
"""Rank of each timeframe by length, 0 for the shortest."""
