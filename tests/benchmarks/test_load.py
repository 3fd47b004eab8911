"""The rate of a backlog, without waiting for one."""

import pytest

from benchmarks.load import percentiles, steady_rate


class Workers:
    """Do nothing for a while, then so many bars a second, and ever fewer at the end: the last symbol alone."""

    def __init__(self, *, start_s: float, rate: float, total: int) -> None:
        self.now = 100.0
        self._ready_at = self.now + start_s
        self._rate = rate
        self._total = total

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def done(self) -> int:
        at_full_rate = max(0.0, self.now - self._ready_at) * self._rate
        nearly = 0.95 * self._total
        return min(self._total, int(at_full_rate if at_full_rate < nearly else nearly + (at_full_rate - nearly) / 20))


def test_neither_the_start_of_the_workers_nor_the_last_symbols_count():
    workers = Workers(start_s=3, rate=400, total=3_000)

    rate = steady_rate(workers.done, 3_000, clock=workers.clock, sleep=workers.sleep)

    assert rate == pytest.approx(400, rel=0.02)


def test_a_backlog_that_stands_still_ends_the_measurement():
    workers = Workers(start_s=1_000, rate=400, total=3_000)

    with pytest.raises(TimeoutError, match="0 of 3000"):
        steady_rate(workers.done, 3_000, patience_s=20, clock=workers.clock, sleep=workers.sleep)


@pytest.mark.parametrize(
    ("latencies_s", "expected"),
    [
        pytest.param([0.25], {"p50_ms": 250.0, "p95_ms": 250.0, "p99_ms": 250.0}, id="of one POST alone"),
        pytest.param(
            [number / 1000 for number in range(101)], {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}, id="of many"
        ),
    ],
)
def test_percentiles_are_milliseconds(latencies_s, expected):
    assert percentiles(latencies_s) == expected
