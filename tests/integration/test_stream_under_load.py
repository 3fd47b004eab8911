"""The stream while eight workers write ten thousand signals and its reader is cut two hundred times."""

import random
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.integration.test_stream import Reader
from tests.waiting import wait_until

WORKERS, CUTS = 8, 200
TICKERS = [f"S{number}" for number in range(2 * WORKERS)]
BARS_EACH = 125
SIGNALS_A_BAR = 5
SIGNALS = len(TICKERS) * BARS_EACH * SIGNALS_A_BAR
assert SIGNALS == 10_000


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    detectors = {"SCANNER_DETECTORS": "tests.integration.detectors.FiveEachBar"}
    with running_stack(tmp_path, request.param, workers=False, **detectors) as running:
        running.start_worker("main", "main", processes=WORKERS)
        running.start_worker("upkeep", "upkeep", processes=1)
        running.start("beat", "celery", "-q", "-A", "scanner_project", "beat")
        yield running


def has(reader: Reader, events: int) -> bool:
    return len(reader.events) >= events


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_reader_that_is_cut_200_times_misses_nothing_and_gets_nothing_twice(stack):
    dice = random.Random(23)  # noqa: S311 - no secret
    waiting = [bar for bars in zip(*(bars_of(ticker, BARS_EACH) for ticker in TICKERS), strict=True) for bar in bars]
    a_time = len(waiting) // CUTS
    reader = Reader(stack).open()

    for _ in range(CUTS):
        seen = len(reader.events)
        stack.post_bars(waiting[:a_time])
        del waiting[:a_time]
        enough = seen + dice.randint(1, a_time * SIGNALS_A_BAR // 2)
        wait_until(partial(has, reader, enough), "something comes")
        reader.cut()
        reader.open()
    assert not waiting
    wait_until(partial(has, reader, SIGNALS), "all have come", deadline_s=120)
    reader.cut()

    numbers = [int(one["id"]) for one in reader.events]
    assert numbers == list(range(numbers[0], numbers[0] + SIGNALS)), "in order, without a gap or a repeat"
    assert {one["event"] for one in reader.events} == {"signal"}
    listed = {row["id"]: row for row in stack.rows("signals")}
    assert len(listed) == SIGNALS
    assert {one["data"]["id"]: one["data"] for one in reader.events} == listed
    of_symbol = defaultdict(list)
    for one in reader.events:
        of_symbol[one["data"]["symbol"]].append(one["data"]["timestamp"])
    assert set(of_symbol) == set(TICKERS)
    assert all(times == sorted(times) for times in of_symbol.values()), "each symbol's in the order of its bars"
