"""What people call the patterns of the detectors that ship, and what each means.

Meanings say what the bars look like and how the pattern is usually read; whether that is worth anything is measured
(docs/worth.md), not promised.
"""

from dataclasses import dataclass
from typing import Final

from scanner_app.detectors.interface import Direction


@dataclass(frozen=True, slots=True)
class PatternName:
    """What people call a pattern."""

    name: str
    meaning: str  # one sentence
    bullish: str  # its name when it is bullish; the name, if it has but one direction
    bearish: str

    def of(self, direction: str) -> str:
        """The name of the pattern in one direction: "Bearish engulfing"."""
        if direction == Direction.BULLISH:
            return self.bullish
        return self.bearish if direction == Direction.BEARISH else self.name


def _one(name: str, meaning: str) -> PatternName:
    """A pattern with one direction, or none of its own."""
    return PatternName(name, meaning, name, name)


def _both(name: str, meaning: str) -> PatternName:
    """A pattern that is bullish or bearish."""
    small = name[0].lower() + name[1:]
    return PatternName(name, meaning, f"Bullish {small}", f"Bearish {small}")


def _two(name: str, bullish: str, bearish: str, meaning: str) -> PatternName:
    """A pattern whose directions have names of their own."""
    return PatternName(name, meaning, bullish, bearish)


