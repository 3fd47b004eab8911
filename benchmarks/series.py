"""What the plots show, as values, read from the rows that the measurements store. No matplotlib, no Django."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.tables import Rows

POINTS = 1_000
"""Of all lines of a picture, at most: more can't be distinguished, and make its file large."""

MEMORY_PARTS = {"parent", "children, sum"}
"""Of a process: the others (the largest child, the sum of all processes) are in these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A median, and between what the rounds were."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, rounds: Sequence[float]) -> "Measured":
        """Without rounds the value alone."""
        return cls(value=value, low=min([value, *rounds]), high=max([value, *rounds]))


def by_pool(rows: Rows) -> dict[str, dict[str, Measured]]:
    """Tasks/s of `engine`: by case, then by kind of pool."""
    found: dict[str, dict[str, Measured]] = {}
    for row in rows:
        found.setdefault(row["case"], {})[row["pool"]] = Measured.of(row["rate"], row["rounds"])
    return found


def by_size(rows: Rows, what: str, figure: str, rounds: str) -> list[tuple[int, Measured]]:
    """A figure of `growth` by the number of `what` ("{} symbols"), in order; only cases that were fed and drained.

    The others are something else (symbols beside blocked ones) or have no figure of this kind. A case may have a row
    with all rounds, or a row for each.
    """
    pattern = re.compile(re.escape(what).replace(r"\{\}", r"([\d,]+)"))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        named = pattern.fullmatch(row.get("case") or row.get("name", ""))
        if named and {"rate", "p95_ms"} <= row.keys():
            found.setdefault(int(named[1].replace(",", "")), []).append(row)
    return [
        (
            size,
            Measured.of(
                median(row[figure] for row in each), [one for row in each for one in _all(row, figure, rounds)]
            ),
        )
        for size, each in sorted(found.items())
    ]


def _all(row: dict[str, Any], figure: str, rounds: str) -> Sequence[float]:
    """A figure of all rounds that a row stands for."""
    return row.get(rounds) or [row[figure]]


def account(row: dict[str, Any]) -> str:
    """What became of a peer's bars when its workers were killed, in words; only what went wrong."""
    kinds = {"lost": "kill_lost", "doubled": "kill_doubled", "out of order": "kill_out_of_order"}
    wrong = [f"{row[kind]:,} {word}" for word, kind in kinds.items() if row[kind]]
    return ", ".join(wrong) or "nothing lost, doubled or out of order"


def memory(rows: Rows) -> dict[str, list[tuple[float, float]]]:
    """Minutes and MB, by process with its children, in order of time; rows of another kind are left out."""
    found: dict[str, dict[float, float]] = {}
    for row in rows:
        if {"process", "minute", "pss_mb"} <= row.keys() and row.get("part", "parent") in MEMORY_PARTS:
            sizes = found.setdefault(row["process"], {})
            sizes[row["minute"]] = sizes.get(row["minute"], 0) + row["pss_mb"]
    return {process: thinned(sorted(sizes.items()), POINTS // len(found)) for process, sizes in found.items()}


def thinned(points: Sequence[tuple[float, float]], at_most: int) -> list[tuple[float, float]]:
    """Evenly chosen points, the first and the last among them."""
    if len(points) <= at_most:
        return list(points)
    step = (len(points) - 1) / (at_most - 1)
    return [points[round(place * step)] for place in range(at_most)]
