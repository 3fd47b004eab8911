"""Frames made of series that no rule was written for."""

from datetime import UTC, datetime, timedelta

import numpy as np

from scanner_app.detectors import Finding, Window
from scanner_app.trader_rules import Frame

T0 = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)


def walk(bars: int, seed: int, *, unknown_volume: float = 0.0) -> Window:
    """A random walk of minutes. `unknown_volume`: the share of bars without one."""
    rng = np.random.default_rng(seed)
    close = np.round(100 + rng.normal(0, 0.5, bars).cumsum(), 2)
    opens = np.round(np.r_[100.0, close[:-1]] + rng.normal(0, 0.1, bars), 2)
    high = np.maximum(opens, close) + np.round(abs(rng.normal(0, 0.2, bars)), 2)
    low = np.minimum(opens, close) - np.round(abs(rng.normal(0, 0.2, bars)), 2)
    volume = rng.integers(0, 9_000, bars).astype(float)
    volume[rng.random(bars) < unknown_volume] = np.nan
    times = [T0 + timedelta(minutes=place) for place in range(bars)]
    return Window.of(
        symbol="X", timeframe="1m", timestamps=times, open=opens, high=high, low=low, close=close, volume=volume
    )


def frame(bars: int = 50, seed: int = 1, *signals: tuple[str, str, float]) -> Frame:
    """A frame of a random walk, its last bar with these signals."""
    return Frame(walk(bars, seed), [Finding("x", *one) for one in signals])  # type: ignore[arg-type]


def flat(closes: list[float], **columns: list[float]) -> Frame:
    """A frame of bars whose prices are all their close."""
    values = {"open": closes, "high": closes, "low": closes, "volume": [1.0] * len(closes), **columns}
    times = [T0 + timedelta(minutes=place) for place in range(len(closes))]
    return Frame(Window.of(symbol="X", timeframe="1m", timestamps=times, close=closes, **values))
