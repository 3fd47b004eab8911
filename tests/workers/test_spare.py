from types import SimpleNamespace

import celery.worker.state as worker_state
import pytest

from scanner_app.workers import spare

NOW_S = 1_000.0


@pytest.mark.parametrize(
    ("started", "wanted"),
    [
        ([], 8),
        ([None, NOW_S - 0.1], 8),  # not begun, and quick so far
        ([NOW_S - 5, NOW_S - 0.1], 9),
        ([NOW_S - 5] * 3, 11),
        ([NOW_S - 5] * 8, 12),  # the bound
    ],
)
def test_each_run_that_takes_long_has_one_process_more_made_for_the_others(started, wanted):
    assert spare.wanted_processes(started, NOW_S, base=8, spare=4, long_s=0.3) == wanted


class Pool:
    def __init__(self) -> None:
        self.num_processes = 2
        self.maintained = 0

    def grow(self, more):
        self.num_processes += more

    def maintain_pool(self):
        self.maintained += 1


def test_processes_are_added_once_and_stay(monkeypatch, settings):
    settings.SCANNER_SPARE_PROCESSES = 4
    pool, prefetch = Pool(), list[int]()
    parent = SimpleNamespace(
        pool=pool,
        hostname="main@here",
        controller=SimpleNamespace(concurrency=2),
        _update_prefetch_count=prefetch.append,
    )
    monkeypatch.setattr(worker_state, "active_requests", [SimpleNamespace(time_start=0.0)])

    spare.look(parent)
    spare.look(parent)
    monkeypatch.setattr(worker_state, "active_requests", [])
    spare.look(parent)

    assert pool.num_processes == 3
    assert prefetch == [1]
    assert pool.maintained == 1
