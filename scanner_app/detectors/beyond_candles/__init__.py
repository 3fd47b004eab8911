"""Detectors that look at more than candles. None is on by default: SCANNER_DETECTORS names those that are to run.

relative_volume.py     a bar with far more volume than usual
gap.py                 an opening beyond the last bar
new_extremes.py        a new high or low of the last bars
session_extremes.py    a new high or low of the session
range_breakout.py      a close beyond a narrow range
average_cross.py       two moving averages cross
rsi_divergence.py      price and RSI go different ways
squeeze.py             the market falls quiet, and wakes up
double_turn.py         double top and double bottom
turns.py               where a series has turned: highs and lows between lower and higher bars

Rules, parameters and sources: docs/beyond-candles.md.
"""

from scanner_app.detectors.beyond_candles.average_cross import AverageCross
from scanner_app.detectors.beyond_candles.double_turn import DoubleTurn
from scanner_app.detectors.beyond_candles.gap import Gap
from scanner_app.detectors.beyond_candles.new_extremes import NewExtremes
from scanner_app.detectors.beyond_candles.range_breakout import RangeBreakout
from scanner_app.detectors.beyond_candles.relative_volume import RelativeVolume
from scanner_app.detectors.beyond_candles.rsi_divergence import RsiDivergence
from scanner_app.detectors.beyond_candles.session_extremes import SessionExtremes
from scanner_app.detectors.beyond_candles.squeeze import Squeeze

__all__ = [
    "AverageCross",
    "DoubleTurn",
    "Gap",
    "NewExtremes",
    "RangeBreakout",
    "RelativeVolume",
    "RsiDivergence",
    "SessionExtremes",
    "Squeeze",
]
