"""The limit of requests: each has a weight, and a minute bears so much. Pure.

Binance: 6,000 a minute for spot; over it 429 with Retry-After, and who goes on asking is banned: 418, from two minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60.0
BAN_S: Final = 120.0

BANNED_AFTER: Final = 10
"""Refusals in one window after which a client is banned. (Binance does not say how many.)"""


@dataclass(slots=True, kw_only=True)
class Weights:
    """What the clients have used. There is one address here, so one account for all."""

    limit: int = 6_000  # a minute
    used: int = 0
    _window: float = -1
    _refusals: int = 0
    _banned_until_s: float = 0

    def ask(self, weight: int, now_s: float) -> tuple[int, float]:
        """Count a request at `now_s` (monotonic, in s). Returns a status (200, 429, 418) and the seconds to wait."""
        if now_s < self._banned_until_s:
            return 418, self._banned_until_s - now_s
        window = now_s // WINDOW_S
        if window != self._window:
            self._window, self.used, self._refusals = window, 0, 0
        if self.used + weight <= self.limit:
            self.used += weight
            return 200, 0
        self._refusals += 1
        if self._refusals > BANNED_AFTER:
            self._banned_until_s = now_s + BAN_S
            return 418, BAN_S
        return 429, (window + 1) * WINDOW_S - now_s
