"""What each word means: from the word where it stands to a number or a condition."""

import math
import operator
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from scanner_app.detectors.interface import Direction
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name
from scanner_app.trader_rules import indicators
from scanner_app.trader_rules.calls import Call, wrong
from scanner_app.trader_rules.frames import Floats, Frame
from scanner_app.trader_rules.later import Later
from scanner_app.trader_rules.values import (
    Condition,
    Needs,
    Number,
    divided_series,
    named,
    remembering,
    session_bars,
    with_name,
)

if TYPE_CHECKING:
    import numpy as np
else:
    np = Later("numpy")


def _column(name: str) -> Callable[[Call], Number]:
    number = with_name(
        name,
        Needs(),
        lambda frame: float(getattr(frame.window, name)[-1]),
        lambda frame, count: frame.column(name, count),
    )
    return lambda _call: number


def _range(_call: Call) -> Number:
    return remembering("range", Needs(), lambda frame, count: frame.column("high", count) - frame.column("low", count))


def _percent_since_close(text: str, column: str) -> Callable[[Call], Number]:
    def past(frame: Frame, count: int) -> Floats:
        before = frame.column("close", count + 1)[:-1]
        return 100 * (divided_series(frame.column(column, count), before) - 1)

    number = remembering(text, Needs(bars=2), past)
    return lambda _call: number


def _indicator(function: Callable[..., Floats], memory: int = 1) -> Callable[[Call], Number]:
    """A word with a series and a count n: its value is made of memory * n values of the series."""

    def build(call: Call) -> Number:
        source, n = call.series(0), call.count(1)
        text = f"{call.word.name}({source.text}, {n})"
        return _from_series(text, source, memory * n, lambda values: function(values, n))

    return build


def _from_series(text: str, source: Number, reach: int, function: Callable[[Floats], Floats]) -> Number:
    past = source.series
    assert past is not None  # noqa: S101 - Call.series has seen to it
    needs = source.needs | Needs(bars=source.needs.bars + reach - 1)
    return remembering(text, needs, lambda frame, count: function(past(frame, reach + count - 1))[-count:])


def _of_close(call: Call, text: str, reach: int, function: Callable[[Floats], Floats]) -> Number:
    return _from_series(f"{call.word.name}({text})", MEANINGS["close"](call), reach, function)


def _rsi(call: Call) -> Number:
    n = call.count(0)
    return _of_close(call, f"{n}", indicators.WILDER_MEMORY * n + 1, lambda values: indicators.rsi(values, n))


def _atr(call: Call) -> Number:
    n = call.count(0)
    reach = indicators.WILDER_MEMORY * n + 1

    def past(frame: Frame, count: int) -> Floats:
        high, low, close = (frame.column(name, reach + count - 1) for name in ("high", "low", "close"))
        return indicators.atr(high, low, close, n)[-count:]

    return remembering(f"atr({n})", Needs(bars=reach), past)


def _macd(which: int) -> Callable[[Call], Number]:
    def build(call: Call) -> Number:
        fast, slow, signal = call.count(0), call.count(1), call.count(2, least=1)
        if fast >= slow:
            raise wrong(f"fast of {call.word.name} must be less than slow", call.node)
        return _of_close(
            call,
            f"{fast}, {slow}, {signal}",
            indicators.MEMORY * (slow + signal),
            lambda values: indicators.macd(values, fast, slow, signal, which),
        )

    return build


def _bands(which: int) -> Callable[[Call], Number]:
    def build(call: Call) -> Number:
        n, width = call.count(0), call.width(1)
        return _of_close(call, f"{n}, {width:g}", n, lambda values: indicators.bbands(values, n, width, which))

    return build


def _previous(call: Call) -> Number:
    source, n = call.series(0), call.count(1, least=1)
    past = source.series
    assert past is not None  # noqa: S101 - Call.series has seen to it
    return remembering(
        f"previous({source.text}, {n})",
        source.needs | Needs(bars=source.needs.bars + n),
        lambda frame, count: past(frame, count + n)[:count],
    )


def _crosses(compare: Callable[[float, float], bool]) -> Callable[[Call], Condition]:
    def build(call: Call) -> Condition:
        first, second = call.series(0), call.series(1)
        past, other_past = first.series, second.series
        assert past is not None  # noqa: S101 - Call.series has seen to it
        assert other_past is not None  # noqa: S101

        def holds(frame: Frame) -> bool | None:
            (a, b), (c, d) = past(frame, 2).tolist(), other_past(frame, 2).tolist()
            if math.isnan(a + b + c + d):
                return None
            return not compare(a, c) and compare(b, d)

        needs = first.needs | second.needs
        return Condition(
            f"{call.word.name}({first.text}, {second.text})",
            needs | Needs(bars=needs.bars + 1),
            holds,
            numbers=named(first, second),
        )

    return build


def _abs(call: Call) -> Number:
    source = call.number(call.arguments[0])
    now, past = source.now, source.series
    series = None if past is None else (lambda frame, count: np.abs(past(frame, count)))
    return Number(f"abs({source.text})", source.needs, lambda frame: abs(now(frame)), series, source.named)


