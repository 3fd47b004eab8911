"""Bars for stories: written by hand, one line a price."""

import numpy as np

from scanner_app.detectors import Window


def story(close, *, open=None, high=None, low=None, volume=None, times=None, timeframe="1d"):  # noqa: A002 - as in a bar
    """Bars that open where the last one closed and reach 1 beyond their body, unless other prices are given."""
    close = np.asarray(close, dtype=float)
    opened = np.r_[close[:1], close[:-1]] if open is None else np.asarray(open, dtype=float)
    return Window.of(
        symbol="STORY",
        timeframe=timeframe,
        timestamps=np.datetime64("2024-01-01", "us") + np.arange(len(close)) * np.timedelta64(1, "D")
        if times is None
        else np.asarray(times, dtype="datetime64[us]"),
        open=opened,
        high=np.maximum(opened, close) + 1 if high is None else high,
        low=np.minimum(opened, close) - 1 if low is None else low,
        close=close,
        volume=np.full(len(close), 1000.0) if volume is None else volume,
    )


def found(detector, window):
    """What the detector tells of the newest bar: [(pattern, direction)]."""
    return [(one.pattern, str(one.direction)) for one in detector.detect(window)]


def told(detector, window):
    """What it tells along the whole story: {place of the bar: [(pattern, direction)]}."""
    seen = {end - 1: found(detector, window.between(0, end)) for end in range(1, len(window) + 1)}
    return {place: signals for place, signals in seen.items() if signals}


def upside_down(window):
    """The same bars mirrored around 100."""
    return story(
        200 - window.close,
        open=200 - window.open,
        high=200 - window.low,
        low=200 - window.high,
        volume=window.volume,
        times=window.timestamps,
        timeframe=window.timeframe,
    )
