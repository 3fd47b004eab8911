"""The plots of the report. Small SVG files that are the same whenever the rows are.

Colours by Okabe and Ito (2008), which colour-blind people can distinguish, on white:
GitHub shows it in its dark mode too.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from benchmarks import series
from benchmarks.series import Measured
from benchmarks.tables import BARE, CEILING, DETECTING, LATENCY_GOALS_MS, OURS, Rows

GREY, SKY, BLUE, ORANGE, GREEN, RED, PINK = "#999999", "#56b4e9", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"
CASES = {CEILING: GREY, BARE: SKY, OURS: BLUE, DETECTING: ORANGE}
SHARES = {"p50_ms": ("o", GREEN), "p95_ms": ("s", BLUE), "p99_ms": ("^", RED)}
LINES = (BLUE, ORANGE, GREEN, RED, PINK, SKY, GREY)
DASHES = ("-", "--", ":")
"""The next one where the colours of LINES start again."""

FAR_APART = 30
"""Times the smallest value, from which on an axis is logarithmic: the small ones would all lie on the bottom."""

WIDTH = 8.0
"""Inches, of 72 pixels each: GitHub's column is somewhat wider than 576."""

STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 9.0,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "svg.fonttype": "none",  # text, not outlines: a third of the size, and it can be searched
    "svg.hashsalt": "benchmarks",  # else every file has other ids each time
}


def engine(rows: Rows) -> Figure:
    """Tasks/s by kind of pool."""
    found = series.by_pool(rows)
    pools = list(dict.fromkeys(row["pool"] for row in rows))
    figure, axes = _figure(3.6)
    cases = {pool: [case for case, rates in found.items() if pool in rates] for pool in pools}
    width = 0.9 / max(len(those) for those in cases.values())
    for case, rates in found.items():
        places = [
            pools.index(pool) + width * (cases[pool].index(case) - (len(cases[pool]) - 1) / 2)  # in the group's middle
            for pool in rates
        ]
        each = list(rates.values())
        values = [one.value for one in each]
        axes.bar(places, values, width * 0.92, color=CASES.get(case), label=case, yerr=_errors(each), ecolor="#333333")
        for place, one in zip(places, each, strict=True):
            _note(axes, f"{one.value:,.0f}", (place, one.high), (0, 2), ha="center", size=7.5)
    axes.set_xticks(range(len(pools)), [pool.replace(", ", ",\n") for pool in pools])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("main workers")
    axes.set_ylabel("tasks/s")
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    figure.legend(loc="outside upper left", ncols=len(found))
    return figure


def latency(rows: Rows) -> Figure:
    """p50, p95 and p99 of feeds."""
    figure, axes = _figure(0.9 + 0.42 * len(rows))
    places = range(len(rows))
    for place, row in zip(places, rows, strict=True):
        axes.plot([row["p50_ms"], row["p99_ms"]], [place, place], color=GREY, zorder=1)
        shares = " / ".join(f"{row[share]:,.4g}" if row[share] < 10_000 else f"{row[share]:,.0f}" for share in SHARES)
        _note(axes, shares, (row["p99_ms"], place), (8, 0), va="center")
    for share, (marker, colour) in SHARES.items():
        values = [row[share] for row in rows]
        axes.scatter(values, places, marker=marker, color=colour, label=share.removesuffix("_ms"), zorder=2)
    goals = [(LATENCY_GOALS_MS[row["feed"]], place) for place, row in zip(places, rows, strict=True) if _goal(row)]
    if goals:
        axes.scatter(*zip(*goals, strict=True), marker="|", s=250, color="#000000", label="goal for p95")
    axes.set_yticks(places, [f"{row['case']}\n{_feed(row)}" for row in rows])
    axes.invert_yaxis()
    axes.margins(y=0.5 / len(rows))
    _log(axes.set_xscale, axes.xaxis)
    low, high = axes.get_xlim()
    axes.set_xlim(right=low * (high / low) ** 1.5)  # room for the last figures
    axes.set_xlabel("ms from acceptance to the committed result, logarithmic")
    figure.legend(loc="outside upper left", ncols=4)
    return figure


