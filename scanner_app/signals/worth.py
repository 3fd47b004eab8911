"""What signals were worth: the price after them, beside what the same series did at other times. Pure.

For each kind of signal (detector, pattern, direction, timeframe) and horizon: how often it came, the mean return after
so many bars, and the same figures of the bars of the same series without it. The difference is the lift.

Signals are no independent observations. A thousand symbols give the same pattern on one day because the market fell,
and the returns after two neighbouring days overlap. So the interval of the lift comes from blocks of days: what falls
into one block counts as one observation (cluster-robust variance, Liang and Zeger 1986, with the weights of a ratio
estimator, Cochran, Sampling Techniques, 1977, chapter 6). A block is as long as two horizons, at least a day.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scanner_app.detectors import Direction
from scanner_app.domain.enums import WorthVerdict

LEVEL: Final = 0.95
"""Of the interval. So of kinds without any edge, one in forty shows one by chance."""

MIN_COUNT: Final = 30
"""Fewer signals than these show nothing."""

MIN_CLUSTERS: Final = 20
"""Nor do fewer blocks of days, however many signals they have: the variance of so few is itself unknown."""

DAY_S: Final = 86_400


class Kind(NamedTuple):
    """A kind of signal, or the hits of a rule: these have no detector and no pattern, and point nowhere."""

    detector: str
    pattern: str
    direction: str
    timeframe: str
    rule_id: int | None = None


def kind_of_rule(rule_id: int, timeframe: str) -> Kind:
    """The kind of a rule's hits."""
    return Kind("", "", Direction.NEUTRAL.value, timeframe, rule_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one kind of signal was worth at one horizon. Returns are shares: 0.01 is one percent."""

    kind: Kind
    horizon: int  # bars
    count: int
    clusters: int
    mean_return: float
    baseline_return: float
    hit_rate: float  # share of signals after which the price went where they point; up, if they point nowhere
    baseline_hit_rate: float
    lift: float  # mean return minus baseline, counted in the signals' direction
    lift_low: float | None  # None: too few
    lift_high: float | None
    verdict: WorthVerdict


@dataclass(slots=True)
class _Tally:
    """Sums over the series that were looked at, for one kind and horizon. By cluster: what its interval needs."""

    count: int = 0
    returns: float = 0.0
    baseline: float = 0.0  # of each signal its series' baseline
    hits: int = 0
    baseline_hits: float = 0.0
    lifts: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    counts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    others: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))


class Study:
    """Looks at one series after the other, and then answers what the signals in them were worth."""

    def __init__(self, horizons: Iterable[int]) -> None:
        self._horizons = tuple(horizons)
        self._tallies: dict[tuple[Kind, int], _Tally] = {}

    def add_series(
        self,
        times: NDArray[np.int64],
        close: NDArray[np.float64],
        signals: Mapping[Kind, NDArray[np.intp]],
        *,
        timeframe_s: float,
    ) -> None:
        """Look at a series: its bars' opening times (s, ascending), closes, and of each kind the places of its signals.

        Prices of zero or less have no return: such bars count neither as signals nor as baseline.
        """
        for _ in self.add_in_steps(times, close, signals, timeframe_s=timeframe_s):
            pass

    def add_in_steps(
        self,
        times: NDArray[np.int64],
        close: NDArray[np.float64],
        signals: Mapping[Kind, NDArray[np.intp]],
        *,
        timeframe_s: float,
    ) -> Iterator[None]:
        """The same, with a pause after each kind and horizon: of a million bars each takes some 20 ms."""
        for horizon in self._horizons:
            if len(close) <= horizon:
                continue
            after, known = _returns(close, horizon)
            blocks = _blocks(times[: len(after)], horizon * timeframe_s)
            for kind, places in signals.items():
                marked = np.zeros(len(after), dtype=bool)
                marked[places[places < len(after)]] = True
                self._add(kind, horizon, after, blocks, with_it=marked & known, without=~marked & known)
                yield

    def _add(
        self,
        kind: Kind,
        horizon: int,
        after: NDArray[np.float64],
        blocks: NDArray[np.int64],
        *,
        with_it: NDArray[np.bool_],
        without: NDArray[np.bool_],
    ) -> None:
        count, others = int(with_it.sum()), int(without.sum())
        if not count or not others:
            return
        sign = -1.0 if kind.direction == Direction.BEARISH else 1.0
        baseline = float(after[without].mean())
        tally = self._tallies.setdefault((kind, horizon), _Tally())
        tally.count += count
        tally.returns += float(after[with_it].sum())
        tally.baseline += count * baseline
        tally.hits += int((sign * after[with_it] > 0).sum())
        tally.baseline_hits += count * float((sign * after[without] > 0).mean())
        _sum_by(tally.lifts, blocks[with_it], sign * (after[with_it] - baseline))
        _sum_by(tally.counts, blocks[with_it], np.ones(count, dtype=np.int64))
        # The baseline is an estimate too: its own deviations, with the weight that it has in the lift.
        _sum_by(tally.others, blocks[without], sign * (after[without] - baseline) * (count / others))

    def results(self) -> list[Worth]:
        """What was found, in the order of kinds and horizons."""
        return [_worth(kind, horizon, tally) for (kind, horizon), tally in sorted(self._tallies.items())]


def _worth(kind: Kind, horizon: int, tally: _Tally) -> Worth:
    lift = sum(tally.lifts.values()) / tally.count
    clusters = len(tally.counts)
    enough = tally.count >= MIN_COUNT and clusters >= MIN_CLUSTERS
    margin = _quantile(clusters - 1) * _standard_error(tally, lift) if enough else math.nan
    low, high = lift - margin, lift + margin
    verdict = WorthVerdict.TOO_FEW if not enough else WorthVerdict.EDGE if low > 0 else WorthVerdict.NO_EDGE_SHOWN
    return Worth(
        kind=kind,
        horizon=horizon,
        count=tally.count,
        clusters=clusters,
        mean_return=tally.returns / tally.count,
        baseline_return=tally.baseline / tally.count,
        hit_rate=tally.hits / tally.count,
        baseline_hit_rate=tally.baseline_hits / tally.count,
        lift=lift,
        lift_low=low if enough else None,
        lift_high=high if enough else None,
        verdict=verdict,
    )


def _standard_error(tally: _Tally, lift: float) -> float:
    """Of the lift: the blocks' deviations from it, each block one observation."""
    clusters = len(tally.counts)
    squares = sum(
        (tally.lifts.get(block, 0.0) - tally.counts.get(block, 0) * lift - tally.others.get(block, 0.0)) ** 2
        for block in tally.lifts.keys() | tally.others.keys()
    )
    return math.sqrt(squares * clusters / (clusters - 1)) / tally.count


def _quantile(freedom: int) -> float:
    """Of Student's t, two-sided at LEVEL (Abramowitz and Stegun 26.7.5, to the second term)."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _returns(close: NDArray[np.float64], horizon: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The return `horizon` bars after each bar that has so many after it, and whether it is known."""
    before, after = close[:-horizon], close[horizon:]
    known = (before > 0) & (after > 0)
    return np.divide(after, before, out=np.ones_like(before), where=known) - 1.0, known


def _blocks(times: NDArray[np.int64], horizon_s: float) -> NDArray[np.int64]:
    """The number of the block of days that each bar falls into."""
    days = max(1, math.ceil(2 * horizon_s / DAY_S))
    return times // (days * DAY_S)


def _sum_by(sums: defaultdict[int, Any], blocks: NDArray[np.int64], values: NDArray[Any]) -> None:
    names, places = np.unique(blocks, return_inverse=True)
    for name, total in zip(names.tolist(), np.bincount(places, weights=values).tolist(), strict=True):
        sums[name] += total