def _on(call: Call) -> Number | Condition:
    if call.inside_on:
        raise wrong("on can't be used inside of another on", call.node)
    given = call.text(0)
    timeframe = normal_name(given) if given is not None else None
    if timeframe is None:
        raise wrong(f"the timeframe of on must be a text, one of {', '.join(TIMEFRAMES)}", call.arguments[0])
    inner = call.on(call.arguments[1])
    return _condition_on(timeframe, inner) if isinstance(inner, Condition) else _number_on(timeframe, inner)


def _condition_on(timeframe: str, inner: Condition) -> Condition:
    ask = inner.holds

    def holds(frame: Frame) -> bool | None:
        other = frame.others.get(timeframe)
        return None if other is None else ask(other)

    numbers = tuple(_number_on(timeframe, one) for leaf in inner.leaves for one in leaf.numbers)
    return Condition(
        f"on('{timeframe}', {inner.text})", Needs(others=((timeframe, inner.needs.bars),)), holds, numbers=numbers
    )


def _number_on(timeframe: str, inner: Number) -> Number:
    ask = inner.now

    def now(frame: Frame) -> float:
        other = frame.others.get(timeframe)
        return math.nan if other is None else ask(other)

    return with_name(f"on('{timeframe}', {inner.text})", Needs(others=((timeframe, inner.needs.bars),)), now)


def _pattern(call: Call) -> Condition:
    call.of_the_bar()
    given = call.text(0)
    if given is None or not _plain(given):
        raise wrong('pattern takes the name of a pattern as text: pattern("BULLISH_ENGULFING")', call.arguments[0])
    direction: Direction | None = None
    wanted = given.strip().upper()
    for one in Direction:
        if wanted.startswith(f"{one.upper()}_"):
            direction, wanted = one, wanted.removeprefix(f"{one.upper()}_")
    name = _plain(wanted)

    def holds(frame: Frame) -> bool:
        return any(_plain(one.pattern) == name and direction in {None, one.direction} for one in frame.signals)

    return Condition(f"pattern('{given}')", Needs(signals=True), holds)


@lru_cache(maxsize=4_096)
def _plain(pattern: str) -> str:
    """A pattern's name without what people leave out: case, TA-Lib's CDL, underscores, spaces."""
    letters = pattern.upper().replace("_", "").replace(" ", "")
    return letters.removeprefix("CDL") or letters


def _any(direction: Direction) -> Callable[[Call], Condition]:
    def build(call: Call) -> Condition:
        call.of_the_bar()
        return Condition(
            call.word.name, Needs(signals=True), lambda frame: any(one.direction == direction for one in frame.signals)
        )

    return build


def _strength(call: Call) -> Number:
    call.of_the_bar()
    return with_name(
        "strength", Needs(signals=True), lambda frame: max((abs(one.strength) for one in frame.signals), default=0.0)
    )


def _minutes_since_open(call: Call) -> Number:
    call.of_the_bar()

    def ask(frame: Frame) -> float:
        if frame.session_open is None:
            return math.nan
        opened = np.datetime64(frame.session_open.replace(tzinfo=None), "us")
        return float((frame.window.timestamps[-1] - opened) / np.timedelta64(60, "s"))

    return with_name(call.word.name, Needs(session=True), ask)


def _of_session(column: str, choose: Callable[[Floats], float]) -> Callable[[Call], Number]:
    def build(call: Call) -> Number:
        call.of_the_bar()

        def ask(frame: Frame) -> float:
            place = frame.session_bars(session_bars(frame.window.timeframe))
            if place is None or place[0] >= place[1]:
                return math.nan
            return float(choose(getattr(frame.window, column)[place[0] : place[1]]))

        return with_name(call.word.name, Needs(session=True, session_bars=True), ask)

    return build


MEANINGS: Final[dict[str, Callable[[Call], Any]]] = {
    **{name: _column(name) for name in ("open", "high", "low", "close", "volume")},
    "range": _range,
    "change_percent": _percent_since_close("change_percent", "close"),
    "gap_percent": _percent_since_close("gap_percent", "open"),
    "pattern": _pattern,
    "any_bullish": _any(Direction.BULLISH),
    "any_bearish": _any(Direction.BEARISH),
    "strength": _strength,
    "sma": _indicator(indicators.sma),
    "average": _indicator(indicators.sma),
    "ema": _indicator(indicators.ema, memory=indicators.MEMORY),
    "stdev": _indicator(indicators.stdev),
    "highest": _indicator(indicators.highest),
    "lowest": _indicator(indicators.lowest),
    "rsi": _rsi,
    "atr": _atr,
    "macd": _macd(0),
    "macd_signal": _macd(1),
    "macd_histogram": _macd(2),
    "bbands_upper": _bands(0),
    "bbands_middle": _bands(1),
    "bbands_lower": _bands(2),
    "previous": _previous,
    "crosses_above": _crosses(operator.gt),
    "crosses_below": _crosses(operator.lt),
    "on": _on,
    "minutes_since_open": _minutes_since_open,
    "session_open": _of_session("open", lambda opens: opens[0]),
    "session_high": _of_session("high", lambda values: float(np.max(values))),
    "session_low": _of_session("low", lambda values: float(np.min(values))),
    "abs": _abs,
}