NAMES: Final[dict[str, PatternName]] = {
    "CDL2CROWS": _one("Two crows", "After a tall rising bar one opens above it and falls, and the next falls back into its body: a rise that tires."),
    "CDL3BLACKCROWS": _one("Three black crows", "Three tall falling bars in a row, each opening inside the last and closing near its low: sellers in control."),
    "CDL3INSIDE": _two("Three inside", "Three inside up", "Three inside down", "A small body inside the tall one before it, then a close beyond the tall one's open: a turn, confirmed."),
    "CDL3LINESTRIKE": _both("Three-line strike", "Three bars one way, then one bar that takes all of it back: usually read as a pause of the three bars' trend."),
    "CDL3OUTSIDE": _two("Three outside", "Three outside up", "Three outside down", "A body that engulfs the one before it, then a close further the same way: a turn, confirmed."),
    "CDL3STARSINSOUTH": _one("Three stars in the south", "Three falling bars, each smaller and with a higher low than the last: selling that dries up."),
    "CDL3WHITESOLDIERS": _one("Three white soldiers", "Three tall rising bars in a row, each opening inside the last and closing near its high: buyers in control."),
    "CDLABANDONEDBABY": _both("Abandoned baby", "A doji with a gap on both sides after a tall bar, then a bar back the other way: a sharp turn."),
    "CDLADVANCEBLOCK": _one("Advance block", "Three rising bars with ever smaller bodies and longer upper shadows: a rise that meets resistance."),
    "CDLBELTHOLD": _both("Belt-hold", "A tall bar that opens at its own extreme and never goes back there: one side in control from the open."),
    "CDLBREAKAWAY": _both("Breakaway", "A gap and three more bars along a trend, then one bar that closes back inside the gap: a turn."),
    "CDLCLOSINGMARUBOZU": _both("Closing marubozu", "A tall bar that closes at its own extreme, without a shadow there: pressure to the last."),
    "CDLCONCEALBABYSWALL": _one("Concealing baby swallow", "Four falling bars, the last of which swallows the third whole: the end of a fall."),
    "CDLCOUNTERATTACK": _both("Counterattack", "A tall bar answered by one of the other colour that closes at the same price: the other side strikes back."),
    "CDLDARKCLOUDCOVER": _one("Dark cloud cover", "After a tall rising bar one opens above its high and closes deep in its body: a rise that may turn."),
    "CDLDOJI": _one("Doji", "Open and close are almost the same: nobody won. TA-Lib always calls it bullish; by itself it has no direction."),
    "CDLDOJISTAR": _both("Doji star", "A doji beyond a gap after a tall bar: a trend that hesitates."),
    "CDLDRAGONFLYDOJI": _one("Dragonfly doji", "A doji with a long lower shadow alone: sellers pushed it down, buyers brought it back."),
    "CDLENGULFING": _both("Engulfing", "A body that covers all of the body before it, of the other colour: the other side takes over."),
    "CDLEVENINGDOJISTAR": _one("Evening doji star", "A tall rising bar, a doji above it, then a bar that falls deep into the first: a top."),
    "CDLEVENINGSTAR": _one("Evening star", "A tall rising bar, a small body above it, then a bar that falls deep into the first: a top."),
    "CDLGAPSIDESIDEWHITE": _two("Side-by-side white lines", "Up-gap side-by-side white lines", "Down-gap side-by-side white lines", "Two rising bars of the same size side by side beyond a gap: the gap's direction is usually read to go on."),
    "CDLGRAVESTONEDOJI": _one("Gravestone doji", "A doji with a long upper shadow alone: buyers pushed it up and could not hold it. TA-Lib always calls it bullish."),
    "CDLHAMMER": _one("Hammer", "A small body at the top of a long lower shadow, after a fall: sellers pushed it down, buyers brought it back."),
    "CDLHANGINGMAN": _one("Hanging man", "The shape of a hammer, after a rise: a first heavy bout of selling."),
    "CDLHARAMI": _both("Harami", "A small body inside the tall body before it: a trend that loses its force."),
    "CDLHARAMICROSS": _both("Harami cross", "A doji inside the tall body before it: a trend that loses its force."),
    "CDLHIGHWAVE": _both("High-wave candle", "A small body with very long shadows on both sides: great movement and no decision."),
    "CDLHIKKAKE": _both("Hikkake", "An inside bar whose breakout fails at once: those who followed it are trapped, and the price goes the other way."),
    "CDLHIKKAKEMOD": _both("Modified hikkake", "A hikkake with a further, narrower bar before it, at the end of a move."),
    "CDLHOMINGPIGEON": _one("Homing pigeon", "A small falling body inside a tall falling one: selling that weakens."),
    "CDLIDENTICAL3CROWS": _one("Identical three crows", "Three tall falling bars, each opening where the last closed: sellers in control."),
    "CDLINNECK": _one("In-neck", "After a tall falling bar a small one opens lower and closes just inside its body: a weak bounce in a fall."),
    "CDLINVERTEDHAMMER": _one("Inverted hammer", "A small body below a long upper shadow, after a fall: buyers try for the first time."),
    "CDLKICKING": _both("Kicking", "Two bars without shadows, of different colours, with a gap between them: a sudden change of mind."),
    "CDLKICKINGBYLENGTH": _both("Kicking by length", "A kicking whose direction is that of the longer of its two bars."),
    "CDLLADDERBOTTOM": _one("Ladder bottom", "Four falling bars, the last with an upper shadow, then a bar that opens higher and rises: the end of a fall."),
    "CDLLONGLEGGEDDOJI": _one("Long-legged doji", "A doji with long shadows: great movement and no decision. TA-Lib always calls it bullish."),
    "CDLLONGLINE": _both("Long line candle", "A tall body with short shadows: one side in control."),
    "CDLMARUBOZU": _both("Marubozu", "A tall body without shadows: one side in control from open to close."),
    "CDLMATCHINGLOW": _one("Matching low", "Two falling bars that close at the same price: a floor that held."),
    "CDLMATHOLD": _one("Mat hold", "A tall rising bar, a gap and three small bars that hold above it, then a new high: the rise goes on."),
    "CDLMORNINGDOJISTAR": _one("Morning doji star", "A tall falling bar, a doji below it, then a bar that rises deep into the first: a bottom."),
    "CDLMORNINGSTAR": _one("Morning star", "A tall falling bar, a small body below it, then a bar that rises deep into the first: a bottom."),
    "CDLONNECK": _one("On-neck", "After a tall falling bar a small one opens lower and closes at its low: a weak bounce in a fall."),
    "CDLPIERCING": _one("Piercing pattern", "After a tall falling bar one opens below its low and closes above the middle of its body: a fall that may turn."),
    "CDLRICKSHAWMAN": _one("Rickshaw man", "A long-legged doji whose body is in the middle: no decision. TA-Lib always calls it bullish."),
    "CDLRISEFALL3METHODS": _two("Rising or falling three methods", "Rising three methods", "Falling three methods", "A tall bar, three small ones inside its range, then another tall one: the trend rests and goes on."),
    "CDLSEPARATINGLINES": _both("Separating lines", "A bar against the trend, then one that opens at the same price and goes with it: the trend goes on."),
    "CDLSHOOTINGSTAR": _one("Shooting star", "A small body below a long upper shadow, above a gap, after a rise: buyers could not hold the high."),
    "CDLSHORTLINE": _both("Short line candle", "A small body with short shadows: little happened."),
    "CDLSPINNINGTOP": _both("Spinning top", "A small body with longer shadows on both sides: no decision."),
    "CDLSTALLEDPATTERN": _one("Stalled pattern", "Two tall rising bars, then a small one near the high: a rise that tires."),
    "CDLSTICKSANDWICH": _one("Stick sandwich", "A rising bar between two falling ones that close at the same price: a floor that held."),
    "CDLTAKURI": _one("Takuri line", "A dragonfly doji with a very long lower shadow: sellers pushed it far down, buyers brought it back."),
    "CDLTASUKIGAP": _two("Tasuki gap", "Upside tasuki gap", "Downside tasuki gap", "A gap along the trend, then a bar back into the gap that does not fill it: the trend goes on."),
    "CDLTHRUSTING": _one("Thrusting pattern", "After a tall falling bar one opens lower and closes inside its body, below the middle: a weak bounce in a fall."),
    "CDLTRISTAR": _both("Tristar", "Three dojis in a row, the middle one beyond gaps: a trend that stands still and may turn."),
    "CDLUNIQUE3RIVER": _one("Unique three river", "A tall falling bar, a falling one inside it with a new low, then a small rising one below: a bottom."),
    "CDLUPSIDEGAP2CROWS": _one("Upside gap two crows", "Above a gap after a tall rising bar two falling bars, the second around the first: a rise that tires."),
    "CDLXSIDEGAP3METHODS": _two("Side gap three methods", "Upside gap three methods", "Downside gap three methods", "Two bars along the trend with a gap between them, then one that fills the gap: usually read as the trend going on."),
    "AVERAGE_CROSS": _two("Cross of averages", "Golden cross", "Death cross", "The fast moving average of the closes crosses the slow one: a trend that is old enough to show in averages."),
    "DOUBLE_BOTTOM": _one("Double bottom", "Two lows at about one price, then a close above the high between them: sellers failed twice at the same place."),
    "DOUBLE_TOP": _one("Double top", "Two highs at about one price, then a close below the low between them: buyers failed twice at the same place."),
    "GAP": _two("Gap", "Gap up", "Gap down", "The bar opens beyond the whole bar before it: something happened while nobody traded."),
    "NEW_HIGH": _one("New high", "The first price above all bars of a long time, after a pause: nobody who bought in that time has a loss."),
    "NEW_LOW": _one("New low", "The first price below all bars of a long time, after a pause: nobody who bought in that time has a gain."),
    "RANGE_BREAKOUT": _two("Range breakout", "Breakout above the range", "Breakdown below the range", "The first close outside of a narrow range: the balance between buyers and sellers is over."),
    "RELATIVE_VOLUME": _two("High relative volume", "High volume on a rise", "High volume on a fall", "Several times the usual volume: something draws traders, and the price tells which way they go."),
    "RSI_DIVERGENCE": _both("RSI divergence", "The price goes beyond its last turn, the RSI does not: the move goes on with less force than before."),
    "SESSION_HIGH": _one("High of the session", "The first price above all of the session's bars after a pause: buyers try again, and get further."),
    "SESSION_LOW": _one("Low of the session", "The first price below all of the session's bars after a pause: sellers try again, and get further."),
    "SQUEEZE": _one("Squeeze", "Bollinger's bands have come to lie inside Keltner's channel: the market is quiet, and a move often follows."),
    "SQUEEZE_RELEASE": _two("End of a squeeze", "Squeeze ends upwards", "Squeeze ends downwards", "Bollinger's bands leave Keltner's channel after a quiet time: the market wakes up, on the side of its close."),
    "SPRING": _one("Wyckoff spring", "The price breaks below its trading range and closes back inside within a few bars: a false break, and buyers took it."),
    "UPTHRUST": _one("Wyckoff upthrust", "The price breaks above its trading range and closes back inside within a few bars: a false break, and sellers took it."),
}  # fmt: skip
"""The patterns of the detectors that ship, by the names that these give them."""


def name_of(pattern: str, direction: str) -> str:
    """What people call a signal's pattern; the pattern's own name, if nobody has told us another."""
    found = NAMES.get(pattern)
    return found.of(direction) if found else pattern


def meaning_of(pattern: str) -> str:
    """What the pattern means, in a sentence; "" if that is not known."""
    found = NAMES.get(pattern)
    return found.meaning if found else ""
