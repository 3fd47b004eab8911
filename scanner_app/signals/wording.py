"""What is said of signals, in words."""

from collections.abc import Mapping
from typing import Final

from scanner_app.detectors import Direction, pattern_names
from scanner_app.domain.enums import WorthVerdict
from scanner_app.domain.wording import counted
from scanner_app.models import SignalWorth

VERDICTS: Final = {
    WorthVerdict.EDGE: "an edge",
    WorthVerdict.NO_EDGE_SHOWN: "no edge shown",
    WorthVerdict.TOO_FEW: "too few to say",
}


def sentence(row: SignalWorth) -> str:
    """The figures of a row in one sentence: "41 times, 48 % up after 5 bars; without it 47 %: no edge shown"."""
    way = "down" if row.direction == Direction.BEARISH else "up"
    return (
        f"{counted(row.count, 'time')}, {row.hit_rate:.0%} {way} after {counted(row.horizon, 'bar')}; "
        f"without it {row.baseline_hit_rate:.0%}: {VERDICTS[WorthVerdict(row.verdict)]}"
    ).replace("%", " %")


def title(row: SignalWorth, rules: Mapping[int, str]) -> str:
    """What people call the kind of signal of a row, or the rule. `rules`: names of rules by their ids."""
    if row.rule_id is not None:
        return rules.get(row.rule_id, f"rule {row.rule_id}")
    return pattern_names.name_of(row.pattern, row.direction)


def details(row: SignalWorth) -> str:
    """The same as the scanner has it: "CDLHAMMER, bullish, 1d, candlesticks"; "rule, 1d"."""
    if row.rule_id is not None:
        return f"rule, {row.timeframe}"
    return f"{row.pattern}, {row.direction}, {row.timeframe}, {row.detector}"


def kind(row: SignalWorth, rules: Mapping[int, str]) -> str:
    """The same for a line of text: "CDLHAMMER (candlesticks, bullish, 1d)"; "Golden cross (rule, 1d)"."""
    if row.rule_id is not None:
        return f"{title(row, rules)} ({details(row)})"
    return f"{row.pattern} ({row.detector}, {row.direction}, {row.timeframe})"
