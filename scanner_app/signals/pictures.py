"""The chart in a message: the bars up to the hit's, which is marked, as a PNG."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from scanner_app.domain.wording import one_line

WIDTH, HEIGHT = 720, 420
"""Pixels: sharp on a phone, and some 10 kB as a PNG."""

BARS = 60
"""Bars of a picture, the hit's bar last."""

TOP, BOTTOM, LEFT, RIGHT = 48, 72, 12, 78
"""Room around the candles: the title above, the values below, the prices at the right."""

PAPER, INK, QUIET, GRID = "#ffffff", "#1c2024", "#5d6670", "#e6e9ec"
UP, DOWN, MARK = "#0b7a54", "#c0322b", "#f2b705"
"""Green and red that also differ in lightness, and the stripe behind the hit's bar."""

SCALE_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """A bar's prices."""

    open: float
    high: float
    low: float
    close: float


def draw(candles: Sequence[Candle], *, title: str, lines: Sequence[str]) -> bytes:
    """The PNG of a chart whose last candle is marked; b"" without candles. `lines` stand below, two at most."""
    if not candles:
        return b""
    # Imported here, since only the worker that sends pictures should pay for it.
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415

    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(20), ImageFont.load_default(14)
    pen.text((LEFT, 12), _fitting(pen, title, large, WIDTH - 2 * LEFT), INK, font=large)
    for number, line in enumerate(lines[:2]):
        at = HEIGHT - BOTTOM + 22 + 22 * number
        pen.text((LEFT, at), _fitting(pen, line, small, WIDTH - 2 * LEFT), QUIET, font=small)
    scale = _Scale(min(one.low for one in candles), max(one.high for one in candles))
    for price in scale.ticks():
        height = scale.height(price)
        pen.line((LEFT, height, WIDTH - RIGHT, height), GRID)
        pen.text((WIDTH - RIGHT + 8, height - 8), scale.label(price), QUIET, font=small)
    width = (WIDTH - LEFT - RIGHT) / max(len(candles), 20)
    for number, candle in enumerate(candles):
        left = LEFT + number * width
        middle, half = left + width / 2, max(1.0, width * 0.32)
        if number == len(candles) - 1:
            pen.rectangle((left, TOP, left + width, HEIGHT - BOTTOM), "#fdf3cf")
            tip = scale.height(candle.low) + 6
            pen.polygon([(middle, tip), (middle - 7, tip + 12), (middle + 7, tip + 12)], MARK, outline=INK)
        colour = UP if candle.close >= candle.open else DOWN
        pen.line((middle, scale.height(candle.high), middle, scale.height(candle.low)), colour)
        above, below = sorted((scale.height(candle.open), scale.height(candle.close)))
        pen.rectangle((middle - half, above, middle + half, max(below, above + 1)), colour)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _fitting(pen, text: str, font, most: float) -> str:  # type: ignore[no-untyped-def] # Pillow is imported late
    """The text in one line, cut where the room ends."""
    shown = one_line(text)
    while shown and pen.textlength(shown, font=font) > most:
        shown = shown[:-2].rstrip("…") + "…" if len(shown) > 2 else ""
    return shown


class _Scale:
    """Where a price stands, and the round prices that are written beside the chart."""

    def __init__(self, low: float, high: float) -> None:
        room = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
        self._low, self._high = low - room, high + room
        rough = (self._high - self._low) / SCALE_LINES
        power = 10.0 ** math.floor(math.log10(rough))
        self._step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
        self._digits = max(0, -math.floor(math.log10(self._step)))

    def height(self, price: float) -> float:
        """The y of a price, in pixels from the top."""
        share = (price - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def ticks(self) -> list[float]:
        """Round prices from low to high."""
        first = math.ceil(self._low / self._step)
        return [number * self._step for number in range(first, math.floor(self._high / self._step) + 1)]

    def label(self, price: float) -> str:
        """A price as text, with as many digits as the step needs."""
        return f"{price:,.{self._digits}f}"
