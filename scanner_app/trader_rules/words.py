"""The words that a rule may use. docs/rules.md has them all; meanings.py says what they stand for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Gives(StrEnum):
    """What a word stands for."""

    NUMBER = "number"
    CONDITION = "condition"  # true, false or not known
    EITHER = "number or condition"  # by its last argument


class Takes(StrEnum):
    """What an argument may be."""

    SERIES = "series"  # a number that has a past: 'close', 'high - low', 'sma(close, 20)'
    COUNT = "whole number"
    NUMBER = "number"  # written out, such as 2.5
    PATTERN = "pattern"
    TIMEFRAME = "timeframe"
    ANY = "number or condition"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a word."""

    name: str
    takes: Takes
    default: str | float | None = None  # an expression or number; None: it must be given


@dataclass(frozen=True, slots=True)
class Word:
    """A word, with what a reader wants to know of it."""

    name: str
    gives: Gives
    meaning: str
    example: str
    arguments: tuple[Argument, ...] = ()


MAX_COUNT: Final = 500
"""Most bars that one indicator looks at. Five hundred days are two years."""

_SOURCE = Argument("of", Takes.SERIES)
_BARS = Argument("bars", Takes.COUNT)
_MACD = (
    Argument("fast", Takes.COUNT, 12),
    Argument("slow", Takes.COUNT, 26),
    Argument("signal", Takes.COUNT, 9),
)
_BANDS = (Argument("bars", Takes.COUNT, 20), Argument("width", Takes.NUMBER, 2.0))

_N, _C = Gives.NUMBER, Gives.CONDITION

WORDS: Final[dict[str, Word]] = {
    word.name: word
    for word in (
        # The bar
        Word("open", _N, "the bar's first price", "close > open"),
        Word("high", _N, "its highest price", "high > 100"),
        Word("low", _N, "its lowest price", "low < previous('low', 1)"),
        Word("close", _N, "its last price", "close > 100"),
        Word("volume", _N, "its volume; not known where the sender has none", "volume > 1000000"),
        Word("range", _N, "high - low", "range > 2 * atr(14)"),
        Word("change_percent", _N, "from the close of the bar before to this close", "change_percent > 3"),
        Word("gap_percent", _N, "from the close of the bar before to this open", "gap_percent > 2"),
        # Its signals
        Word(
            "pattern",
            _C,
            "the bar has a signal of this pattern, by its detector's name or as BULLISH_… or BEARISH_…",
            'pattern("BULLISH_ENGULFING")',
            (Argument("name", Takes.PATTERN),),
        ),
        Word("any_bullish", _C, "the bar has a bullish signal", "any_bullish"),
        Word("any_bearish", _C, "the bar has a bearish signal", "any_bearish"),
        Word("strength", _N, "the greatest strength of its signals; 0 without", "strength >= 100"),
        # Indicators
        Word("sma", _N, "simple moving average", "close > sma('close', 50)", (_SOURCE, _BARS)),
        Word("ema", _N, "exponential moving average", "close > ema('close', 20)", (_SOURCE, _BARS)),
        Word("average", _N, "the same as sma", "volume > 2 * average('volume', 20)", (_SOURCE, _BARS)),
        Word("stdev", _N, "standard deviation", "stdev('close', 20) < 0.5", (_SOURCE, _BARS)),
        Word(
            "highest", _N, "the greatest of the last values, this bar's included",
            "close > previous('highest(high, 20)', 1)", (_SOURCE, _BARS),
        ),
        Word(
            "lowest", _N, "the least of the last values, this bar's included",
            "low <= lowest('low', 20)", (_SOURCE, _BARS),
        ),
        Word("rsi", _N, "Wilder's relative strength index of the closes, 0 to 100", "rsi(14) < 30", (_BARS,)),
        Word("atr", _N, "Wilder's average true range", "range > 2 * atr(14)", (_BARS,)),
        Word("macd", _N, "MACD: the fast exponential average less the slow one", "macd(12, 26, 9) > 0", _MACD),
        Word("macd_signal", _N, "MACD's average", "crosses_above('macd', 'macd_signal')", _MACD),
        Word("macd_histogram", _N, "MACD less its average", "macd_histogram > 0", _MACD),
        Word("bbands_upper", _N, "Bollinger's upper band of the closes", "close > bbands_upper(20, 2)", _BANDS),
        Word("bbands_middle", _N, "its middle, the average", "close > bbands_middle(20, 2)", _BANDS),
        Word("bbands_lower", _N, "Bollinger's lower band", "close < bbands_lower(20, 2)", _BANDS),
        # Earlier bars, other timeframes
        Word(
            "previous", _N, "the value some bars ago", "close > previous('high', 1)",
            (_SOURCE, Argument("bars", Takes.COUNT, 1)),
        ),
        Word(
            "crosses_above", _C, "the first was not above the second on the bar before, and is now",
            "crosses_above('close', 'sma(close, 20)')", (_SOURCE, Argument("over", Takes.SERIES)),
        ),
        Word(
            "crosses_below", _C, "the first was not below the second on the bar before, and is now",
            "crosses_below('rsi(14)', '70')", (_SOURCE, Argument("under", Takes.SERIES)),
        ),
        Word(
            "on", Gives.EITHER, "the same on another timeframe: its newest bar that was over when this one was",
            "on('1h', 'close > sma(close, 20)')",
            (Argument("timeframe", Takes.TIMEFRAME), Argument("what", Takes.ANY)),
        ),
        # The session
        Word(
            "minutes_since_open", _N, "from the session's opening to the bar's; not known outside of sessions",
            "minutes_since_open < 30",
        ),
        Word("session_open", _N, "the open of the session's first bar", "close > session_open"),
        Word("session_high", _N, "the highest price of the session before this bar", "high > session_high"),
        Word("session_low", _N, "the lowest price of the session before this bar", "low < session_low"),
        # Arithmetic
        Word("abs", _N, "without its sign", "abs(change_percent) > 5", (_SOURCE,)),
    )
}  # fmt: skip
"""By name, in the order of docs/rules.md."""