def growth(rows: Rows) -> Figure | None:
    """p95 by symbols, and bars/s by history; None without any of these cases."""
    symbols = series.by_size(rows, "{} symbols", "p95_ms", "p95_rounds_ms")
    history = series.by_size(rows, "history of {} bars", "rate", "rate_rounds")
    panels = (
        (symbols, BLUE, {"title": "p95 at 100 bars/s", "xlabel": "symbols", "ylabel": "ms"}),
        (history, RED, {"title": "Bars/s of a drained backlog", "xlabel": "bars of history", "ylabel": "bars/s"}),
    )
    shown = [panel for panel in panels if panel[0]]  # cases can be measured by group
    if not shown:
        return None
    figure = Figure(figsize=(WIDTH, 3.2))
    for axes, (points, colour, words) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _by_size(axes, points, colour)
        axes.set(**words)
    return figure


def peers(rows: Rows) -> Figure:
    """Bars/s, and what kills did."""
    figure, axes = _figure(0.8 + 0.4 * len(rows))
    each = [
        Measured.of(row["bars_per_second"], [one["bars_per_second"] for one in row.get("rounds", ())]) for row in rows
    ]
    values = [one.value for one in each]
    colours = [BLUE if place == 0 else SKY for place in range(len(rows))]  # the first row is the scanner's
    axes.barh(range(len(rows)), values, 0.6, color=colours, xerr=_errors(each), ecolor="#333333")
    for place, (row, one) in enumerate(zip(rows, each, strict=True)):
        _note(axes, f"{one.value:,.0f} | {series.account(row)}", (one.high, place), (5, 0), va="center")
    axes.set_yticks(range(len(rows)), [row["peer"] for row in rows])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(right=1.75 * max(one.high for one in each))  # room for the labels
    axes.set_title("Bars/s | what became of a backlog's bars when all workers were killed, again and again")
    axes.set_xlabel("bars/s of a drained backlog")
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    return figure


def memory(rows: Rows) -> Figure | None:
    """MB by minutes, a line for each process with its children; None where no row says so."""
    found = series.memory(rows)
    if not found:
        return None
    figure, axes = _figure(3.6)
    for number, (process, points) in enumerate(found.items()):
        minutes, sizes = zip(*points, strict=True)
        dash = DASHES[number // len(LINES) % len(DASHES)]
        axes.plot(minutes, sizes, dash, color=LINES[number % len(LINES)], label=process)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    axes.set_ylabel("MB, proportional set size")
    figure.legend(loc="outside right upper")
    return figure


PLOTS: dict[str, Callable[[Rows], Figure | None]] = {
    "engine": engine,
    "engine-latency": latency,
    "growth": growth,
    "peers": peers,
    "memory-series": memory,
}
"""By measurement."""


def draw(measurement: str, rows: Rows, path: Path) -> bool:
    """Draw a measurement's plot into a file; whether there was anything to draw."""
    with mpl.rc_context(STYLE):
        figure = PLOTS[measurement](rows)
        if figure is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Neither a date nor matplotlib's version: a file changes when its rows do.
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return True


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots()


def _by_size(axes: Axes, points: Sequence[tuple[int, Measured]], colour: str) -> None:
    sizes, each = [size for size, _ in points], [one for _, one in points]
    values = [one.value for one in each]
    axes.errorbar(sizes, values, yerr=_errors(each), marker="o", color=colour, capsize=3)
    for size, one in points:
        _note(axes, f"{one.value:,.4g}", (size, one.high), (0, 4), ha="center")
    _log(axes.set_xscale, axes.xaxis)
    axes.set_xticks(sizes)
    axes.margins(x=0.15)
    if max(values) > FAR_APART * min(values):
        _log(axes.set_yscale, axes.yaxis)
        axes.margins(y=0.2)
    else:
        axes.set_ylim(bottom=0, top=1.2 * max(one.high for one in each))
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))


def _note(axes: Axes, text: str, at: tuple[float, float], aside: tuple[float, float], **how: Any) -> None:
    """A text so many points beside a place."""
    axes.annotate(text, at, aside, textcoords="offset points", **how)


def _log(set_scale: Callable[[str], Any], axis: Any) -> None:
    set_scale("log")
    axis.set_major_formatter(FuncFormatter(_thousands))
    axis.set_minor_locator(NullLocator())


def _errors(each: Sequence[Measured]) -> list[list[float]]:
    return [[one.value - one.low for one in each], [one.high - one.value for one in each]]


def _thousands(value: float, _position: object) -> str:
    return f"{value:,.10g}"


def _goal(row: dict[str, Any]) -> bool:
    return row["feed"] in LATENCY_GOALS_MS


def _feed(row: dict[str, Any]) -> str:
    """A feed whose rate is not in its name gets it."""
    rate = f"{row['rate']}/s"
    return str(row["feed"]) if rate in row["feed"] else f"{row['feed']} ({rate})"
